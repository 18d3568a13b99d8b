"""Places in a schema and the types of their texts, whatever the schema is written in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.errors import GatewayError
from gateway.mapping.examples import examples, is_ascii, longest
from gateway.standard import model

UNBOUNDED = 1_000_000


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
        return _samples(self)

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


@lru_cache(maxsize=4096)
def _samples(leaf: Leaf) -> tuple[str, ...]:
    if leaf.is_number:
        numbers = [one for one in ("1", "-1", "1.5", "0.00", "12345") if leaf.fits(one)]
        whole = [one for one in numbers if "." not in one]
        return tuple(numbers if leaf.base == "decimal" else whole)
    if not leaf.patterns:
        return ()
    made = (*_PLAUSIBLE, *examples(leaf.patterns[-1]))
    return tuple(one for one in made if leaf.fits(one))


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
