"""Python source while it is written: lines, names, constants, and the scopes of a mapping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gateway.mapping import plan, running, values
from gateway.mapping.kinds import Kind

_NAMES: dict[str, Any] = {
    "leaf": values.leaf,
    "record": values.record,
    "items": values.items,
    "walk": values.walk,
    "number": values.number,
    "plain": values.plain,
    "concat": running.concat,
    "MAX_STEPS": values.MAX_STEPS,
    "Decimal": Decimal,
    "GAP": running.GAP,
    "pick": running.pick,
    "only": running.only,
    "zipped": running.zipped,
    "leaves": running.leaves,
    "as_text": running.as_text,
    "as_texts": running.as_texts,
    "as_numbers": running.as_numbers,
    "mixed": running.mixed,
}


@dataclass(slots=True)
class Frame:
    """A scope while its code is written: `before` runs once, before a loop begins; `pre` runs before `body`.

    `known`: what has been computed already, by the plan's own key; one layer for each block that is open.
    """

    item: str
    indent: int
    parts: tuple[str, ...] = ()
    position: str = ""
    is_loop: bool = False
    counts: bool = False
    before: list[str] = field(default_factory=list)
    pre: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    loaded: dict[Any, str] = field(default_factory=dict)
    known: list[dict[Any, str]] = field(default_factory=lambda: [{}])


class Lines:
    def __init__(self) -> None:
        self.constants: dict[str, Any] = dict(_NAMES)
        self._constant_names: dict[int, str] = {}
        self._count = 0
        self._frames: list[Frame] = [Frame("message", 1)]
        self._out = self._frames[0].body
        self._indent = 1
        self._loops = 0  # how many loops are around
        self._is_counting = False

    def _line(self, text: str) -> None:
        self._out.append("    " * self._indent + text)

    @contextmanager
    def _under(self, opening: str) -> Iterator[None]:
        """Lines of a block."""
        self._line(opening)
        self._indent += 1
        before = len(self._out)
        frame = self._frames[-1]
        frame.known.append({})
        yield
        frame.known.pop()
        if len(self._out) == before:
            self._line("pass")
        self._indent -= 1

    @contextmanager
    def _into(self, lines: list[str], indent: int) -> Iterator[None]:
        kept = self._out, self._indent
        self._out, self._indent = lines, indent
        yield
        self._out, self._indent = kept

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _constant(self, value: Any, letter: str) -> str:
        known = self._constant_names.get(id(value))
        if known is None:
            known = self._constant_names[id(value)] = self._name(letter)
            self.constants[known] = value  # kept there, so its id stays its own
        return known

    @contextmanager
    def _outside_of(self, number: int) -> Iterator[None]:
        """Lines that run once, just before the loop whose frame has this number."""
        frames, loops, loop = self._frames, self._loops, self._frames[number]
        self._frames = frames[:number]
        self._loops -= sum(one.is_loop for one in frames[number:])
        with self._into(loop.before, loop.indent - 1):
            yield
        self._frames, self._loops = frames, loops

    @contextmanager
    def _inside(self, frame: Frame) -> Iterator[None]:
        self._frames.append(frame)
        with self._into(frame.body, frame.indent):
            yield
        self._frames.pop()

    @contextmanager
    def _loop(self, source: plan.Expr, listed: str) -> Iterator[None]:
        """A loop over a list; its header is written last, when it is known what it must give."""
        item = source.kind.item
        assert item is not None
        parts = tuple(self._name("p") for _ in item.parts)
        frame = Frame(self._name("i"), self._indent + 1, parts, self._name("n"), is_loop=True)
        self._loops += 1
        with self._inside(frame):
            yield
        self._loops -= 1
        self._out += frame.before
        self._spend(listed)
        target = f"({', '.join(parts)},)" if parts else frame.item
        if frame.counts:
            self._line(f"for {frame.position}, {target} in enumerate({listed}, 1):")
        else:
            self._line(f"for {target} in {listed}:")
        for name, kind in zip(parts, item.parts, strict=True) if parts else ((frame.item, item),):
            if kind.name == "record":
                self._out.append("    " * frame.indent + self._record_check(name, kind))
        self._out += frame.pre + (frame.body or ["    " * frame.indent + "pass"])

    def _spend(self, listed: str) -> None:
        """A loop inside a loop counts its items, so that no message takes for ever."""
        if self._loops:
            self._is_counting = True
            self._line(f"spent += len({listed})")
            self._line("if spent > MAX_STEPS: raise GAP")

    def _record_check(self, name: str, kind: Kind) -> str:
        has_text = kind.element is not None and kind.element.leaf is not None
        change = f"record(mixed({name}))" if has_text else f"record({name})"
        return f"if {name}.__class__ is not dict: {name} = {change}"
