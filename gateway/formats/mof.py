"""MOF vouchers of the treasury's voucher store (FACTS.md 2.1): GBK XML in Base64 inside GBK XML.

One message is one voucher. `split` and `join` turn a batch into single vouchers and back. The inner
<Voucher> has no declaration: its receiver puts it in place of its Base64 text before parsing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.digests import sm3_hex
from gateway.errors import Fault, MessageError
from gateway.formats.contract import refusal
from gateway.formats.elements import (
    encode_text,
    escape,
    escape_attribute,
    field_reader,
    unwritable,
    write_element,
)
from gateway.formats.envelopes import derived_key
from gateway.message import Head, Parsed, Record

KEY_NAMES = ("AdmDivCode", "StYear", "VtCode", "VoucherNo")
BODY_NAMES = ("VoucherFlag", "Return_Reason", "Attach")
MAX_LINES = 499  # 明细条数必须小于500
MAX_VOUCHERS = 100  # what readVoucher gives at most
_DECLARATION = '<?xml version="1.0" encoding="GBK"?>\n'


@dataclass(frozen=True, slots=True)
class MofVoucher:
    name: str = "mof-voucher"
    content_type: str = "application/xml; charset=GBK"
    envelope_names: tuple[str, ...] = (*KEY_NAMES, *BODY_NAMES)
    envelope_needs: tuple[str, ...] = KEY_NAMES

    def decode(self, data: bytes) -> Parsed:
        """A MOF with exactly one VoucherBody. `record` is the inner voucher (DetailList/Detail always a
        list), `envelope` the body's attributes and fields, `own_type` the VtCode. The key is SM3 over
        AdmDivCode|StYear|VtCode|VoucherNo|VoucherFlag|SM3 of the inner voucher's bytes."""
        bodies = _bodies(data)
        if len(bodies) != 1:
            raise refusal(
                "mof.count",
                f"每个报文应只含一个凭证，实为 {len(bodies)} 个",
                f"a message holds one voucher, this one holds {len(bodies)}",
                result="10003",
                path="MOF/VoucherBody",
            )
        envelope, text = _read_body(bodies[0])
        inner = _from_base64(text, envelope["VoucherNo"])
        record = _read_voucher(inner, envelope["VoucherNo"])
        return Parsed(record, _head(envelope, inner), envelope, own_type=envelope["VtCode"], root="Voucher")

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """One voucher in GBK; MessageError 30008 names a field with characters outside GBK."""
        faults = [
            _fault(name, f"凭证信封缺少 {name}", f"the voucher's envelope lacks {name}")
            for name in KEY_NAMES
            if not envelope.get(name)
        ]
        if faults:
            raise MessageError(faults)
        _check_lines(record)
        pieces: list[str] = []
        try:
            write_element(root or "Voucher", record, pieces)
            outer = _outer(envelope)
        except ValueError as error:
            raise unwritable({**record, **envelope}, error) from error
        inner = base64.b64encode(encode_text(pieces, "gbk", record))
        opening, closing = (encode_text([part], "gbk", dict(envelope)) for part in outer)
        return opening + inner + closing


def split(data: bytes) -> list[bytes]:
    """Every voucher of a MOF as a MOF of its own. A voucher that cannot be read is passed on as it is:
    it must not stop the others."""
    return [join_bodies([body]) for body in _bodies(data)]


def join(vouchers: Sequence[bytes]) -> bytes:
    """One MOF that holds the vouchers of several, in order."""
    return join_bodies([body for voucher in vouchers for body in _bodies(voucher)])


def join_bodies(bodies: Sequence[etree._Element]) -> bytes:
    """One MOF around bodies that were read from others."""
    texts = [etree.tostring(body, encoding="unicode", with_tail=False) for body in bodies]
    text = f"{_DECLARATION}<MOF><VoucherCount>{len(texts)}</VoucherCount>{''.join(texts)}</MOF>"
    # GBK's superset: what was read as GBK may hold its four-byte forms, and they must not be lost here.
    return text.encode("gb18030")


def _bodies(data: bytes) -> list[etree._Element]:
    root = xmltree.parse(data, encoding=_encoding(data))
    bodies = [child for child in root if child.tag == "VoucherBody"]
    counts = [child.text or "" for child in root if child.tag == "VoucherCount"]
    if root.tag != "MOF" or len(bodies) + len(counts) != len(root) or len(counts) != 1:
        raise refusal(
            "mof.not-an-envelope",
            "报文应为 MOF，含一个 VoucherCount 与若干 VoucherBody",
            "a message is MOF with one VoucherCount and VoucherBody elements",
            result="10003",
            path=xmltree.local(root.tag),
        )
    if counts[0].strip() != str(len(bodies)) or not 0 < len(bodies) <= MAX_VOUCHERS:
        raise refusal(
            "mof.count",
            f"VoucherCount 为 {counts[0].strip()[:20]}，实有 {len(bodies)} 个凭证（1 至 {MAX_VOUCHERS}）",
            f"VoucherCount says {counts[0].strip()[:20]}, there are {len(bodies)} (1 to {MAX_VOUCHERS})",
            result="10003",
            path="MOF/VoucherCount",
        )
    return bodies


def _encoding(data: bytes) -> str | None:
    """A voucher without declaration is GBK, unless a byte order mark says UTF-8."""
    start = data[:64].lstrip()
    if b'encoding="GBK"' in start and data.isascii():
        return "ascii"  # the same characters, and no detour through a codec: Base64 is most of an envelope
    return None if start.startswith((b"<?xml", b"\xef\xbb\xbf")) else "gbk"


def _read_body(body: etree._Element) -> tuple[dict[str, str], str]:
    fields = field_reader(body)(body)
    known = {*("@" + name for name in KEY_NAMES), *BODY_NAMES, "Voucher"}
    faults = [
        _fault(name, f"VoucherBody 中 {name} 未定义或重复", f"{name} is unknown or repeated in VoucherBody")
        for name, value in fields.items()
        if name not in known or not isinstance(value, str)
    ]
    faults += [
        _fault(f"@{name}", f"VoucherBody 缺少属性 {name}", f"VoucherBody lacks the attribute {name}")
        for name in KEY_NAMES
        if not fields.get("@" + name)
    ]
    if not fields.get("Voucher"):
        faults.append(_fault("Voucher", "VoucherBody 缺少 Voucher", "VoucherBody lacks Voucher"))
    if fields.get("VoucherFlag") not in ("0", "1"):
        faults.append(_fault("VoucherFlag", "VoucherFlag 应为 0 或 1", "VoucherFlag is 0 or 1"))
    if faults:
        raise MessageError(faults)
    envelope = {name: fields["@" + name] for name in KEY_NAMES}
    envelope.update({name: fields.get(name, "") for name in BODY_NAMES})
    return envelope, fields["Voucher"]


def _from_base64(text: str, voucher_no: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusal(
            "mof.base64",
            f"凭证 {voucher_no[:42]} 的 Voucher 不是 Base64",
            f"Voucher of {voucher_no[:42]} is not Base64",
            result="10001",
            path="MOF/VoucherBody/Voucher",
        ) from error


def _read_voucher(inner: bytes, voucher_no: str) -> Record:
    root = xmltree.parse(inner, encoding=_encoding(inner))
    if root.tag != "Voucher":
        raise refusal(
            "mof.not-a-voucher",
            f"凭证 {voucher_no[:42]} 的内容应为 Voucher，实为 {xmltree.local(root.tag)}",
            f"the content of {voucher_no[:42]} is {xmltree.local(root.tag)}, not Voucher",
            result="10003",
            path="MOF/VoucherBody/Voucher",
        )
    record = field_reader(root, inner)(root)
    lines = record.get("DetailList")
    if isinstance(lines, dict) and not isinstance(lines.get("Detail", []), list):
        lines["Detail"] = [lines["Detail"]]
    _check_lines(record)
    return record


def _check_lines(record: Record) -> None:
    lines = record.get("DetailList")
    count = _count(lines.get("Detail", [])) if isinstance(lines, dict) else 0
    if count > MAX_LINES:
        raise refusal(
            "mof.too-many-lines",
            f"明细 {count} 条，应不多于 {MAX_LINES} 条",
            f"{count} detail lines, at most {MAX_LINES} are allowed",
            result="10003",
            path="DetailList/Detail",
        )


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1


def _head(envelope: Mapping[str, str], inner: bytes) -> dict[str, str]:
    keys = (*(envelope[name] for name in KEY_NAMES), envelope["VoucherFlag"])
    key = derived_key(*keys, sm3_hex(inner))
    # The division has six or nine digits by treasury; the standard's head has six.
    return {
        "IdemKey": key,
        "MsgId": key[:32],
        "AdmDivCode": envelope["AdmDivCode"][:6],
        "StYear": envelope["StYear"],
    }


def _outer(envelope: Mapping[str, str]) -> tuple[str, str]:
    attributes = "".join(f' {name}="{escape_attribute(envelope[name])}"' for name in KEY_NAMES)
    fields = [("VoucherFlag", envelope.get("VoucherFlag") or "0")]
    fields += [(name, envelope.get(name, "")) for name in BODY_NAMES[1:]]
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields)
    opening = f"{_DECLARATION}<MOF><VoucherCount>1</VoucherCount><VoucherBody{attributes}>{body}<Voucher>"
    return opening, "</Voucher></VoucherBody></MOF>"


def _fault(name: str, zh: str, en: str) -> Fault:
    path = f"MOF/VoucherBody/{name}"
    return Fault("mof.envelope", path, zh, en, "10003", path)
