"""Schemas as the mapping checker sees them: a light tree of elements, read from XSD 1.0 (here), JSON Schema or
a field table.

Of XSD it understands named and anonymous types, sequence, all, choice, groups, references, extension and attributes:
what describes data. Two elements of one name under one parent count as one that may repeat.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.errors import MessageError
from gateway.formats import read_json
from gateway.mapping.element import UNBOUNDED, Element, Leaf, SchemaError, from_standard
from gateway.mapping.fieldtable import read_field_table
from gateway.mapping.jsonschema import read_json_schema
from gateway.standard import model

__all__ = ["UNBOUNDED", "Element", "Leaf", "SchemaError", "Shelf", "from_standard"]
XS = "{http://www.w3.org/2001/XMLSchema}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MAX_DEPTH = 24


class Shelf:
    """Reads each schema file of a folder once: XSD, JSON Schema (.json) or a field table (.csv)."""

    def __init__(self, root: Path):
        self.root = root
        self._read: dict[Path, Element] = {}
        self._parsed: dict[Path, etree._Element] = {}

    def get(self, path: str) -> Element:
        """The first global element, the root object or the record of `path` below the root. SchemaError."""
        place = (self.root / path).resolve()
        if not place.is_relative_to(self.root.resolve()):
            raise SchemaError(f"{path} lies outside of the schemas' folder")
        if place not in self._read:
            self._read[place] = self._element(place)
        return self._read[place]

    def _element(self, place: Path) -> Element:
        if place.suffix == ".json":
            return read_json_schema(_json(_content(place)))
        if place.suffix == ".csv":
            return read_field_table(_text(_content(place)))
        return _Schema(self, place).top()

    def parsed(self, path: Path) -> etree._Element:
        if path not in self._parsed:
            try:
                self._parsed[path] = xmltree.parse(_content(path))
            except MessageError as error:
                raise SchemaError(error.faults[0].en) from error
        return self._parsed[path]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SchemaError(f"cannot be read: {error.strerror}") from error


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"byte {error.start} is not UTF-8") from error


def _json(data: bytes) -> Any:
    try:
        return read_json(data)
    except MessageError as error:
        raise SchemaError(error.faults[0].en) from error


class _Schema:
    """One file with what it includes, by name."""

    def __init__(self, shelf: Shelf, path: Path):
        self.named: dict[tuple[str, str], etree._Element] = {}
        root = shelf.parsed(path)
        if root.tag != f"{XS}schema":
            raise SchemaError(f"the root element is {xmltree.local(root.tag)}, not an XML schema")
        self._collect(shelf, path, set())
        self._top = root.find(f"{XS}element")

    def _collect(self, shelf: Shelf, path: Path, seen: set[Path]) -> None:
        if path in seen:
            return
        seen.add(path)
        for node in shelf.parsed(path):
            kind, name = xmltree.local(node.tag), node.get("name")
            if kind in ("include", "import") and node.get("schemaLocation"):
                inner = (path.parent / str(node.get("schemaLocation"))).resolve()
                if not inner.is_relative_to(shelf.root.resolve()):
                    raise SchemaError(f"{node.get('schemaLocation')} lies outside of the schemas' folder")
                self._collect(shelf, inner, seen)
            elif name:
                self.named.setdefault((kind, name), node)

    def top(self) -> Element:
        if self._top is None:
            raise SchemaError("no global element")
        return self._element(self._top, 0)

    def _get(self, kinds: tuple[str, ...], name: str) -> etree._Element | None:
        local = name.rpartition(":")[2]
        return next((self.named[kind, local] for kind in kinds if (kind, local) in self.named), None)

    def _element(self, node: etree._Element, depth: int) -> Element:
        if depth > _MAX_DEPTH:
            raise SchemaError("nested too deep, or an element contains itself")
        most = node.get("maxOccurs", "1")
        least = int(node.get("minOccurs", "1"))
        if node.get("ref"):
            target = self._get(("element",), str(node.get("ref")))
            if target is None:
                raise SchemaError(f"unknown element {node.get('ref')}")
            found = self._element(target, depth)
        else:
            found = self._content(node, depth)
        return replace(found, least=least, most=UNBOUNDED if most == "unbounded" else int(most))

    def _content(self, node: etree._Element, depth: int) -> Element:
        notes = _notes(node)
        place = Element(
            name=str(node.get("name")),
            zh=notes.get("zh", ""),
            sensitive="sensitive" in notes,
            gbk_max=int(notes.get("gbk") or 0),
            source=notes.get("source", ""),
        )
        inner = node.find(f"{XS}complexType")
        if inner is None and node.get("type"):
            inner = self._get(("complexType", "simpleType"), str(node.get("type")))
        if inner is None:
            inner = node.find(f"{XS}simpleType")
        if inner is not None and inner.tag == f"{XS}complexType":
            leaf, children = self._complex(inner, depth)
            return replace(place, leaf=leaf, children=_merged(children))
        return replace(place, leaf=self._leaf(inner, node.get("type") or "xs:string"))

    def _complex(self, node: etree._Element, depth: int) -> tuple[Leaf | None, list[Element]]:
        children: list[Element] = []
        leaf: Leaf | None = None
        for part in node:
            kind = xmltree.local(part.tag)
            if kind in ("simpleContent", "complexContent"):
                derived = next((one for one in part if one.get("base")), None)
                if derived is not None:
                    leaf, children = self._derived(derived, kind == "simpleContent", depth)
            elif kind in ("attribute", "attributeGroup"):
                children += self._attributes(part)
            else:
                children += self._particles(part, depth)
        return leaf, children

    def _derived(
        self, node: etree._Element, is_simple: bool, depth: int
    ) -> tuple[Leaf | None, list[Element]]:
        base = self._get(("complexType", "simpleType"), str(node.get("base")))
        leaf: Leaf | None = None
        inherited: list[Element] = []
        if base is not None and base.tag == f"{XS}complexType":
            leaf, inherited = self._complex(base, depth + 1)
        elif is_simple:
            leaf = self._leaf(base, str(node.get("base")))
        _, own = self._complex(node, depth)
        extends = xmltree.local(node.tag) == "extension"
        return leaf, [*inherited, *own] if extends or not own else own

    def _attributes(self, node: etree._Element) -> list[Element]:
        if xmltree.local(node.tag) == "attributeGroup":
            group = self._get(("attributeGroup",), str(node.get("ref")))
            return [one for part in group for one in self._attributes(part)] if group is not None else []
        inner = self._get(("simpleType",), str(node.get("type"))) if node.get("type") else None
        if inner is None:
            inner = node.find(f"{XS}simpleType")
        notes = _notes(node)
        return [
            Element(
                name=f"@{str(node.get('name') or node.get('ref')).rpartition(':')[2]}",
                leaf=self._leaf(inner, node.get("type") or "xs:string"),
                least=int(node.get("use") == "required"),
                zh=notes.get("zh", ""),
                sensitive="sensitive" in notes,
            )
        ]

    def _particles(self, node: etree._Element, depth: int) -> list[Element]:
        """The elements of a sequence, all, choice or group. What may be left out or repeated with its
        group may so be itself."""
        kind = xmltree.local(node.tag)
        if kind == "element":
            return [self._element(node, depth + 1)]
        if kind == "group" and node.get("ref"):
            group = self._get(("group",), str(node.get("ref")))
            inner = (
                [one for part in group for one in self._particles(part, depth)] if group is not None else []
            )
        elif kind in ("sequence", "all", "choice", "group"):
            inner = [one for part in node for one in self._particles(part, depth)]
        else:
            return []
        optional = kind == "choice" or node.get("minOccurs") == "0"
        repeated = node.get("maxOccurs", "1") not in ("0", "1")
        return [
            replace(one, least=0 if optional else one.least, most=UNBOUNDED if repeated else one.most)
            for one in inner
        ]

    def _leaf(self, node: etree._Element | None, base: str) -> Leaf:
        if node is None:
            return Leaf(base.rpartition(":")[2])
        restriction = node.find(f"{XS}restriction")
        if restriction is None:  # a list or union: any text
            return Leaf()
        parent = str(restriction.get("base") or "xs:string")
        inner = restriction.find(f"{XS}simpleType")
        under = self._leaf(inner if inner is not None else self._get(("simpleType",), parent), parent)
        facets: dict[str, list[str]] = {}
        for facet in restriction:
            facets.setdefault(xmltree.local(facet.tag), []).append(str(facet.get("value")))
        exact = facets.get("length", [None])[0]
        longest = exact or facets.get("maxLength", [None])[0]
        shortest = exact or facets.get("minLength", [None])[0]
        try:
            patterns = (
                ("|".join(f"(?:{model.python_pattern(one).pattern})" for one in facets["pattern"]),)
                if "pattern" in facets
                else ()
            )
        except ValueError:  # what only XML Schema has: left to validation
            patterns = ()
        return Leaf(
            base=under.base,
            min_length=int(shortest) if shortest else under.min_length,
            max_length=int(longest) if longest else under.max_length,
            patterns=under.patterns + patterns,
            values=frozenset(facets["enumeration"]) if "enumeration" in facets else under.values,
        )


def _merged(children: list[Element]) -> tuple[Element, ...]:
    found: dict[str, Element] = {}
    for one in children:
        known = found.get(one.name)
        found[one.name] = one if known is None else replace(known, most=max(known.most, one.most, 2))
    return tuple(found.values())


def _notes(node: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for note in node.iterfind(f"{XS}annotation/{XS}documentation"):
        found.setdefault(note.get(XML_LANG, "zh"), re.sub(r"\s+", " ", note.text or "").strip())
    for note in node.iterfind(f"{XS}annotation/{XS}appinfo/*"):
        found[xmltree.local(note.tag)] = note.get("max") or (note.text or "").strip()
    return found
