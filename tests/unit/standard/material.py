"""What several test files need: the standard, the samples, places in them, and lxml's own verdict.

The verdict is taken from each type's file directly, not through the gateway's validator.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from gateway.message import NAMESPACE, Record
from gateway.standard import Element, Standard

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
REAL = SCHEMAS.parents[1] / "shared" / "data"  # real messages and invoices, never part of the project
V1 = SCHEMAS / "standard" / "v1"
ON = date(2024, 7, 1)
INSTANCES = int(os.environ.get("GATEWAY_INSTANCES", "20"))  # of each type; `make round-trips` takes 1,000
Place = tuple[str | int, ...]


@cache
def load() -> Standard:
    return Standard.load(SCHEMAS)


NUMBERS = [kind.number for kind in load().catalogue]
each_type = pytest.mark.parametrize("number", NUMBERS)


@cache
def schema(number: str) -> etree.XMLSchema:
    (path,) = V1.glob(f"{number}-*.xsd")
    return etree.XMLSchema(file=str(path))


def lxml_accepts(number: str, record: Any) -> bool:
    """The record written by a plain walk in the schema's order, judged by lxml."""
    root = load().model(number)
    text = render(root, record).replace(f"<{root.name}>", f'<{root.name} xmlns="{NAMESPACE}">', 1)
    return bool(schema(number).validate(etree.fromstring(text)))


def render(element: Element, value: Any) -> str:
    if not isinstance(value, dict):
        return f"<{element.name}>{escape(value)}</{element.name}>"
    names = sorted(
        value, key=lambda name: list(element.by_name).index(name) if name in element.by_name else 999
    )
    inner = ""
    for name in names:
        child = element.by_name.get(name, Element(name))
        many = value[name] if isinstance(value[name], list) else [value[name]]
        inner += "".join(render(child, one) for one in many)
    return f"<{element.name}>{inner}</{element.name}>"


def places(element: Element, value: Any, place: Place = ()) -> Iterator[tuple[Place, Element, Any]]:
    """(keys and indexes, element, value) of everything in a record, containers too."""
    for child in element.children:
        if child.name not in value:
            continue
        found = value[child.name]
        here = (*place, child.name)
        for at, one in [(here, found)] if not child.repeats else [
            ((*here, index), one) for index, one in enumerate(found)
        ]:  # fmt: skip
            yield at, child, one
            if child.children:
                yield from places(child, one, at)


def path_of(place: Place) -> str:
    """As a fault writes it: `Invoices/Invoice[2]/AmountWithTax`."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f"/{part}"
    return text.removeprefix("/")


def changed(record: Record, place: Place, value: Any) -> Record:
    """A copy with another value at a place; `...` removes what is there."""
    made: Record = copy.deepcopy(record)
    holder: Any = made
    for part in place[:-1]:
        holder = holder[part]
    if value is ...:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return made
