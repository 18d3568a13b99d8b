"""Kinds of value that an expression can have, known before any message is seen."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.mapping.element import Element


@dataclass(frozen=True, slots=True)
class Kind:
    """`element`: what a schema says of it; `item` of a list; `parts` of an item of zip."""

    name: str
    element: Element | None = None
    item: Kind | None = None
    parts: tuple[Kind, ...] = ()

    def __str__(self) -> str:
        if self.item is not None:
            return f"a list of {_PLURALS.get(self.item.name, 'values')}"
        return _NAMES[self.name]

    @property
    def is_list(self) -> bool:
        return self.item is not None


_NAMES = {
    "text": "a text",
    "number": "a number",
    "boolean": "a condition",
    "record": "a record",
    "any": "a value",
    "zip": "a zip's item",
    "list": "a list",
}
_PLURALS = {"text": "texts", "record": "records", "number": "numbers", "zip": "zipped items"}

TEXT = Kind("text")
NUMBER = Kind("number")
BOOLEAN = Kind("boolean")
ANY = Kind("any")  # no schema says; checked while running
LIST = Kind("list", item=ANY)


def list_of(item: Kind) -> Kind:
    return Kind("list", item.element, item)


def of_element(element: Element, *, single: bool = False) -> Kind:
    """The kind of what stands at an element: a list where it may repeat."""
    kind = Kind("record", element) if element.leaf is None else Kind("text", element)
    return list_of(kind) if element.is_list and not single else kind
