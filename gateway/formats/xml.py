"""Any XML as a record. Two shapes: wrapped in <Message><Head/><DATA/></Message>, or the bare element.

`Head` holds fields of the standard's head, as many as the platform has; the element beside it names the
data set and is the platform's own type. Text comes in UTF-8, GBK or GB18030, by its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import xmltree
from gateway.errors import Fault, MessageError
from gateway.formats.contract import refusal
from gateway.formats.elements import (
    encode_text,
    field_reader,
    line_of,
    unwritable,
    write_element,
)
from gateway.formats.skeletons import skeletons
from gateway.message import HEAD_FIELDS, Head, Parsed, Record

WRAPPER = "Message"


@dataclass(frozen=True, slots=True)
class Xml:
    name: str = "xml"
    encoding: str = "utf-8"
    wrapped: bool = True  # whether `encode` writes the wrapper; `decode` takes both shapes
    content_type: str = "application/xml"
    envelope_names: tuple[str, ...] = ()
    envelope_needs: tuple[str, ...] = ()

    def decode(self, data: bytes) -> Parsed:
        sight = skeletons.look(data)
        if sight.record is not None:
            parsed = _from_record(sight.root, sight.record)
            if parsed is not None:
                return parsed
        parsed, root = self._decode(data)
        skeletons.learn(sight, data, root)
        return parsed

    def _decode(self, data: bytes) -> tuple[Parsed, etree._Element]:
        root = xmltree.parse(data)
        read = field_reader(root, data)
        if xmltree.local(root.tag) != WRAPPER:
            name = xmltree.local(root.tag)
            return Parsed(read(root), own_type=name, root=name), root
        heads = [child for child in root if xmltree.local(child.tag) == "Head"]
        contents = [child for child in root if xmltree.local(child.tag) != "Head"]
        if len(heads) > 1 or len(contents) != 1:
            raise refusal(
                "format.envelope",
                "Message 应含至多一个 Head 和恰好一个数据元素",
                "Message holds at most one Head and exactly one data element",
                result="10003",
                path=WRAPPER,
                line=line_of(root),
            )
        name = xmltree.local(contents[0].tag)
        head = _read_head(read(heads[0])) if heads else {}
        return Parsed(read(contents[0]), head, own_type=name, root=name), root

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        pieces = [f'<?xml version="1.0" encoding="{self.encoding.upper()}"?>\n']
        try:
            if self.wrapped:
                pieces.append(f"<{WRAPPER}>")
                write_element("Head", head.as_record(), pieces)
                write_element(root, record, pieces)
                pieces.append(f"</{WRAPPER}>")
            else:
                write_element(root, record, pieces)
        except ValueError as error:
            raise unwritable(record, error) from error
        return encode_text(pieces, self.encoding, record)


def _from_record(root: str, record: Record) -> Parsed | None:
    """Of a whole document; None where the envelope is not as it should be: what is wrong with it is told
    with its line."""
    if root != WRAPPER:
        return Parsed(record, own_type=root, root=root)
    head = record.get("Head", {})
    names = [name for name in record if name != "Head"]
    if len(names) != 1 or type(head) is not dict or type(record[names[0]]) is not dict:
        return None
    try:
        return Parsed(record[names[0]], _read_head(head), own_type=names[0], root=names[0])
    except MessageError:
        return None


def _read_head(fields: Record) -> dict[str, str]:
    faults = [
        Fault(
            "format.envelope",
            f"Head/{name}",
            "报文头无此项，或重复，或不是文本",
            "no such field in the head, or it stands twice, or is not text",
            "10003",
            f"Head/{name}",
        )
        for name, value in fields.items()
        if name not in HEAD_FIELDS or not isinstance(value, str)
    ]
    if faults:
        raise MessageError(faults)
    return {name: value for name, value in fields.items() if value}
