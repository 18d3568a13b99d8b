"""Walks a platform's document beside its schema, as xmlschema has compiled it, and names every fault."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xmlschema
from lxml import etree

from gateway import xmltree
from gateway.errors import Fault
from gateway.standard import checks, formfaults

_META = "{urn:sh-ggzy-czzf:meta:1.0}"
# By m:check of an element: (is it right?, Chinese and English name of what it should be).
_CHECKS: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "uscc": (checks.is_uscc, "统一社会信用代码", "unified social credit code"),
    "unified-deal-code": (checks.is_unified_deal_code, "统一交易标识码", "unified deal code"),
    "cnaps": (checks.is_cnaps, "支付系统行号", "bank number"),
}
_FIRST_WORDS = re.compile("[：；，（]")
_FACETS = {
    "XsdPatternFacets": "pattern",
    "XsdLengthFacet": "length",
    "XsdMinLengthFacet": "length",
    "XsdMaxLengthFacet": "length",
    "XsdEnumerationFacets": "value",
}


def line_of(element: etree._Element) -> int:
    line: Any = element.sourceline
    return line or 0


class FormSchema:
    """One schema file with what it includes."""

    def __init__(self, path: Path):
        self._decides = etree.XMLSchema(file=str(path))
        self._schema = xmlschema.XMLSchema(str(path), allow="local")

    def faults(self, root: etree._Element, place: str) -> Iterator[Fault]:
        """Every fault of the element, in its order; `place`: its own path, which all paths begin with."""
        declared = self._schema.elements.get(root.tag)
        if declared is None:
            path = f"{place}/{xmltree.local(root.tag)}".lstrip("/")
            yield formfaults.unexpected(path, list(self._schema.elements), line_of(root))
            return
        is_right = True
        for fault in self._element(declared, root, place):
            is_right = False
            yield fault
        if is_right and not self._decides.validate(root):
            log: Any = self._decides.error_log
            yield from (formfaults.undecided(f"{one.path}: {one.type_name}", int(one.line)) for one in log)

    def _element(self, declared: Any, element: etree._Element, place: str) -> Iterator[Fault]:
        yield from _attributes(declared, element, place)
        kind = declared.type
        if kind.is_simple() or kind.has_simple_content():
            yield from _leaf(declared, element, place)
        else:
            yield from self._children(kind.content, element, place)

    def _children(self, group: Any, element: etree._Element, place: str) -> Iterator[Fault]:
        particles = list(group.iter_elements())
        named = {one.name: one for one in particles if one.name}
        is_open = len(named) < len(particles)
        if group.model != "choice":
            yield from _counted(named, element, place)
        if group.model == "sequence":
            yield from _order(named, element, place)
        seen: Counter[str] = Counter()
        for child in element:
            seen[child.tag] += 1
            path = _join(place, child.tag)
            # A declared element without children is falsy in xmlschema: ask for None.
            declared = named.get(child.tag)
            if declared is None and is_open:
                declared = self._schema.elements.get(child.tag)
            if declared is not None:
                repeats = child.tag in named and declared.max_occurs != 1
                yield from self._element(declared, child, f"{path}[{seen[child.tag]}]" if repeats else path)
            elif not is_open:
                yield formfaults.unexpected(path, [xmltree.local(name) for name in named], line_of(child))


def _counted(named: dict[str, Any], element: etree._Element, place: str) -> Iterator[Fault]:
    counts = Counter(child.tag for child in element)
    for name, one in named.items():
        path = _join(place, name)
        if counts[name] < one.min_occurs:
            yield formfaults.missing(path, _label(one), line_of(element))
        if one.max_occurs is not None and counts[name] > one.max_occurs:
            yield formfaults.too_many(path, _label(one), counts[name], one.max_occurs, line_of(element))


def _join(place: str, tag: str) -> str:
    return f"{place}/{xmltree.local(tag)}".lstrip("/")


def _order(named: dict[str, Any], element: etree._Element, place: str) -> Iterator[Fault]:
    """The first child that stands before one that the schema has before it."""
    ranks = {name: rank for rank, name in enumerate(named)}
    highest = -1
    for child in element:
        rank = ranks.get(child.tag, highest)
        if rank < highest:
            yield formfaults.out_of_order(_join(place, child.tag), _label(named[child.tag]), line_of(child))
            return
        highest = rank


def _attributes(declared: Any, element: etree._Element, place: str) -> Iterator[Fault]:
    known = {name: one for name, one in declared.attributes.items() if name}
    for name, one in known.items():
        if one.use == "required" and name not in element.attrib:
            yield formfaults.missing(f"{place}/@{name}".lstrip("/"), name, line_of(element))
    for name, value in element.attrib.items():
        path = f"{place}/@{xmltree.local(str(name))}".lstrip("/")
        if name in known:
            yield from _value(known[name], str(value), path, str(name), line_of(element))
        elif not str(name).startswith("{http://www.w3.org/2001/XMLSchema-instance}"):
            yield formfaults.unexpected(path, list(map(str, known)), line_of(element))


def _leaf(declared: Any, element: etree._Element, place: str) -> Iterator[Fault]:
    if len(element):
        yield formfaults.has_children(place, _label(declared), line_of(element))
        return
    yield from _value(declared, element.text or "", place, _label(declared), line_of(element))


def _value(declared: Any, value: str, place: str, label: str, line: int) -> Iterator[Fault]:
    said = _said(declared)
    first = next(iter(declared.type.iter_errors(value)), None)
    if first is not None:
        facet = _FACETS.get(type(first.validator).__name__, "type")
        sensitive = said.get("sensitive", "")
        yield formfaults.wrong_value(place, label, value, facet, _expected(declared, facet), sensitive, line)
        return
    most = int(said.get("gbk") or 0)
    length = checks.gbk_length(value)
    if most and length is not None and length > most:
        yield formfaults.gbk_length(place, label, length, most, line)
    check = _CHECKS.get(said.get("check", ""))
    if check is not None and not check[0](value):
        yield formfaults.check_digit(place, label, value, check[1:], line)


def _expected(declared: Any, facet: str) -> str:
    kind = declared.type
    if facet == "pattern":
        return " and ".join(kind.patterns.regexps) if kind.patterns is not None else ""
    if facet == "value":
        return " | ".join(map(str, kind.enumeration or ()))
    if facet == "length":
        least, most = kind.min_length or 0, kind.max_length
        return str(least) if least == most else f"{least}..{'∞' if most is None else most}"
    return str(kind.local_name or kind.base_type.local_name)


def _label(declared: Any) -> str:
    """The first Chinese words of its annotation."""
    note = _note(declared)
    text = (note.documentation[0].text or "") if note is not None and note.documentation else ""
    return _FIRST_WORDS.split(text.strip(), maxsplit=1)[0] or str(declared.local_name)


def _note(declared: Any) -> Any:
    """The annotation of an element or attribute, or of the one that it refers to."""
    if declared.annotation is not None or declared.ref is None:
        return declared.annotation
    return declared.ref.annotation


def _said(declared: Any) -> dict[str, str]:
    """m:sensitive, m:check, m:gbk of its annotation."""
    note = getattr(declared, "annotation", None) or getattr(
        getattr(declared, "ref", None), "annotation", None
    )
    found: dict[str, str] = {}
    for info in note.appinfo if note is not None else ():
        for one in info:
            name = str(one.tag).removeprefix(_META)
            found[name] = one.get("max") or (one.text or "").strip()
    return found
