"""The schemas as the mutator sees them, read with lxml alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
META = "{urn:sh-ggzy-czzf:meta:1.0}"
_NUMBER_LIKE = ("1.00", "-1.00", "1.000")


@dataclass(slots=True)
class Leaf:
    """A simple type with everything that it inherits."""

    name: str
    integer: bool = False
    patterns: list[str] = field(default_factory=list)
    shortest: int = 0
    longest: int | None = None
    highest: int | None = None
    mark: str = ""

    def takes(self, text: str) -> bool:
        """Does XSD take the text?"""
        if len(text) < self.shortest or (self.longest is not None and len(text) > self.longest):
            return False
        return self.fits(text) and (self.highest is None or not text.isdecimal() or int(text) <= self.highest)

    def fits(self, text: str) -> bool:
        return all(re.fullmatch(pattern, text) for pattern in self.patterns)

    @property
    def numeric(self) -> bool:
        words = self.fits("AB") or self.fits("a:")
        return bool(self.patterns) and not words and any(map(self.fits, _NUMBER_LIKE))


@dataclass(slots=True)
class Node:
    """An element. `leaf` is None where it holds others."""

    name: str
    least: int
    most: int
    leaf: Leaf | None = None
    children: list[Node] = field(default_factory=list)
    codes: str = ""
    is_open: bool = False
    separator: str = ""
    gbk: int = 0
    gbk_warn: int = 0
    kind_of: str = ""  # the sibling that says what kind of code this is

    def child(self, name: str) -> Node | None:
        return next((one for one in self.children if one.name == name), None)

    def at(self, path: str) -> Node | None:
        found: Node | None = self
        for name in path.split("/"):
            found = found.child(name) if found is not None else None
        return found

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        for one in self.children:
            place = f"{path}/{one.name}" if path else one.name
            yield place, one
            yield from one.walk(place)


def read_types(folder: Path) -> dict[str, tuple[str, Node]]:
    """Number of a message type → (its name, its element)."""
    shared = etree.parse(str(folder / "types.xsd")).getroot()
    named = {node.get("name"): node for node in shared if node.get("name")}
    found = {}
    for path in sorted(folder.glob("[0-9]*.xsd")):
        root = etree.parse(str(path)).getroot()
        own = {node.get("name"): node for node in root if node.tag != f"{XS}element" and node.get("name")}
        element = root.find(f"{XS}element")
        if element is not None:
            found[path.name[:4]] = (path.stem[5:], _element(element, {**named, **own}))
    return found


def _element(node: etree._Element, named: dict[Any, etree._Element]) -> Node:
    made = Node(node.get("name", ""), int(node.get("minOccurs", "1")), int(node.get("maxOccurs", "1")))
    _annotate(made, node)
    kind = named.get(node.get("type", ""))
    holder = node.find(f"{XS}complexType")
    if holder is None and kind is not None and kind.tag == f"{XS}complexType":
        holder = kind
    if holder is None:
        simple = node.find(f"{XS}simpleType")
        made.leaf = _leaf(simple if simple is not None else kind, node.get("type", ""), named)
        return made
    made.children = [_element(one, named) for one in holder.iterfind(f"{XS}sequence/{XS}element")]
    return made


def _annotate(made: Node, node: etree._Element) -> None:
    for info in node.iterfind(f"{XS}annotation/{XS}appinfo/*"):
        match info.tag.removeprefix(META):
            case "codes":
                made.codes, made.separator = (info.text or "").strip(), info.get("separator", "")
                made.is_open = info.get("open") == "true"
            case "gbk":
                made.gbk, made.gbk_warn = int(info.get("max", "0")), int(info.get("warn", "0"))
            case "codetype":
                made.kind_of = (info.text or "").strip()


def _leaf(node: etree._Element | None, name: str, named: dict[Any, etree._Element]) -> Leaf:
    if node is None:
        return Leaf(name, integer=name == "xs:integer")
    restriction = node.find(f"{XS}restriction")
    if restriction is None:
        raise ValueError(f"{name} is no restriction")
    base = restriction.get("base", "")
    made = _leaf(named.get(base), base, named)
    made.name = node.get("name", name)
    mark = node.find(f"{XS}annotation/{XS}appinfo/{META}check")
    made.mark = (mark.text or "").strip() if mark is not None else made.mark
    patterns = [one.get("value", "") for one in restriction.iterfind(f"{XS}pattern")]
    if patterns:
        made.patterns = [*made.patterns, "|".join(patterns)]
    for facet, attribute in (
        ("minLength", "shortest"),
        ("maxLength", "longest"),
        ("maxInclusive", "highest"),
    ):
        found = restriction.find(f"{XS}{facet}")
        if found is not None:
            setattr(made, attribute, int(found.get("value", "0")))
    return made
