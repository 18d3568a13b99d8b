"""The order of a parsed element's children, at every level: XSD's sequences, walked by ourselves.

A record has no order, so this is for XML as it stands in a file. lxml stops at the first child that it
does not expect; here each child that stands too late is named, and each from another namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.errors import Fault
from gateway.message import NAMESPACE
from gateway.standard import faults
from gateway.standard.model import Element

_OWN = f"{{{NAMESPACE}}}"


def order_faults(root: Element, element: etree._Element) -> Iterator[Fault]:
    """In the order of the file. Paths count repeated elements as the explanation of a record does."""
    return _walk(root, element, "")


def _walk(model: Element, element: etree._Element, path: str) -> Iterator[Fault]:
    names = list(model.by_name)
    latest = -1
    seen: dict[str, int] = {}
    for child in element:
        name, line = xmltree.local(child.tag), _line(child)
        place = f"{path}/{name}" if path else name
        if not child.tag.startswith(_OWN):
            yield faults.foreign(place, name, NAMESPACE, line)
            continue
        known = model.by_name.get(name)
        if known is None:
            continue
        if known.repeats:
            seen[name] = seen.get(name, 0) + 1
            place = f"{place}[{seen[name]}]"
        at = names.index(name)
        if at < latest:
            yield faults.out_of_order(place, known, model.children[latest], line)
        latest = max(latest, at)
        if known.children:
            yield from _walk(known, child, place)


def _line(element: etree._Element) -> int:
    line: Any = element.sourceline
    return line or 0
