"""Record ⇄ canonical body, by one generated function a type.

The built bytes are the exclusive C14N of the element by construction: default namespace on the type's
element, elements in schema order, no white space between them, C14N's escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from gateway.message import NAMESPACE, Record
from gateway.standard.model import Element

_SPECIAL = re.compile("[&<>\r]")
Build = Callable[[Record], bytes]


def escape(text: str) -> str:
    """Text content by C14N 1.0 section 2.3."""
    if _SPECIAL.search(text) is None:
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def compile_builder(root: Element) -> Build:
    """record → bytes. Keys that the schema does not know are left out; shapes are the caller's business."""
    lines = ["def build(r):", " p = []", " a = p.append"]  # unknown keys are the explainer's business
    names = iter(range(1_000_000))
    _children(root, "r", lines, " ", names)
    head, tail = f'<{root.name} xmlns="{NAMESPACE}">', f"</{root.name}>"
    lines.append(f" return ({head!r} + ''.join(p) + {tail!r}).encode('utf-8')")
    space: dict[str, Any] = {"e": escape}
    exec(compile("\n".join(lines), f"<builder {root.name}>", "exec"), space)  # noqa: S102 generated from schemas
    return space["build"]  # type: ignore[no-any-return]


def _children(element: Element, source: str, lines: list[str], pad: str, names: Any) -> None:
    for child in element.children:
        value = f"v{next(names)}"
        lines.append(f"{pad}{value} = {source}.get({child.name!r})")
        lines.append(f"{pad}if {value} is not None:")
        inner = pad + " "
        if child.is_list:
            lines.append(f"{inner}for i{value} in {value} if isinstance({value}, list) else ({value},):")
            value, inner = f"i{value}", inner + " "
        if child.children:
            lines.append(f"{inner}a('<{child.name}>')")
            _children(child, value, lines, inner, names)
            lines.append(f"{inner}a('</{child.name}>')")
        else:
            lines.append(f"{inner}a('<{child.name}>' + e({value}) + '</{child.name}>')")


class Reader:
    """Canonical body → record, led by the schema."""

    def __init__(self, root: Element):
        self._lists = _lists(root)

    def read(self, element: etree._Element) -> Record:
        return _read(element, self._lists)


def _lists(element: Element) -> dict[str, tuple[bool, Any]]:
    """child name → (is a list, the same for its children; None for a leaf)."""
    return {
        child.name: (child.is_list, _lists(child) if child.children else None) for child in element.children
    }


def _read(element: etree._Element, shape: dict[str, tuple[bool, Any]]) -> Record:
    record: Record = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        is_list, inner = shape.get(name, (False, None))
        value = _read(child, inner) if inner is not None else (child.text or "")
        if is_list:
            record.setdefault(name, []).append(value)
        elif name in record:  # the validator names it
            previous = record[name]
            record[name] = [*previous, value] if isinstance(previous, list) else [previous, value]
        else:
            record[name] = value
    return record
