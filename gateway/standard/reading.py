"""Bodies → records: canonical bytes without a parser, parsed trees of any sender.

`read_canonical` takes the very bytes that `writing.py` makes and nothing else: every tag must be known
and closed where it is expected. What differs by a byte of markup goes through the hardened parser.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from gateway.message import NAMESPACE, Record
from gateway.standard.generate import Misfit
from gateway.standard.model import Element

_OWN = f"{{{NAMESPACE}}}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


@dataclass(frozen=True, slots=True)
class _Field:
    closing: str
    fields: dict[str, _Field] | None  # of a leaf: None
    repeats: bool
    stripped: bool  # XSD ignores white space around it


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the bodies of one type. `opening` is its canonical start tag without the first `<`."""

    root: Element
    opening: str
    fields: dict[str, _Field] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, root: Element) -> Reader:
        return cls(root, f'{root.name} xmlns="{NAMESPACE}">', _fields(root))

    def read_canonical(self, body: bytes) -> Record:
        """Misfit where the bytes are not in the canonical form of the type."""
        try:
            tokens = body.decode().split("<")
            if tokens[0] or tokens[1] != self.opening:
                raise Misfit("not the canonical start")
            record, at = _read(tokens, 2, self.fields, f"/{self.root.name}>")
        except (IndexError, KeyError, UnicodeDecodeError) as error:
            raise Misfit("not canonical") from error
        if at != len(tokens):
            raise Misfit("something after the end")
        return record

    def read_tree(self, element: etree._Element) -> Record:
        """Any tree, also a wrong one: what the type does not know stays in the record under its name."""
        return _read_element(element, self.fields)


def _fields(element: Element) -> dict[str, _Field]:
    return {
        child.name: _Field(
            f"/{child.name}>",
            None if child.value is not None else _fields(child),
            child.repeats,
            child.value is not None and child.value.integer,
        )
        for child in element.children
    }


def _read(tokens: list[str], at: int, fields: dict[str, _Field], end: str) -> tuple[Record, int]:
    record: Record = {}
    while (token := tokens[at]) != end:
        name, _, value = token.partition(">")
        known = fields[name]
        if known.fields is None:
            if tokens[at + 1] != known.closing or (known.stripped and not value.isdecimal()):
                raise Misfit(name)
            found: str | Record = _unescape(value) if "&" in value else value
            at += 2
        elif value:
            raise Misfit("text beside elements")
        else:
            found, at = _read(tokens, at + 1, known.fields, known.closing)
        if known.repeats:
            record.setdefault(name, []).append(found)
        elif name in record:
            raise Misfit(f"{name} stands twice")
        else:
            record[name] = found
    return record, at + 1


def _unescape(text: str) -> str:
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&#xD;", "\r")
    if plain.count("&") != plain.count("&amp;"):
        raise Misfit("a reference that the canonical form has not")
    return plain.replace("&amp;", "&")


def _read_element(element: etree._Element, fields: dict[str, _Field]) -> Record:
    record: Record = {f"@{name}": value for name, value in _attributes(element)}
    text = [element.text or "", *(child.tail or "" for child in element)]
    if beside := "".join(text).strip():
        record["#text"] = beside
    for child in element:
        name = child.tag.removeprefix(_OWN)
        known = fields.get(name)
        value = _read_value(child, known)
        before = record.get(name)
        if isinstance(before, list):
            before.append(value)
        elif before is not None:
            record[name] = [before, value]
        elif known is not None and known.repeats:
            record[name] = [value]
        else:
            record[name] = value
    return record


def _read_value(element: etree._Element, known: _Field | None) -> str | Record:
    if known is not None and known.fields is not None:
        return _read_element(element, known.fields)
    if len(element) or _attributes(element):
        return _read_element(element, {})
    text = element.text or ""
    return text.strip(" \t\r\n") if known is not None and known.stripped else text


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    """Without those of XML Schema's instance namespace (xsi:schemaLocation), which say nothing here."""
    found = ((str(name), str(value)) for name, value in element.attrib.items())
    return [(name, value) for name, value in found if not name.startswith(_XSI)]
