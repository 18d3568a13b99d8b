"""What a platform accepts: its own schemas, read once; every fault is named in its own words.

Lengths written V..60 in a voucher's schema count bytes of GBK, which XSD cannot say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.digests import sm3_hex
from gateway.message import Record

_XS = "{http://www.w3.org/2001/XMLSchema}"
_GBK = re.compile(r"V\.\.(\d+)")


class Forms:
    """The forms of one platform: `<number>-<NAME>.xsd` in its folder, found by number or by name."""

    def __init__(self, folder: Path):
        self._files: dict[str, Path] = {}
        for path in sorted(folder.glob("*.xsd")):
            number, _, name = path.stem.partition("-")
            self._files[number] = path
            self._files[name or number] = path
        self._schemas: dict[str, etree.XMLSchema] = {}
        self._bytes: dict[str, dict[str, int]] = {}

    def __contains__(self, form: str) -> bool:
        return form in self._files

    def check(self, form: str, element: etree._Element, record: Record | None = None) -> list[str]:
        """Every fault of a form's element, [] if it is as agreed; LookupError for an unknown form. With
        the record, lengths in GBK bytes are checked too."""
        schema = self._schema(form)
        schema.validate(element)
        found: Iterable[Any] = schema.error_log  # type: ignore[assignment]  # the stubs know no iteration
        faults = [f"{_place(entry)}: {entry.message}" for entry in found]
        if record is not None:
            faults += _too_many_bytes(record, self._bytes[form])
        return faults

    def _schema(self, form: str) -> etree.XMLSchema:
        known = self._schemas.get(form)
        if known is None:
            path = self._files.get(form)
            if path is None:
                raise LookupError(f"no form {form}")
            tree = etree.parse(str(path))
            known = self._schemas[form] = etree.XMLSchema(tree)
            self._bytes[form] = {
                str(element.get("name")): int(match.group(1))
                for element in tree.iter(f"{_XS}element")
                if (match := _GBK.fullmatch(element.get("type") or ""))
            }
        return known


def _place(entry: Any) -> str:
    return re.sub(r"\{[^}]*\}|^/|\*", "", entry.path or "") or "form"


def _too_many_bytes(record: Record, most: dict[str, int], path: str = "") -> list[str]:
    faults: list[str] = []
    for name, value in record.items():
        place = f"{path}/{name}" if path else name
        for index, item in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(item, dict):
                faults += _too_many_bytes(item, most, f"{place}[{index}]")
            elif name in most and len(str(item).encode("gb18030")) > most[name]:
                faults.append(f"{place}: more than {most[name]} bytes of GBK")
    return faults


def digest_of(kind: str, content: Any) -> str:
    """SM3 hex of a content without its envelope: the same content has the same digest under any key."""
    text = json.dumps([kind, content], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sm3_hex(text.encode())


def tag(name: str) -> str:
    """A name of the standard as the sub-platforms write it: PayAppNo → PAY_APP_NO."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).upper()


# The business key of each type, in the standard's names: how ledgers of different platforms are compared.
KEYS: dict[str, tuple[str, ...]] = {
    "1001": ("LegalCode",),
    "1002": ("Ticket",),
    "1003": ("UserId", "Action", "ActionTime"),
    "1004": ("LegalCode", "AcctNo", "AcctBankNo"),
    "2001": ("ProjectCode",),
    "2002": ("UnifiedDealCode",),
    "2003": ("ContractNo",),
    "2004": ("ContractNo", "ChangeSerial"),
    "2005": ("UnifiedDealCode", "ExceptionSerial"),
    "2006": ("TenderProjectCode",),
    "2007": ("UnifiedDealCode",),
    "3001": ("PayAppNo",),
    "3002": ("FileId",),
    "3003": ("InvoiceKey", "CheckTime"),
    "3004": ("PayAppNo",),
    "4001": ("PayAppNo", "ReviewRound", "ReviewNode"),
    "4002": ("PayAppNo", "VoucherNo"),
    "4003": ("PayAppNo", "ReviewRound", "ReviewNode"),
    "4004": ("PayAppNo", "NoticeSerial"),
    "5001": ("PayAppNo", "VoucherNo", "DetailId"),
    "5002": ("PayAppNo", "ReturnSerial"),
    "5003": ("PayAppNo", "RefundVoucherNo"),
    "5004": ("PayAppNo", "VoucherNo", "DetailId"),
    "6001": ("QueryId",),
    "6003": ("PayAppNo", "StatusSeq"),
    "8002": ("OriMsgNo", "BizKey", "BizVersion", "ReceiptStatus"),
}


def biz_key(number: str, record: Record, *, upper: bool = False) -> str:
    """The business key of a record in the standard's names, or (`upper`) in a sub-platform's tags."""
    names = KEYS.get(number, ())
    return "|".join(str(record.get(tag(name) if upper else name, "")) for name in names)
