"""The text of an invoice's QR code: `01,<kind>,<code>,<number>,<amount>,<yyyyMMdd>,<check code>,<CRC>[,]`.

Of a classic invoice the amount is without tax, of a 数电票 (kinds 31, 32) with tax and its code is empty.
The CRC was verified on classic invoices only, so on a 数电票 a wrong one is a warning.
"""

from __future__ import annotations

from gateway.errors import Fault
from gateway.invoices import fields
from gateway.invoices.model import Reading, Source
from gateway.standard import checks

DIGITAL = ("31", "32")
_MAX_CHARS = 200


def read_qr_text(text: str, source: Source, place: str) -> tuple[Reading | None, Fault | None]:
    """The reading, and what is wrong with the text. A text of another form gives no reading."""
    text = text.strip()
    parts = text.rstrip(",").split(",")
    if len(text) > _MAX_CHARS or len(parts) not in (7, 8) or parts[0] != "01":
        return None, _fault(
            "invoice.qr-form", place, "二维码文本不是发票格式", "the QR text is not an invoice's"
        )
    _, kind, code, number, amount, day, check, *_ = parts
    total = "AmountWithTax" if kind in DIGITAL else "AmountWithoutTax"
    raw = {
        "InvoiceKind": kind, "InvoiceCode": code, "InvoiceNo": number, total: amount, "IssueDate": day,
        "CheckCode": check,
    }  # fmt: skip
    reading = Reading(source, place, {**fields.clean(raw), "QrText": text})
    if checks.is_qr_text(text):
        return reading, None
    return reading, _fault(
        "invoice.qr-crc", place, "二维码文本的 CRC-16 不符", "the QR text's CRC-16 is wrong"
    )


def _fault(code: str, place: str, zh: str, en: str) -> Fault:
    return Fault(code, place, zh, en, "30001")
