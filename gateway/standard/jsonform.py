"""The JSON form of a body: names kept, lists where maxOccurs > 1, integers as numbers, all else text."""

from __future__ import annotations

from typing import Any

from gateway.errors import Fault, MessageError
from gateway.message import Record
from gateway.standard.model import Element


def to_json(element: Element, record: Record) -> dict[str, Any]:
    """Record → JSON value, in schema order."""
    found: dict[str, Any] = {}
    for child in element.children:
        value = record.get(child.name)
        if value is None:
            continue
        if child.is_list:
            found[child.name] = [
                _out(child, item) for item in (value if isinstance(value, list) else [value])
            ]
        else:
            found[child.name] = _out(child, value)
    return found


def _out(element: Element, value: Any) -> Any:
    if element.children:
        return to_json(element, value)
    return int(value) if element.simple is not None and element.simple.is_integer else value


def from_json(element: Element, data: Any) -> Record:
    """JSON value → record; MessageError with every wrong shape. Unknown names are kept for the validator."""
    faults: list[Fault] = []
    record = _in(element, data, "", faults)
    if faults:
        raise MessageError(faults)
    return record  # type: ignore[no-any-return]


def _in(element: Element, data: Any, path: str, faults: list[Fault]) -> Any:
    if not isinstance(data, dict):
        faults.append(_wrong(path, "对象", "an object", data))
        return {}
    record: Record = {}
    shapes = {child.name: child for child in element.children}
    for name, value in data.items():
        place = f"{path}/{name}" if path else name
        child = shapes.get(name)
        if value is None or child is None:
            if child is None:
                record[name] = value if isinstance(value, str) else ""
            continue
        if child.is_list:
            if not isinstance(value, list):
                faults.append(_wrong(place, "数组", "a list", value))
                continue
            record[name] = [
                _item(child, item, f"{place}[{index}]", faults) for index, item in enumerate(value, 1)
            ]
        else:
            record[name] = _item(child, value, place, faults)
    return record


def _item(child: Element, value: Any, place: str, faults: list[Fault]) -> Any:
    if child.children:
        return _in(child, value, place, faults)
    if isinstance(value, str):
        return value
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and child.simple is not None
        and child.simple.is_integer
    ):
        return str(value)
    faults.append(_wrong(place, "文本", "text", value))
    return ""


def _wrong(path: str, zh: str, en: str, value: Any) -> Fault:
    found = type(value).__name__
    return Fault(
        "standard.wrong-shape",
        path,
        f"应为{zh}，实为 {found}",
        f"expected {en}, got {found}",
        "10003",
        expected=en,
        found=found,
    )
