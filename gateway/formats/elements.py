"""XML elements ⇄ records, for every format that is XML.

Children become keys, repeated siblings a list, attributes "@Name", the text of an element that also has
attributes "#text". Namespaces are dropped, and so are attributes of XML Schema's instance namespace.
Text beside child elements (mixed content) has no place in a record and is refused, not dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

from lxml import etree

from gateway.errors import MessageError
from gateway.formats.contract import refusal
from gateway.message import Record

_has_attributes = etree.XPath("boolean(descendant-or-self::*/@*)")
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_NAME = re.compile(r"[^\W\d][\w.\-]*")
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n")


def select(path: etree.XPath, element: etree._Element) -> list[etree._Element]:
    """The elements that a path names (lxml's stubs know no result types)."""
    return cast("list[etree._Element]", path(element))


def line_of(element: etree._Element) -> int:
    """The line of an element in its document, from 1; 0 if unknown."""
    return int(cast("int | None", element.sourceline) or 0)


def field_reader(root: etree._Element, data: bytes | None = None) -> Callable[[etree._Element], Record]:
    """How to read any element of the document: children and attributes as a record, an element's own
    text as "#text". `data`, the bytes that the document was read from, spares looking through it for
    attributes and namespaces. What is read raises MessageError 10001 where text stands beside elements."""
    if data is not None and is_bare(data):
        return _read_bare_fields
    return _read_fields if _has_attributes(root) else _read_plain_fields


def is_bare(data: bytes) -> bool:
    """Whether no "=" stands behind the XML declaration: without one there are no attributes and no
    namespaces, in every encoding that is read."""
    return data.find(b"=", data.find(b"?>") if data.startswith(b"<?xml") else 0) < 0


def _read_fields(element: etree._Element) -> Record:
    value = _read_with_attributes(element)
    return value if isinstance(value, dict) else _as_text(value)


def _read_plain_fields(element: etree._Element) -> Record:
    return _read(element, False) if len(element) else _as_text(element.text)


def _read_bare_fields(element: etree._Element) -> Record:
    return _read(element, True) if len(element) else _as_text(element.text)


def _as_text(text: str | None) -> Record:
    return {"#text": text} if text and text.strip() else {}


def _read(element: etree._Element, is_bare: bool) -> Record:
    """A record without attributes: the hot path of every XML format, one pass over the children."""
    if element.text is not None:
        _check_blank(element, element.text)
    record: Record = {}
    for child in element[:]:  # type: ignore[index]  # a slice is faster than an iterator
        value: Any = _read(child, is_bare) if len(child) else child.text or ""
        tail = child.tail
        if tail is not None and not tail.isspace():
            _check_blank(element, tail)
        name = child.tag
        if name in record:
            _append(record, name, value)
        else:
            record[name] = value
    return record if is_bare or "{" not in "".join(record) else _without_namespaces(element, record)


def _without_namespaces(element: etree._Element, record: Record) -> Record:
    """The same under local names: two names may have become one, so it is read once more in order."""
    found: Record = {}
    taken = dict.fromkeys(record, 0)
    for child in element:
        tag, name = child.tag, _local(child.tag)
        value = record[tag]
        if type(value) is list:
            value = value[taken[tag]]
            taken[tag] += 1
        if name in found:
            _append(found, name, value)
        else:
            found[name] = value
    return found


def _read_with_attributes(element: etree._Element) -> Record | str:
    record: Record = {
        "@" + _local(name): value
        for name, value in cast("list[tuple[str, str]]", element.items())
        if not name.startswith(_XSI)
    }
    text = element.text or ""
    for child in element:
        name, value = _local(child.tag), _read_with_attributes(child)
        if name in record:
            _append(record, name, value)
        else:
            record[name] = value
        _check_blank(element, child.tail or "")
    if len(element):
        _check_blank(element, text)
        return record
    if not record:
        return text
    if text:
        record["#text"] = text
    return record


def _check_blank(element: etree._Element, text: str) -> None:
    if text and not text.isspace():
        name, line = _local(element.tag), line_of(element)
        raise refusal(
            "xml.mixed-content",
            f"元素 {name} 中文字与子元素混排（第 {line} 行）",
            f"text beside child elements in {name} (line {line})",
            result="10001",
            path=name,
            line=line,
        )


def _append(record: Record, name: str, value: Any) -> None:
    known = record[name]
    if type(known) is list:
        known.append(value)
    else:
        record[name] = [known, value]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def write_element(name: str, value: Any, pieces: list[str]) -> None:
    """Appends the text of one element (of each, for a list). ValueError for a name or character that
    XML cannot hold, TypeError for a leaf that is not text."""
    opening, closing, empty = _tags(name)
    if type(value) is list and len(value) > 1 and _write_rows(name, value, pieces):
        return
    for item in value if type(value) is list else (value,):
        if type(item) is dict:
            names = tuple(item)
            if _has_markers(names):
                pieces.append(f"<{name}{_attributes(item)}>")
                item = {inner: one for inner, one in item.items() if inner[:1] != "@"}
                names = tuple(item)
            else:
                pieces.append(opening)
            _write_fields(names, list(item.values()), pieces)
            pieces.append(closing)
        elif type(item) is str:
            pieces += (opening, item if item.isalnum() else escape(item), closing) if item else (empty,)
        elif type(item) is list:
            write_element(name, item, pieces)
        else:
            raise TypeError(f"{name}: a leaf must be text, not {type(item).__name__}")


def _write_rows(name: str, rows: list[Any], pieces: list[str]) -> bool:
    """Appends a list of records at once. False, and nothing appended, where they have not all the same
    names, or have attributes, or hold more than texts."""
    if set(map(type, rows)) != {dict}:
        return False
    shapes = list(map(tuple, rows))
    names = shapes[0]
    if not names or shapes.count(names) < len(shapes) or _has_markers(names):
        return False
    values = [value for row in rows for value in row.values()]
    try:
        flat = "".join(values)
    except TypeError:
        return False
    if "&" in flat or "<" in flat or ">" in flat or "\r" in flat:
        values = list(map(escape, values))
    opening, closing, _ = _tags(name)
    first, *between, last = _around(names, ())
    # The end of a row and the beginning of the next are one piece, so that every other piece is a value.
    made = [last + closing + opening + first, *between] * len(rows)
    made[1::2] = values
    made[0] = opening + first
    pieces += made
    pieces.append(last + closing)
    return True


def _write_fields(names: tuple[str, ...], values: list[Any], pieces: list[str]) -> None:
    """Appends every child of a record.

    The hot path of every XML format: the tags around the values of one row of names are made once, and
    characters that XML cannot hold are looked for in the whole document, by `encode_text`."""
    nested: tuple[int, ...] = ()
    try:
        flat = "".join(values)
    except TypeError:
        nested = tuple([index for index, value in enumerate(values) if type(value) is not str])
        flat = _write_nested(names, values, nested)
    if "&" in flat or "<" in flat or ">" in flat or "\r" in flat:
        values = [value if index in nested else escape(value) for index, value in enumerate(values)]
    made = list(_around(names, nested))
    made[1::2] = values
    pieces += made


def _write_nested(names: tuple[str, ...], values: list[Any], nested: tuple[int, ...]) -> str:
    """Puts the text of records and lists in their places among the values; the other values joined."""
    written = []
    for index in nested:
        inner: list[str] = []
        write_element(names[index], values[index], inner)
        written.append("".join(inner))
        values[index] = ""
    flat = "".join(values)
    for index, text in zip(nested, written, strict=True):
        values[index] = text
    return flat


@lru_cache(maxsize=1024)
def _around(names: tuple[str, ...], nested: tuple[int, ...]) -> tuple[str, ...]:
    """Tags and, in between, places for the values of these names. What is nested brings its own tags."""
    made = [""]
    for index, name in enumerate(names):
        opening, closing, _ = ("", "", "") if index in nested or name == "#text" else _tags(name)
        made[-1] += opening
        made += ("", closing)
    return tuple(made)


@lru_cache(maxsize=1024)
def _has_markers(names: tuple[str, ...]) -> bool:
    return any(name.startswith("@") for name in names)


def _attributes(record: Record) -> str:
    return "".join(
        f' {_tags(name[1:])[0][1:-1]}="{escape_attribute(value)}"'
        for name, value in record.items()
        if name.startswith("@")
    )


@lru_cache(maxsize=8192)
def _tags(name: str) -> tuple[str, str, str]:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:60]!r} is not an element name")
    return f"<{name}>", f"</{name}>", f"<{name}/>"


def escape(text: str) -> str:
    """Character data. ValueError for a character outside XML 1.0's Char."""
    if not text.isprintable() and ILLEGAL.search(text):
        raise ValueError("a character that XML cannot hold")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def escape_attribute(text: str) -> str:
    text = escape(text).replace('"', "&quot;")
    return text.replace("\n", "&#10;").replace("\t", "&#9;")


def encode_text(pieces: list[str], encoding: str, content: Record) -> bytes:
    """The joined pieces in an encoding. MessageError 30008 that names the fields of `content` with
    characters that the encoding lacks or XML cannot hold."""
    text = "".join(pieces)
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise outside_encoding(content, encoding) from error
    if len(data.translate(None, _CONTROLS)) < len(data) or "\ufffe" in text or "\uffff" in text:
        raise unwritable(content, ValueError("a character that XML cannot hold"))
    return data


def outside_encoding(content: Record, encoding: str) -> MessageError:
    """30008, naming the first field that cannot be written in the encoding, and the characters."""

    def lost(text: str) -> str:
        kept = text.encode(encoding, "ignore").decode(encoding)
        return "".join(dict.fromkeys(letter for letter in text if letter not in kept))

    path, letters = next(find_texts(content, lost), ("", ""))
    return refusal(
        "format.outside-encoding",
        f"{path} 含有 {encoding.upper()} 以外的字符: {letters}",
        f"{path} holds characters outside {encoding.upper()}: {letters}",
        result="30008",
        path=path,
        found=letters,
    )


def unwritable(content: Record, error: ValueError) -> MessageError:
    """30008, naming the first field with a character that no XML can hold."""

    def bad(text: str) -> str:
        return ", ".join(f"U+{ord(letter):04X}" for letter in ILLEGAL.findall(text)[:5])

    path, letters = next(find_texts(content, bad), ("", str(error)))
    return refusal(
        "format.illegal-character",
        f"{path} 含有 XML 不允许的字符: {letters}",
        f"{path} holds what XML cannot: {letters}",
        result="30008",
        path=path,
        found=letters,
    )


def find_texts(value: Any, test: Callable[[str], str], path: str = "") -> Iterator[tuple[str, str]]:
    """(path, answer) of every leaf for which `test` answers something; indexes count from 1."""
    if isinstance(value, str):
        answer = test(value)
        if answer:
            yield path, answer
    elif isinstance(value, list):
        for index, item in enumerate(value, 1):
            yield from find_texts(item, test, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from find_texts(item, test, f"{path}/{name}" if path else name)
