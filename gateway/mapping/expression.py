"""Text of an expression → tree. Parsed by the grammar beside this file, never by Python's `eval`.

`at` is the offset of a node in its text, so that every finding has a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TypeAlias, cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

MAX_CHARS = 2000
MAX_DEPTH = 24


class ExpressionError(ValueError):
    """Not an expression; `at` is the offset of the fault, `text` says what was expected."""

    def __init__(self, text: str, at: int):
        super().__init__(text)
        self.text = text
        self.at = at


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path. `selector`: an index from 1, or a condition on the items."""

    name: str
    selector: Node | int | None
    at: int


@dataclass(frozen=True, slots=True)
class Path:
    """`start`: "" (a name), "/" (the root), "." (the current item), "$1" (part of a zip)."""

    start: str
    steps: tuple[Step, ...]
    at: int

    def __str__(self) -> str:
        names = "/".join(step.name for step in self.steps)
        if self.start in ("", "/"):
            return self.start + names
        return f"{self.start}/{names}" if names else self.start


@dataclass(frozen=True, slots=True)
class Call:
    """`X | f(a)` and `f(X, a)` are the same call."""

    name: str
    arguments: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Concat:
    parts: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Among:
    value: Node
    options: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Logic:
    """`operator` is "and" or "or"."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node
    at: int


@dataclass(frozen=True, slots=True)
class Exists:
    inner: Node
    at: int


Node: TypeAlias = Text | Number | Path | Call | Concat | Compare | Among | Logic | Not | Exists


_NAME = re.compile(r"[^\W\d][\w\-]*")
_KEYWORDS = frozenset(("and", "or", "not", "in", "exists"))


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """ExpressionError with the offset of the first fault."""
    if _NAME.fullmatch(text) and text not in _KEYWORDS:  # most fields by far: no need for the grammar
        return Path("", (Step(text, None, 0),), 0)
    if len(text) > MAX_CHARS:
        raise ExpressionError(f"longer than {MAX_CHARS} characters", 0)
    try:
        node = cast(Node, _parser().parse(text))
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        at = len(text.rstrip()) if ended or error.pos_in_stream is None else error.pos_in_stream
        raise ExpressionError(_explain(text, at), at) from None
    _check_depth(node)
    return node


def children(node: Node) -> Iterator[Node]:
    if isinstance(node, Path):
        for step in node.steps:
            if step.selector is not None and not isinstance(step.selector, int):
                yield step.selector
    elif isinstance(node, Call):
        yield from node.arguments
        yield from (value for _, value in node.named)
    elif isinstance(node, Concat):
        yield from node.parts
    elif isinstance(node, Compare | Logic):
        yield node.left
        yield node.right
    elif isinstance(node, Among):
        yield node.value
        yield from node.options
    elif isinstance(node, Not | Exists):
        yield node.inner


def _check_depth(node: Node) -> None:
    todo = [(node, 1)]
    while todo:
        one, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH}", one.at)
        todo += [(child, depth + 1) for child in children(one)]


_WIDE = {
    "（": "(", "）": ")", "，": ",", "：": ":", "｜": "|", "＝": "=", "“": '"', "”": '"', "／": "/",
    "［": "[", "］": "]", "＆": "&",
}  # fmt: skip


# How other languages write it, at the place where the grammar stumbles or one character before.
_OTHER_TONGUES = (
    ("==", "equal is written ="),
    ("<>", "not equal is written !="),
    ("&&|AND\\b", "both conditions are written and"),
    (r"\|\||OR\b", "either condition is written or"),
    ("NOT\\b|!(?!=)", "the contrary is written not"),
    (r"/?\w*\(\)$", "the text of an element is its path alone"),
    ("//", "there is no search below; write the whole path"),
    (r"/\*", "there is no path for any name; name the field"),
    (r"\.\.", "there is no way up; a path from the message's root begins with /"),
    (r"\+", "texts are put together with &, numbers with add(…)"),
    (r"\*", "a product is written mul(…)"),
    (r"-\s", "a difference is written sub(…)"),
)


def _explain(text: str, at: int) -> str:
    if at >= len(text.rstrip()):
        return "the expression ends too early"
    letter = text[at]
    if letter in _WIDE:
        name = ", or a name that holds it as `…`" if letter in "（）／" else ""
        return f"full-width {letter}; write {_WIDE[letter]}{name}"
    if letter == "'":
        return 'a constant stands in double quotes ("…")'
    if letter == '"':
        return "a text that is not expected here, or without its closing quote"
    for wrong, right in _OTHER_TONGUES:
        if re.match(wrong, text[max(at - 1, 0) :]) or re.match(wrong, text[at:]):
            return right
    word = re.match(r"[\w.\-]+|.", text[at:])
    return f"did not expect {word.group() if word else letter!r} here"


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    value: Node


@v_args(inline=True)
class _Tree(Transformer[Token, Node]):
    """Builds the tree while the parser reads; one method a rule of the grammar."""

    def start(self, node: Node) -> Node:
        return node

    def text(self, token: Token) -> Text:
        return Text(_unescaped(token[1:-1]), _at(token))

    def number(self, token: Token) -> Number:
        return Number(Decimal(token), _at(token))

    def or_(self, left: Node, right: Node) -> Logic:
        return Logic("or", left, right, left.at)

    def and_(self, left: Node, right: Node) -> Logic:
        return Logic("and", left, right, left.at)

    def not_(self, inner: Node) -> Not:
        return Not(inner, inner.at)

    def compare(self, left: Node, operator: Token, right: Node) -> Compare:
        return Compare(str(operator), left, right, _at(operator))

    def among(self, value: Node, *options: Node) -> Among:
        return Among(value, options, value.at)

    def concat(self, *parts: Node) -> Concat:
        return Concat(parts, parts[0].at)

    def exists(self, inner: Node) -> Exists:
        return Exists(inner, inner.at)

    def pipe(self, value: Node, name: Token, arguments: tuple[Node | _Named, ...] | None) -> Call:
        return _call(name, (value, *(arguments or ())))

    def call(self, name: Token, arguments: tuple[Node | _Named, ...]) -> Call:
        return _call(name, arguments)

    def arguments(self, *arguments: Node | _Named | None) -> tuple[Node | _Named, ...]:
        return tuple(one for one in arguments if one is not None)

    def named(self, name: Token, value: Node) -> _Named:
        return _Named(str(name), value)

    def root_path(self, slash: Token, steps: tuple[Step, ...]) -> Path:
        return Path("/", steps, _at(slash))

    def own_path(self, steps: tuple[Step, ...]) -> Path:
        return Path("", steps, steps[0].at)

    def item_path(
        self, dot: Token, slash: Token | None = None, steps: tuple[Step, ...] | None = None
    ) -> Path:
        return Path(".", steps or (), _at(dot))

    def part_path(
        self, part: Token, slash: Token | None = None, steps: tuple[Step, ...] | None = None
    ) -> Path:
        return Path(str(part), steps or (), _at(part))

    def steps(self, *steps: Step | Token) -> tuple[Step, ...]:
        return tuple(one for one in steps if isinstance(one, Step))

    def step(self, name: Token, selector: Node | None) -> Step:
        plain = name[1:-1] if name.type == "QUOTED" else str(name)
        if isinstance(selector, Number) and selector.value == int(selector.value):
            return Step(plain, int(selector.value), _at(name))
        return Step(plain, selector, _at(name))


def _at(token: Token) -> int:
    return token.start_pos or 0


def _call(name: Token, arguments: tuple[Node | _Named, ...]) -> Call:
    named = tuple((one.name, one.value) for one in arguments if isinstance(one, _Named))
    return Call(str(name), tuple(one for one in arguments if not isinstance(one, _Named)), named, _at(name))


_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "\\t": "\t"}


def _unescaped(text: str) -> str:
    """Only \\", \\\\, \\n and \\t are escapes: patterns keep their other backslashes."""
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), text)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = (FilePath(__file__).parent / "grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", transformer=_Tree(), maybe_placeholders=True)
