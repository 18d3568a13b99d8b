"""The places that have faults already, so that a rule over them keeps silent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_INDEX = re.compile(r"\[[0-9]+\]")


def _around(path: str) -> Iterator[str]:
    """Every place around a path, nearest first: of a list's item the list too."""
    while path:
        path, _, last = path.rpartition("/")
        name = last.partition("[")[0]
        if name != last:
            yield f"{path}/{name}" if path else name
        if path:
            yield path


class Overlap:
    """Is a place one of the paths, inside one, or around one? With indexes, as faults write them."""

    def __init__(self, paths: Iterable[str]):
        self._at = set(paths)
        self._holders = {one for path in self._at for one in _around(path)}

    def __contains__(self, path: str) -> bool:
        return path in self._at or path in self._holders or any(one in self._at for one in _around(path))


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
