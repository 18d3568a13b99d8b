"""A failing record made small: what can be left out is left out, what can be short is short, as long as the same
thing fails."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from gateway.message import Record

MAX_TRIES = 600
Place = tuple[str | int, ...]


def shrink(record: Record, fails: Callable[[Record], bool]) -> Record:
    """The smallest record found for which `fails` still says yes."""
    best, tries, is_better = copy.deepcopy(record), 0, True
    while is_better and tries < MAX_TRIES:
        is_better = False
        for place, change in _changes(best):
            tries += 1
            smaller = _with(best, place, change)
            if smaller is not None and fails(smaller):
                best, is_better = smaller, True
                break
            if tries >= MAX_TRIES:
                break
    return best


_GONE = object()


def _changes(record: Record) -> Iterator[tuple[Place, Any]]:
    """Big steps first: whole fields, then items of lists, then texts."""
    places = list(_places(record, ()))
    for place, value in places:
        if isinstance(value, list) and len(value) > 2:
            yield place, value[: len(value) // 2]
            yield place, value[len(value) // 2 :]
    for place, _ in places:
        yield place, _GONE
    for place, value in places:
        if isinstance(value, str) and len(value) > 1:
            yield place, value[: len(value) // 2]
            yield place, value[len(value) // 2 :]
            for plain in ("1" * len(value), "A" * len(value)):
                if value != plain and _weight(value) > _weight(plain):
                    yield place, plain


def _weight(text: str) -> int:
    return sum(0 if letter == "1" else 1 if letter == "A" else 2 for letter in text)


def _places(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if place:
        yield place, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _places(one, (*place, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _places(one, (*place, index))


def _with(record: Record, place: Place, value: Any) -> Record | None:
    made: Record = copy.deepcopy(record)
    holder: Any = made
    for part in place[:-1]:
        holder = holder[part]
    if value is _GONE:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return made
