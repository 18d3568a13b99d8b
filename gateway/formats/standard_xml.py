"""The standard's XML form: <Msg><Head/><Body><Type/></Body></Msg>, all in the standard's namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import xmltree
from gateway.formats.contract import refusal
from gateway.formats.elements import (
    encode_text,
    field_reader,
    line_of,
    select,
    unwritable,
    write_element,
)
from gateway.message import NAMESPACE, Head, Parsed, Record

_foreign = etree.XPath(f"//*[namespace-uri() != '{NAMESPACE}']")


@dataclass(frozen=True, slots=True)
class StandardXml:
    name: str = "standard-xml"
    content_type: str = "application/xml"
    envelope_names: tuple[str, ...] = ()
    envelope_needs: tuple[str, ...] = ()

    def decode(self, data: bytes) -> Parsed:
        """`root` and `own_type` come from the body's element and the head; a repeatable element that
        stands once is a single value, as the schema alone can tell."""
        message = xmltree.parse(data)
        for element in select(_foreign, message):
            name = xmltree.local(element.tag)
            raise refusal(
                "xml.namespace",
                f"元素 {name} 不属于命名空间 {NAMESPACE}",
                f"{name} is not in the namespace {NAMESPACE}",
                result="10003",
                path=name,
                line=line_of(element),
            )
        names = [xmltree.local(child.tag) for child in message]
        if xmltree.local(message.tag) != "Msg" or names != ["Head", "Body"] or len(message[1]) != 1:
            raise refusal(
                "format.envelope",
                "报文应为 Msg，依次含 Head 与只有一个元素的 Body",
                "a message is Msg with Head and then Body, which holds one element",
                result="10003",
                path="Msg",
            )
        read = field_reader(message)
        head = read(message[0])
        content = message[1][0]
        fields = {name: value for name, value in head.items() if isinstance(value, str)}
        return Parsed(
            read(content),
            fields,
            own_type=fields.get("MsgNo", ""),
            root=xmltree.local(content.tag),
        )

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        pieces = [f'<?xml version="1.0" encoding="UTF-8"?>\n<Msg xmlns="{NAMESPACE}">']
        try:
            write_element("Head", head.as_record(), pieces)
            pieces.append("<Body>")
            write_element(root, record, pieces)
        except ValueError as error:
            raise unwritable(record, error) from error
        pieces.append("</Body></Msg>")
        return encode_text(pieces, "utf-8", record)
