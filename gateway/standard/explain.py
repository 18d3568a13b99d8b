"""Names everything that is wrong with a record at once: the content models walked by ourselves.

XSD validators stop early: lxml in a content model at its first fault, xmlschema at the first missing
child. lxml decides whether a message passes; this walk says why not. It names at most `MAX_FAULTS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.errors import Fault
from gateway.message import Record
from gateway.standard import faults
from gateway.standard.model import Element
from gateway.standard.valuerules import ValueRules
from gateway.standard.values import facet_fault

MAX_FAULTS = 64
MAX_UNKNOWN = 20
MAX_SUGGESTED = 5
_INDEX = re.compile(r"(.*)\[([0-9]+)\]")
_OBJECT = ("对象", "an object")
_LIST = ("列表", "a list")
_TEXT = ("文本", "text")


@dataclass(slots=True)
class Explanation:
    """`faults` refuse the message, `warnings` do not."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return len(self.faults) >= MAX_FAULTS


def explain(root: Element, record: Any, values: ValueRules, on: date) -> Explanation:
    """Structure, types, and the rules of single values of a record, on the message's day."""
    walk = _Walk(values, on, Explanation())
    walk.fields(root, record, "")
    return walk.found


@dataclass(slots=True)
class _Walk:
    values: ValueRules
    on: date
    found: Explanation
    suggested: int = 0

    def add(self, fault: Fault | None) -> None:
        if fault is not None and not self.found.is_full:
            self.found.faults.append(fault)

    def fields(self, element: Element, record: Any, path: str) -> None:
        if type(record) is not dict:
            self.add(faults.wrong_shape(path, element, _OBJECT, record))
            return
        for child in element.children:
            place = f"{path}/{child.name}" if path else child.name
            if child.name in record:
                self.child(child, record[child.name], place, record)
            elif child.minimum:
                self.add(faults.missing(place, child))
            if self.found.is_full:
                return
        unknown = [name for name in record if name not in element.by_name]
        known = tuple(element.by_name) if unknown else ()
        for name in unknown[:MAX_UNKNOWN]:
            suggest = self.suggested < MAX_SUGGESTED
            self.suggested += 1
            place = f"{path}/{name}"[:300].lstrip("/")
            self.add(faults.unexpected(place, str(name), known, suggest=suggest))

    def child(self, child: Element, value: Any, place: str, holder: Record) -> None:
        if not child.repeats:
            if type(value) is list and len(value) > 1:
                self.add(faults.too_many(place, child, len(value)))
            else:
                self.one(child, value, place, holder)
            return
        if type(value) is not list:
            self.add(faults.wrong_shape(place, child, _LIST, value))
            return
        if len(value) < child.minimum:
            self.add(faults.missing(place, child))
        if len(value) > child.maximum:
            self.add(faults.too_many(place, child, len(value)))
        for index, one in enumerate(value[: child.maximum], 1):
            self.one(child, one, f"{place}[{index}]", holder)
            if self.found.is_full:
                return

    def one(self, child: Element, value: Any, place: str, holder: Record) -> None:
        if child.value is None:
            self.fields(child, value, place)
            return
        if type(value) is not str:
            self.add(faults.wrong_shape(place, child, _TEXT, value))
            return
        fault = facet_fault(child, value, place)
        self.add(fault)
        if fault is not None:
            return
        count = len(self.found.faults)
        for further in self.values.faults(child, value, place, holder, self.on):
            self.add(further)
        if len(self.found.faults) == count and len(self.found.warnings) < MAX_FAULTS:
            self.found.warnings += self.values.warnings(child, value, place, holder, self.on)


def in_order(root: Element, found: Iterable[Fault]) -> list[Fault]:
    """Sorted by place: the schema's order, then the index in a list; unknown names come last."""
    order = _Order(root)
    return sorted(found, key=lambda fault: order.of(fault.path))


class _Order:
    """The places of the elements by number; each level is counted once, however many faults there are."""

    def __init__(self, root: Element):
        self.root = root
        self._numbers: dict[int, dict[str, int]] = {}

    def of(self, path: str) -> tuple[tuple[int, int], ...]:
        key: list[tuple[int, int]] = []
        element: Element | None = self.root
        for part in path.split("/"):
            split = _INDEX.fullmatch(part) if part.endswith("]") else None
            name, index = (split[1], int(split[2])) if split else (part, 0)
            numbers = self._of(element) if element is not None else {}
            key.append((numbers.get(name, len(numbers)), index))
            element = element.by_name.get(name) if element is not None else None
        return tuple(key)

    def _of(self, element: Element) -> dict[str, int]:
        found = self._numbers.get(id(element))
        if found is None:
            found = {name: number for number, name in enumerate(element.by_name)}
            self._numbers[id(element)] = found
        return found
