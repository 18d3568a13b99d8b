"""The JSON form read with patience: what is wrong in its shape is named, the rest becomes a record.

The form: names as in the schema, a list where an element may repeat, text everywhere, integers for
xs:integer. The fast way through is generated (`generate.py`); this walk is for what that one gave up on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Fault
from gateway.message import Record
from gateway.standard import faults
from gateway.standard.explain import MAX_FAULTS, MAX_SUGGESTED, MAX_UNKNOWN
from gateway.standard.model import Element

_OBJECT = ("对象", "an object")
_LIST = ("列表", "a list")
_TEXT = ("文本", "text")
_INTEGER = ("整数", "an integer")


def read_form(root: Element, data: Any, *, lenient: bool) -> tuple[Record, list[Fault]]:
    """The record of what has its right shape, and the faults of what has not.

    `lenient`: integers may be text, and a lone value may stand for a list of one.
    """
    form = _Form(lenient)
    found = form.fields(root, data, "")
    return found if type(found) is dict else {}, form.found


@dataclass(slots=True)
class _Form:
    lenient: bool
    found: list[Fault] = field(default_factory=list)

    def wrong(self, path: str, element: Element, expected: tuple[str, str], value: Any) -> None:
        if len(self.found) < MAX_FAULTS:
            self.found.append(faults.wrong_shape(path, element, expected, value))

    def fields(self, element: Element, data: Any, path: str) -> Record | None:
        if type(data) is not dict:
            self.wrong(path, element, _OBJECT, data)
            return None
        record: Record = {}
        for child in element.children:
            if child.name in data:
                place = f"{path}/{child.name}" if path else child.name
                value = self.child(child, data[child.name], place)
                if value is not None:
                    record[child.name] = value
        unknown = [str(name) for name in data if name not in element.by_name]
        known = tuple(element.by_name) if unknown else ()
        for name in unknown[: min(MAX_UNKNOWN, MAX_FAULTS - len(self.found))]:
            place = f"{path}/{name}" if path else name
            suggest = len(self.found) < MAX_SUGGESTED
            self.found.append(faults.unexpected(place[:300], name, known, suggest=suggest))
        return record

    def child(self, child: Element, value: Any, place: str) -> Any:
        if not child.repeats:
            return self.one(child, value, place)
        if self.lenient and type(value) is not list:
            value = [value]
        if type(value) is not list:
            self.wrong(place, child, _LIST, value)
            return None
        read = [self.one(child, one, f"{place}[{index}]") for index, one in enumerate(value, 1)]
        return [one for one in read if one is not None]

    def one(self, child: Element, value: Any, place: str) -> Any:
        if child.value is None:
            return self.fields(child, value, place)
        if not child.value.integer:
            expected, is_right = _TEXT, type(value) is str
        elif type(value) is int:
            return str(value)
        else:
            expected, is_right = _INTEGER, self.lenient and type(value) is str
        if is_right:
            return value.strip(" \t\r\n") if child.value.integer else value
        self.wrong(place, child, expected, value)
        return None
