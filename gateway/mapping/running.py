"""What both the compiled functions and the tracer do with lists: one place, so that they agree."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from gateway.mapping.values import Wrong, check_length, leaf, number, plain


class Gap(Exception):
    """A compiled function met something that only the tracer can tell in full."""


GAP = Gap("a required field of the target stays empty, or has too many items")


def concat(*parts: str) -> str:
    check_length(sum(map(len, parts)))
    return "".join(parts)


def pick(listed: Sequence[Any], index: int) -> Any:
    return listed[index - 1] if index <= len(listed) else None


def only(listed: Sequence[Any]) -> Any:
    if len(listed) > 1:
        count = len(listed)
        raise Wrong(
            "several-values",
            f"应只有一项，实有 {count} 项",
            f"one item was expected, got {count}",
            expected="1",
            found=str(count),
        )
    return listed[0] if listed else None


def zipped(*lists: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Items in step; lists that differ in length are refused, never paired by guess."""
    lengths = {len(one) for one in lists}
    if len(lengths) > 1:
        counts = ", ".join(str(len(one)) for one in lists)
        raise Wrong(
            "zip-length",
            f"各列表项数不一致: {counts}",
            f"the lists differ in length: {counts}",
            expected=str(len(lists[0])),
            found=counts,
        )
    return list(zip(*lists, strict=True))


def leaves(listed: list[Any]) -> list[Any]:
    """Each item as one text; absent items keep their place."""
    for item in listed:
        if item.__class__ is not str:
            return [leaf(one) for one in listed]
    return listed


def as_text(value: Any) -> str | None:
    return plain(value) if value.__class__ is Decimal else leaf(value)


def as_texts(listed: Sequence[Any]) -> list[str | None]:
    return [as_text(one) for one in listed]


def as_numbers(listed: Sequence[str | None]) -> list[Decimal]:
    """Without the absent ones."""
    return [number(text) for text in listed if text]


def mixed(value: Any) -> Any:
    """A text that may have attributes, as a record."""
    return {"#text": value} if value.__class__ is str and value else value
