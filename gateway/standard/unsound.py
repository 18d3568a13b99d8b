"""The places that have faults already, so that a rule over them keeps silent."""

from __future__ import annotations

import re
from collections.abc import Iterable

_INDEX = re.compile(r"\[[0-9]+\]")


def is_overlapping(path: str, other: str) -> bool:
    """Is one of two places the other, or around it?"""
    return (
        path == other
        or path.startswith((f"{other}/", f"{other}["))
        or other.startswith((f"{path}/", f"{path}["))
    )


class Unsound:
    """Paths with faults, indexed: to ask for one operand costs its depth, however many faults there are."""

    def __init__(self, paths: Iterable[str]):
        self._paths = list(paths)
        self._at: set[str] = set()
        self._around: set[str] = set()
        for path in self._paths:
            plain = _INDEX.sub("", path)
            self._at.add(plain)
            while plain:
                plain = plain.rpartition("/")[0]
                self._around.add(plain)
        self._items: dict[str, dict[str, Unsound]] = {}

    def __bool__(self) -> bool:
        return bool(self._paths)

    def touches(self, operand: str) -> bool:
        """Has the place (without indexes), something in it or something around it a fault?"""
        if "" in self._at or operand in self._at or operand in self._around:
            return True
        while operand := operand.rpartition("/")[0]:
            if operand in self._at:
                return True
        return False

    def covers(self, each: str) -> bool:
        """Has the list itself, or something around it, a fault? Then nothing is said of its items."""
        return "" in self._at or each in self._at or any(each.startswith(f"{path}/") for path in self._at)

    def item(self, each: str, place: str) -> Unsound | None:
        """What is unsound inside one item of a list (`each[2]`), or None."""
        items = self._items.get(each)
        if items is None:
            inside: dict[str, list[str]] = {}
            for path in self._paths:
                if path.startswith(f"{each}["):
                    item, _, rest = path.partition("]")
                    inside.setdefault(f"{item}]", []).append(rest.lstrip("/"))
            items = self._items[each] = {item: Unsound(paths) for item, paths in inside.items()}
        return items.get(place)
