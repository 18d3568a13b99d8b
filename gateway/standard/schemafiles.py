"""Reads the standard's XSD files into the light tree of `model.py`.

It knows the part of XSD 1.0 that the standard uses: sequences of elements, simple types by restriction.
Anything else is a ConfigError: what this reader skipped, the explainer would not see.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.errors import ConfigError, Finding, MessageError
from gateway.standard.model import Element, ValueType, is_numeric, python_pattern

_XS = "{http://www.w3.org/2001/XMLSchema}"
_META = "{urn:sh-ggzy-czzf:meta:1.0}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_BASES = {"xs:string": ValueType("xs:string"), "xs:integer": ValueType("xs:integer", integer=True)}
_FACETS = {"pattern", "enumeration", "length", "minLength", "maxLength", "minInclusive", "maxInclusive"}


@dataclass(slots=True)
class SchemaFiles:
    """The types and elements that the files of one version declare."""

    simple: dict[str, ValueType] = field(default_factory=dict)
    complex: dict[str, tuple[Element, ...]] = field(default_factory=dict)

    def read_types(self, path: Path) -> None:
        """The named types of a shared file. ConfigError names file and line."""
        self._read_named(read_root(path), path)

    def read_message(self, path: Path) -> tuple[Element, dict[str, str]]:
        """The one global element of a message type's file, and what its annotation says of the type."""
        root = read_root(path)
        self._read_named(root, path)
        declared = root.findall(f"{_XS}element")
        if len(declared) != 1:
            raise _error(path, root, "a type's file declares one global element")
        return self._element(declared[0], path), _metas(declared[0])

    def _read_named(self, root: etree._Element, path: Path) -> None:
        for node in root:
            name = node.get("name", "")
            match xmltree.local(node.tag):
                case "simpleType":
                    self.simple[name] = self._simple(node, name, path)
                case "complexType":
                    self.complex[name] = self._children(node, path)
                case "element" | "include" | "annotation":
                    pass
                case other:
                    raise _error(path, node, f"xs:{other} is not used by the standard")

    def _element(self, node: etree._Element, path: Path) -> Element:
        zh, en = _texts(node)
        known = {"annotation", "complexType", "simpleType"}
        for child in node:
            if xmltree.local(child.tag) not in known:
                raise _error(path, child, f"xs:{xmltree.local(child.tag)} is not used by the standard")
        element = Element(
            name=node.get("name", ""),
            zh=zh,
            en=en,
            minimum=int(node.get("minOccurs", "1")),
            maximum=int(node.get("maxOccurs", "1")),
        )
        element = _with_metas(element, node)
        inner = node.find(f"{_XS}complexType")
        if inner is not None:
            return _with_children(element, self._children(inner, path))
        inner = node.find(f"{_XS}simpleType")
        if inner is not None:
            return replace(element, value=self._simple(inner, element.name, path))
        named = node.get("type", "")
        if named in self.complex:
            return _with_children(element, self.complex[named])
        if named in self.simple:
            return replace(element, value=self.simple[named])
        raise _error(path, node, f"type {named!r} of {element.name} is not declared before it")

    def _children(self, node: etree._Element, path: Path) -> tuple[Element, ...]:
        found: list[Element] = []
        for child in node:
            match xmltree.local(child.tag):
                case "sequence":
                    found.extend(self._sequence(child, path))
                case "annotation":
                    pass
                case other:
                    raise _error(path, child, f"xs:{other} is not used by the standard")
        return tuple(found)

    def _sequence(self, node: etree._Element, path: Path) -> list[Element]:
        for child in node:
            if xmltree.local(child.tag) != "element":
                raise _error(path, child, "a sequence holds elements alone")
        if node.attrib:
            raise _error(path, node, "a sequence itself does not repeat")
        return [self._element(child, path) for child in node]

    def _simple(self, node: etree._Element, name: str, path: Path) -> ValueType:
        restriction = node.find(f"{_XS}restriction")
        if restriction is None:
            raise _error(path, node, f"simple type {name} is no restriction")
        base = restriction.get("base", "")
        found = _BASES.get(base) or self.simple.get(base)
        if found is None:
            raise _error(path, node, f"base {base!r} of {name} is not declared before it")
        zh, en = _texts(node)
        check = _metas(node).get("check", found.check)
        try:
            return _restricted(replace(found, name=name, zh=zh, en=en, check=check), restriction)
        except ValueError as error:
            raise _error(path, restriction, str(error)) from error


def _restricted(found: ValueType, restriction: etree._Element) -> ValueType:
    facets: dict[str, list[str]] = {}
    for node in restriction:
        name = xmltree.local(node.tag)
        if name not in _FACETS:
            raise ValueError(f"facet {name} is not used by the standard")
        facets.setdefault(name, []).append(node.get("value", ""))
    if "pattern" in facets:
        text = "|".join(facets["pattern"])
        patterns = (*found.patterns, python_pattern(text))
        found = replace(found, patterns=patterns, pattern_text=text)
    if "enumeration" in facets:
        found = replace(found, enumeration=tuple(facets["enumeration"]))

    def number(name: str, other: int | None) -> int | None:
        return int(facets[name][0]) if name in facets else other

    length = number("length", None)
    return replace(
        found,
        min_length=number("minLength", length or found.min_length) or 0,
        max_length=number("maxLength", length if length is not None else found.max_length),
        min_value=number("minInclusive", found.min_value),
        max_value=number("maxInclusive", found.max_value),
        numeric=found.integer or is_numeric(found.patterns),
    )


def read_root(path: Path) -> etree._Element:
    """The root of an XSD file; ConfigError if it is missing or no XML."""
    try:
        return xmltree.parse(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            [Finding(str(path), 0, 0, "(file)", f"cannot be read: {error.strerror}")]
        ) from error
    except MessageError as error:
        raise ConfigError([Finding(str(path), 1, 1, "(file)", str(error))]) from error


def line_of(element: etree._Element) -> int:
    """The line of an element in its file, from 1; 0 if unknown."""
    line: Any = element.sourceline
    return line or 0


def _metas(node: etree._Element) -> dict[str, str]:
    found = node.iterfind(f"{_XS}annotation/{_XS}appinfo/{_META}*")
    return {xmltree.local(meta.tag): (meta.text or "").strip() for meta in found}


def _with_metas(element: Element, node: etree._Element) -> Element:
    said = _metas(node)
    codes = node.find(f"{_XS}annotation/{_XS}appinfo/{_META}codes")
    gbk = node.find(f"{_XS}annotation/{_XS}appinfo/{_META}gbk")
    return replace(
        element,
        source=said.get("source", ""),
        sensitive=said.get("sensitive", ""),
        code_type=said.get("codetype", ""),
        codes=said.get("codes", ""),
        codes_open=codes is not None and codes.get("open") == "true",
        codes_separator=codes.get("separator", "") if codes is not None else "",
        gbk_max=int(gbk.get("max", "0")) if gbk is not None else 0,
        gbk_warn=int(gbk.get("warn", "0")) if gbk is not None else 0,
    )


def _with_children(element: Element, children: tuple[Element, ...]) -> Element:
    return replace(element, children=children, by_name={child.name: child for child in children})


def _texts(node: etree._Element) -> tuple[str, str]:
    found = {
        text.get(_LANG): " ".join((text.text or "").split())
        for text in node.iterfind(f"{_XS}annotation/{_XS}documentation")
    }
    return found.get("zh", ""), found.get("en", "")


def _error(path: Path, node: etree._Element, text: str) -> ConfigError:
    return ConfigError(
        [Finding(str(path), line_of(node), 1, node.get("name", "(schema)"), text, "standard.schema")]
    )
