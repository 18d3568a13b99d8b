"""A value while it is traced: what it is, where it came from, and what was made of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.mapping.values import Wrong

Places = tuple[str, ...]


@dataclass(slots=True)
class Seen:
    """A value and where it came from. A list's value is a list of Seen, an item of a zip a tuple of Seen;
    `path` is the place of the value itself, "" where it was made."""

    value: Any
    path: str = ""
    used: Places = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A function that was run: what it was given first, and what it made of it. Of `code` that is the row."""

    name: str
    given: Any
    result: Any


@dataclass(slots=True)
class Here:
    """The item of a scope, its number, and what has been computed of it; `loops`: how many are around."""

    item: Seen
    position: int = 0
    loops: int = 0
    known: dict[tuple[int, bool], Seen | Wrong] = field(default_factory=dict)


@contextmanager
def placed(places: Places) -> Iterator[None]:
    """Says where a value came from, if it turns out wrong and nobody nearer has said so."""
    try:
        yield
    except Wrong as wrong:
        wrong.places = wrong.places or places
        raise


def all_places(seen: list[Seen]) -> Places:
    return tuple(dict.fromkeys(place for one in seen for place in one.used))


SHAPES = ("mapping.not-a-text", "mapping.not-a-record", "mapping.several-values")


@contextmanager
def asking(path: str) -> Iterator[None]:
    """Says which path was asked for, if what stands on the way has another shape; the longest counts."""
    try:
        yield
    except Wrong as wrong:
        if wrong.code in SHAPES and len(path) > len(wrong.asked):
            wrong.asked = path
        raise
