"""Source records: made from the schema's tree, from a good one with changes, or hostile."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from gateway.mapping.schema import Element
from gateway.message import Record

Drawing = Callable[[Random, str, Element], str]  # (random, path, leaf) → a text that the leaf takes
MAX_ITEMS = 6  # of a list, as a rule
_RARE = 0.004  # a list as long as the schema lets it be


class Maker:
    """Of one source tree. `draw` makes a leaf's text."""

    def __init__(self, root: Element, draw: Drawing):
        self.root = root
        self.draw = draw
        self.leaves = {path: one for path, one in root.walk() if one.leaf is not None}

    def fresh(self, random: Random) -> Record:
        """With optional fields present and absent, and lists of many sizes."""
        share = random.choice((0.0, 0.3, 0.7, 1.0))
        return self._record(random, self.root, "", share)

    def _record(self, random: Random, element: Element, path: str, share: float) -> Record:
        made: Record = {}
        for child in element.children:
            if child.least or random.random() < share:
                here = f"{path}/{child.name}" if path else child.name
                made[child.name] = self._child(random, child, here, share)
        return made

    def _child(self, random: Random, child: Element, path: str, share: float) -> Any:
        if not child.is_list:
            return self._one(random, child, path, share)
        return [self._one(random, child, path, share) for _ in range(_size(random, child))]

    def _one(self, random: Random, element: Element, path: str, share: float) -> Any:
        if element.leaf is None:
            return self._record(random, element, path, share)
        text = self.draw(random, path, element)
        if not element.children:
            return text
        attributes = self._record(random, element, path, share)
        return {"#text": text, **attributes} if attributes else text

    def changed(self, random: Random, good: Record) -> Record:
        """A copy of a good record with a few fields drawn anew, left out, added or repeated."""
        made = copy.deepcopy(good)
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            self._change(random, made, self.root, "")
        return made

    def _change(self, random: Random, record: Record, element: Element, path: str) -> None:
        if not element.children:
            return
        child = random.choice(element.children)
        here = f"{path}/{child.name}" if path else child.name
        value = record.get(child.name)
        if value is not None and not child.least and random.random() < 0.25:
            del record[child.name]
        elif value is None or (child.leaf is not None and not child.is_list):
            record[child.name] = self._child(random, child, here, random.random())
        elif child.is_list and isinstance(value, list) and random.random() < 0.4:
            record[child.name] = self._resized(random, child, value, here)
        else:
            inner = random.choice(value) if isinstance(value, list) and value else value
            if isinstance(inner, dict):
                self._change(random, inner, child, here)

    def _resized(self, random: Random, child: Element, value: list[Any], path: str) -> list[Any]:
        if len(value) > child.least and random.random() < 0.5:
            gone = random.randrange(len(value))
            return value[:gone] + value[gone + 1 :]
        if len(value) < child.most:
            return [*value, self._one(random, child, path, random.random())]
        return value


def _size(random: Random, element: Element) -> int:
    if random.random() < _RARE:
        return min(element.most, 500)
    most = min(element.most, MAX_ITEMS)
    return random.choice(
        (element.least, most, 1, 1, 2, random.randint(element.least, max(most, element.least)))
    ) or (element.least)


# Hostile

_ODD: Sequence[Any] = (
    "", " ", "x", "-1", "0", "1e9", "NaN", "99999999", "00000000000000", "A" * 5000, "1" * 60, "😀", "\u0001", "a;b;;c", ";",
    [], {}, ["x"], ["", "x"], [[]], [{}], {"#text": "t", "@kind": "k"}, {"@kind": "k"}, {"#text": ""}, {"X": "y"},
    {"X": {"Y": ["z", {"Q": "r"}]}}, [{"A": "1"}, "text"], ["1", {"#text": "2"}], {"": ""}, "\r\n", "null",
)  # fmt: skip


def hostile(random: Random, good: Record) -> Record:
    """A copy with values of another shape than any schema promised. A format can read such things."""
    made = copy.deepcopy(good)
    for _ in range(random.choice((1, 1, 2, 4))):
        _spoil(random, made)
    return made


def _spoil(random: Random, record: Record) -> None:
    if not record or random.random() < 0.05:
        record[random.choice(("X", "head", "@a", "#text", "上海"))] = copy.deepcopy(random.choice(_ODD))
        return
    name = random.choice(sorted(record))
    value = record[name]
    inner = random.choice(value) if isinstance(value, list) and value else value
    if isinstance(inner, dict) and inner and random.random() < 0.6:
        _spoil(random, inner)
    elif random.random() < 0.15:
        del record[name]
    elif isinstance(value, dict | list) and random.random() < 0.2:
        record[name] = (
            [copy.deepcopy(value) for _ in range(random.choice((2, 60)))]
            if isinstance(value, dict)
            else value * 40
        )
    else:
        record[name] = copy.deepcopy(random.choice(_ODD))


def texts(record: Any, path: str = "") -> Mapping[str, str]:
    """Path without indexes → the last text there."""
    found: dict[str, str] = {}
    if isinstance(record, dict):
        for name, one in record.items():
            found.update(texts(one, f"{path}/{name}" if path else name))
    elif isinstance(record, list):
        for one in record:
            found.update(texts(one, path))
    elif isinstance(record, str):
        found[path] = record
    return found
