"""What a condition can come out as, over all messages that the schema allows.

Values of which the schema or a code table tells every one are tried out; any other part of the condition may
be true or false, but the same part is the same throughout. So what never or always holds is certain; of what
is not found here nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from gateway.mapping import plan
from gateway.mapping.shapes import Shapes
from gateway.mapping.values import Wrong

_MOST_TRIALS = 4096
BOTH = frozenset((True, False))


def outcomes(condition: plan.Expr, shapes: Shapes) -> frozenset[bool]:
    """The truth values that are possible; both where there are too many cases to try."""
    return _Trials(shapes).outcomes(condition)


class _Trials:
    def __init__(self, shapes: Shapes):
        self.shapes = shapes

    def outcomes(self, condition: plan.Expr) -> frozenset[bool]:
        choices: dict[Any, tuple[Any, ...]] = {}
        for part in _parts(condition):
            asked, values = self._asked(part)
            choices[_key(asked)] = values
        if prod(map(len, choices.values())) > _MOST_TRIALS:
            return BOTH
        tried = (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))
        return frozenset(self._holds(condition, known) for known in tried)

    def _asked(self, part: plan.Expr) -> tuple[plan.Expr, tuple[Any, ...]]:
        """The value that a simple condition asks about, and every text that it can be ("" is absent);
        of any other condition itself, with true and false."""
        asked = _subject(part)
        shape = self.shapes.of(asked) if asked is not None else None
        if asked is None or shape is None or shape.values is None:
            return part, (True, False)
        return asked, tuple(sorted(shape.values | {""} if shape.optional else shape.values))

    def _holds(self, node: plan.Expr, known: Mapping[Any, Any]) -> bool:
        match node:
            case plan.Logic(operator="and"):
                return self._holds(node.left, known) and self._holds(node.right, known)
            case plan.Logic():
                return self._holds(node.left, known) or self._holds(node.right, known)
            case plan.Not():
                return not self._holds(node.inner, known)
        asked, _ = self._asked(node)
        value = known[_key(asked)]
        return bool(value) if asked is node else _answer(node, value)


def _parts(node: plan.Expr) -> Iterator[plan.Expr]:
    """What a condition is put together from, by and, or, not."""
    match node:
        case plan.Logic():
            yield from _parts(node.left)
            yield from _parts(node.right)
        case plan.Not():
            yield from _parts(node.inner)
        case _:
            yield node


def _subject(node: plan.Expr) -> plan.Expr | None:
    """The one text that a simple condition asks about."""
    asked: plan.Expr | None = None
    match node:
        case plan.Compare(operator="=" | "!=", left=left, right=plan.Constant()):
            asked = left
        case plan.Compare(operator="=" | "!=", left=plan.Constant(), right=right):
            asked = right
        case plan.Among() if all(isinstance(one, plan.Constant) for one in node.options):
            asked = node.value
        case plan.Exists():
            asked = node.inner
        case plan.Call(name="matches" | "contains" | "starts-with"):
            asked = node.arguments[0]
    return asked if asked is not None and asked.kind.name == "text" else None


def _key(node: plan.Expr) -> Any:
    own = plan.key(node)
    return id(node) if own is None else own


def _answer(node: plan.Expr, text: str) -> bool:
    match node:
        case plan.Compare():
            wanted = node.right if isinstance(node.right, plan.Constant) else node.left
            is_equal = text != "" and isinstance(wanted, plan.Constant) and text == wanted.value
            return is_equal is (node.operator == "=")
        case plan.Among():
            return text != "" and text in [
                one.value for one in node.options if isinstance(one, plan.Constant)
            ]
        case plan.Call():
            try:
                return text != "" and bool(node.run(text))
            except Wrong:  # refused while it runs: the condition does not hold
                return False
        case _:
            return text != ""
