"""Lineage in words: of a mapping (what each field is made of) and of one message (what it was made of)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.mapping.comparison import Comparison, Row
from gateway.mapping.trace import Trace
from gateway.mapping.values import plain

_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Origin:
    """One value of a result: the sender's paths, and the functions with what they were given and made."""

    target: str
    value: str
    sources: tuple[str, ...]
    steps: tuple[str, ...]

    def __str__(self) -> str:
        sources = ", ".join(self.sources) or "a constant"
        steps = "".join(f"\n    {step}" for step in self.steps)
        return f"{self.target} = {self.value}\n    ← {sources}{steps}"


def origins(trace: Trace) -> list[Origin]:
    """Of every value, in the order of the result."""
    found = []
    for path, value in _values(trace.record, ""):
        key = path if path in trace.origins else path.replace("[1]", "")  # given once, though it may repeat
        if key in trace.origins:
            steps = dict.fromkeys(
                f"{one.name}: {shown(one.given)} → {shown(one.result)}" for one in trace.steps[key]
            )
            found.append(Origin(path, shown(value), trace.origins[key], tuple(steps)))
    return found


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            place = path if name == "#text" else f"{path}/{name}" if path else name
            yield from _values(one, place)
    elif isinstance(value, list):
        for index, one in enumerate(value, 1):
            yield from _values(one, f"{path}[{index}]")
    else:
        yield path, value


def shown(value: Any) -> str:
    """A value on one line, cut."""
    if value is None:
        return "(absent)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(one) for one in value[:10]) + ("…]" if len(value) > 10 else "]")
    text = str(value).replace("\n", "⏎")
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def describe(made: Comparison) -> Iterator[str]:
    """Every field of a mapping in a few lines."""
    yield made.title
    for row in made.rows:
        yield from _describe_row(row)
    if made.open_:
        yield "not given: " + ", ".join(side.path for side in made.open_)
    unused = [side.path for side, is_meant in made.unused if not is_meant]
    if unused:
        yield "source fields not used: " + ", ".join(unused)


def _describe_row(row: Row) -> Iterator[str]:
    zh = f" ({row.target.zh})" if row.target.zh else ""
    yield f"{row.target.path}{zh}{' *' if row.target.is_required else ''}"
    yield "    ← " + (", ".join(side.path for side in row.sources) or "a constant")
    for name, text in (
        ("conversion", row.conversion),
        ("functions", ", ".join(row.functions)),
        ("code table", ", ".join(row.tables)),
        ("when", row.when),
        ("each", row.each),
    ):
        if text:
            yield f"    {name}: {text}"
