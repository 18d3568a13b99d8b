"""The DES upload envelope of the public-resource trading data specification (FACTS.md 1.2).

<DES> holds TITLE (what the data is), CONTEXT (one element a data item) and FILECONTEXT, in any order. A
deletion (DATA_TYPE 3) may come without CONTEXT. Files stay in the record under FILECONTEXT.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import xmltree
from gateway.digests import sm3_hex
from gateway.errors import Fault, MessageError
from gateway.formats.contract import refusal
from gateway.formats.elements import (
    encode_text,
    field_reader,
    line_of,
    unwritable,
    write_element,
)
from gateway.formats.envelopes import derived_key
from gateway.formats.skeletons import skeletons
from gateway.message import Head, Parsed, Record

TITLE_NAMES = ("CA_KEY", "DATA_CN", "DATA_EN", "DATA_KEY", "DATA_NO", "DATA_TYPE", "ROUTE_WAY")
KEY_CHARS = 22
_PART_NAMES = frozenset({"TITLE", "CONTEXT", "FILECONTEXT"})
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Des:
    name: str = "des"
    content_type: str = "application/xml"
    envelope_names: tuple[str, ...] = (*TITLE_NAMES, "SYSTEM_NO", "KEY_OF", "KEY_DATE")
    envelope_needs: tuple[str, ...] = ("SYSTEM_NO", "DATA_NO")

    def decode(self, data: bytes) -> Parsed:
        """`envelope` is TITLE, `own_type` its DATA_NO. The key that DES lacks is derived: SM3 over
        DATA_KEY|DATA_TYPE|DATA_TIMESTAMP, so a corrected upload (newer stamp) is a new effect."""
        sight = skeletons.look(data)
        if sight.record is not None and sight.root == "DES" and _is_sound(sight.record):
            with contextlib.suppress(MessageError):  # of a fault the parser knows the line
                return _parsed(sight.record, 0)
        root = xmltree.parse(data)
        parts = _parts(root)
        read = field_reader(root, data)
        parsed = _parsed({name: read(part) for name, part in parts.items()}, line_of(parts["TITLE"]))
        skeletons.learn(sight, data, root)
        return parsed

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """TITLE is the envelope's fields plus a derived DATA_KEY; SYSTEM_NO and DATA_NO are needed. KEY_OF
        and KEY_DATE name what the key is of, where later messages change it (DATA_TYPE 2, 3); without them
        every message has a key of its own."""
        content = {name: value for name, value in record.items() if name != "FILECONTEXT"}
        pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n<DES>']
        try:
            write_element("TITLE", _title(head, envelope), pieces)
            write_element("CONTEXT", content, pieces)
            if "FILECONTEXT" in record:
                write_element("FILECONTEXT", record["FILECONTEXT"], pieces)
        except ValueError as error:
            raise unwritable(record, error) from error
        pieces.append("</DES>")
        return encode_text(pieces, "utf-8", record)


def data_key(system_no: str, data_no: str, date: str, of: str) -> str:
    """22 characters: SYSTEM_NO, DATA_NO, yyyyMMdd and a serial in base 36 that follows alone from what it
    is the key of (the idempotency key or a business key), so that a repeated rendering carries the same."""
    width = KEY_CHARS - len(system_no) - len(data_no) - len(date)
    number = int(sm3_hex(of.encode())[:24], 16)
    serial = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        serial.append(_BASE36[digit])
    return f"{system_no}{data_no}{date}{''.join(serial)}"


def _title(head: Head, envelope: Mapping[str, str]) -> Record:
    missing = [name for name in ("SYSTEM_NO", "DATA_NO") if not envelope.get(name)]
    if missing:
        raise MessageError(
            [_fault(f"TITLE/{name}", f"信封缺少 {name}", f"the envelope lacks {name}") for name in missing]
        )
    key = envelope.get("DATA_KEY") or data_key(
        envelope["SYSTEM_NO"],
        envelope["DATA_NO"],
        envelope.get("KEY_DATE") or head.WorkDate,
        envelope.get("KEY_OF") or head.IdemKey,
    )
    return {
        "CA_KEY": envelope.get("CA_KEY", ""),
        "DATA_CN": envelope.get("DATA_CN", ""),
        "DATA_EN": envelope.get("DATA_EN", ""),
        "DATA_KEY": key,
        "DATA_NO": envelope["DATA_NO"],
        "DATA_TYPE": envelope.get("DATA_TYPE") or head.OperType,
        "ROUTE_WAY": envelope.get("ROUTE_WAY", "0"),
    }


def _is_sound(record: Record) -> bool:
    """Whether each part is known, stands once and holds elements."""
    return (
        "TITLE" in record
        and record.keys() <= _PART_NAMES
        and all(type(one) is dict for one in record.values())
    )


def _parsed(parts: Record, title_line: int) -> Parsed:
    title = _read_title(parts["TITLE"], title_line)
    record = parts.get("CONTEXT", {})
    if not record and title["DATA_TYPE"] != "3":
        raise refusal(
            "des.no-context",
            "新增或修改应有 CONTEXT 内容",
            "an addition or change needs data items in CONTEXT",
            result="10003",
            path="CONTEXT",
        )
    stamp = record.get("DATA_TIMESTAMP", "")
    if "FILECONTEXT" in parts:
        record["FILECONTEXT"] = parts["FILECONTEXT"]
    head = _head(title, stamp if isinstance(stamp, str) else "")
    return Parsed(record, head, title, own_type=title["DATA_NO"], root="CONTEXT")


def _parts(root: etree._Element) -> dict[str, etree._Element]:
    if xmltree.local(root.tag) != "DES":
        raise refusal(
            "des.not-an-envelope",
            f"根元素应为 DES，实为 {xmltree.local(root.tag)}",
            f"the root element is {xmltree.local(root.tag)}, not DES",
            result="10003",
            path=xmltree.local(root.tag),
        )
    parts: dict[str, etree._Element] = {}
    faults = []
    for child in root:
        name = xmltree.local(child.tag)
        if name not in _PART_NAMES or name in parts:
            line = line_of(child)
            faults.append(
                _fault(name, f"DES 下 {name} 未定义或重复", f"{name} is unknown or stands twice in DES", line)
            )
        parts[name] = child
    if "TITLE" not in parts:
        faults.append(_fault("TITLE", "缺少 TITLE", "TITLE is missing"))
    if faults:
        raise MessageError(faults)
    return parts


def _read_title(fields: Record, line: int) -> dict[str, str]:
    title = {name: value.strip() for name, value in fields.items() if isinstance(value, str)}
    faults = [
        _fault(
            f"TITLE/{name}", f"TITLE 中 {name} 未定义或重复", f"{name} is unknown or repeated in TITLE", line
        )
        for name in fields
        if name not in TITLE_NAMES or name not in title
    ]
    faults += [
        _fault(f"TITLE/{name}", f"TITLE 缺少 {name}", f"TITLE lacks {name}", line)
        for name in ("CA_KEY", "DATA_EN", "DATA_KEY", "DATA_NO", "DATA_TYPE")
        if not title.get(name)
    ]
    if title.get("DATA_KEY") and len(title["DATA_KEY"]) != KEY_CHARS:
        faults.append(_fault("TITLE/DATA_KEY", "DATA_KEY 应为 22 位", "DATA_KEY has 22 characters", line))
    if title.get("DATA_TYPE", "1") not in ("1", "2", "3"):
        faults.append(_fault("TITLE/DATA_TYPE", "DATA_TYPE 应为 1、2 或 3", "DATA_TYPE is 1, 2 or 3", line))
    if title.get("DATA_TYPE") == "1" and not title.get("ROUTE_WAY"):
        faults.append(_fault("TITLE/ROUTE_WAY", "新增应有 ROUTE_WAY", "an addition needs ROUTE_WAY", line))
    if faults:
        raise MessageError(faults)
    return title


def _head(title: Mapping[str, str], stamp: str) -> dict[str, str]:
    key = derived_key(title["DATA_KEY"], title["DATA_TYPE"], stamp)
    head = {"OperType": title["DATA_TYPE"], "IdemKey": key, "MsgId": key[:32]}
    if len(stamp) == 14 and stamp.isdecimal():
        head["SendTime"] = stamp + "000"
    return head


def _fault(path: str, zh: str, en: str, line: int = 0) -> Fault:
    return Fault(
        "des.title" if path.startswith("TITLE") else "des.envelope", path, zh, en, "10003", path, line=line
    )
