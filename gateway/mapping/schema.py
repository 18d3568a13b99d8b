"""Schemas as the mapping checker sees them: a light tree of elements, read from XSD 1.0.

Understands named and anonymous types, sequence, all, choice, groups, references, extension and attributes:
what describes data. Two elements of one name under one parent count as one that may repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from gateway import xmltree
from gateway.errors import GatewayError, MessageError
from gateway.mapping.examples import examples, is_ascii, longest
from gateway.standard import model

XS = "{http://www.w3.org/2001/XMLSchema}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
UNBOUNDED = 1_000_000
_MAX_DEPTH = 24


class SchemaError(GatewayError):
    """A schema file that is missing, not XSD, or goes beyond what is understood here."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The facets of a simple type. `patterns`, in Python's terms, all hold."""

    base: str = "string"
    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    values: frozenset[str] = frozenset()

    @property
    def is_number(self) -> bool:
        return self.base in _NUMBERS

    def fits(self, text: str) -> bool:
        return not misfit(text, self)

    @property
    def samples(self) -> tuple[str, ...]:
        """A few texts that the type allows: shortest, longest, and others; none where it is any text."""
        if self.is_number:
            numbers = [one for one in ("1", "-1", "1.5", "0.00", "12345") if self.fits(one)]
            whole = [one for one in numbers if "." not in one]
            return tuple(numbers if self.base == "decimal" else whole)
        if not self.patterns:
            return ()
        made = (*_PLAUSIBLE, *examples(self.patterns[-1]))
        return tuple(one for one in made if self.fits(one))

    @property
    def takes_any_text(self) -> bool:
        """Whether its length alone limits it."""
        return not self.values and not self.is_number and not self.patterns

    @property
    def is_ascii(self) -> bool:
        return self.is_number or any(map(is_ascii, self.patterns))

    @property
    def longest(self) -> int | None:
        """How many characters a value may have, by its length or its pattern."""
        known = [one for one in (self.max_length, *map(longest, self.patterns)) if one is not None]
        return min(known, default=None)

    @property
    def refuses_empty(self) -> bool:
        return not self.fits("")


_NUMBERS = frozenset(
    [
        "decimal",
        "integer",
        "int",
        "long",
        "short",
        "byte",
        "nonNegativeInteger",
        "positiveInteger",
        "unsignedInt",
        "unsignedLong",
    ]
)


def misfit(text: str, leaf: Leaf) -> str:
    """What a text lacks for a type, as far as its facets tell; "" where it fits."""
    if leaf.values and text not in leaf.values:
        return f"one of {', '.join(sorted(leaf.values))} is expected"
    if leaf.max_length is not None and len(text) > leaf.max_length:
        return f"at most {leaf.max_length} characters are expected"
    if len(text) < leaf.min_length:
        return f"at least {leaf.min_length} characters are expected"
    for pattern in leaf.patterns:
        if not re.fullmatch(pattern, text):
            return f"{pattern} is expected"
    form = _FORMS.get(leaf.base)
    return f"xs:{leaf.base} is expected" if form is not None and not form.fullmatch(text) else ""


_PLAUSIBLE = (
    "20240131", "20240131093000", "20240131093000000", "2024", "2024-01-31", "2024-01-31 09:30:00", "2024-01-31T09:30:00",
    "1.00", "1", "310000", "A",
)  # fmt: skip
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FORMS: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("integer", "int", "long", "short", "byte"), _INTEGER),
    **dict.fromkeys(("nonNegativeInteger", "unsignedInt", "unsignedLong"), re.compile(r"\+?[0-9]+")),
    "positiveInteger": re.compile(r"\+?[0-9]*[1-9][0-9]*"),
    "decimal": re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"),
    "date": re.compile(r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?"),
    "dateTime": re.compile(
        r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
    ),
    "time": re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"),
    "boolean": re.compile("true|false|1|0"),
    "gYear": re.compile("-?[0-9]{4,}"),
}


@dataclass(frozen=True, slots=True)
class Element:
    """A place in a schema. `leaf` is None where only children are; attributes are children "@Name"."""

    name: str
    leaf: Leaf | None = None
    children: tuple[Element, ...] = ()
    least: int = 1
    most: int = 1
    zh: str = ""
    sensitive: bool = False
    gbk_max: int = 0
    codes: str = ""  # the closed code table of its values
    source: str = field(default="", compare=False)  # m:source: the platform's name beside the standard's

    @property
    def is_list(self) -> bool:
        return self.most > 1

    @property
    def has_attributes(self) -> bool:
        """Whether its text stands under "#text", beside attributes."""
        return self.leaf is not None and bool(self.children)

    def child(self, name: str) -> Element | None:
        for one in self.children:
            if one.name == name:
                return one
        return None

    def walk(self, path: str = "") -> Iterator[tuple[str, Element]]:
        """Every element below this one with its path."""
        for child in self.children:
            inner = f"{path}/{child.name}" if path else child.name
            yield inner, child
            yield from child.walk(inner)


def from_standard(element: model.Element) -> Element:
    """The standard's own tree of a type in the same terms."""
    value = element.value
    leaf = None
    if value is not None:
        leaf = Leaf(
            "integer" if value.integer else "string",
            value.min_length,
            value.max_length,
            tuple(pattern.pattern for pattern in value.patterns),
            frozenset(value.enumeration),
        )
    return Element(
        element.name,
        leaf,
        tuple(map(from_standard, element.children)),
        element.minimum,
        element.maximum,
        element.zh,
        bool(element.sensitive),
        element.gbk_max,
        element.codes if not (element.codes_open or element.codes_separator) else "",
        element.source,
    )


class Shelf:
    """Reads each schema file of a folder once."""

    def __init__(self, root: Path):
        self.root = root
        self._read: dict[Path, Element] = {}
        self._parsed: dict[Path, etree._Element] = {}

    def get(self, path: str) -> Element:
        """The first global element of `path` below the root. SchemaError."""
        place = (self.root / path).resolve()
        if not place.is_relative_to(self.root.resolve()):
            raise SchemaError(f"{path} lies outside of the schemas' folder")
        if place not in self._read:
            self._read[place] = _Schema(self, place).top()
        return self._read[place]

    def parsed(self, path: Path) -> etree._Element:
        if path not in self._parsed:
            try:
                self._parsed[path] = xmltree.parse(path.read_bytes())
            except OSError as error:
                raise SchemaError(f"cannot be read: {error.strerror}") from error
            except MessageError as error:
                raise SchemaError(error.faults[0].en) from error
        return self._parsed[path]


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
