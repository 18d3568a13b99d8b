"""The data of a PDF invoice: attached XML, QR codes in its pictures, and what its text layer says plainly.

A text layer is words in the order of drawing, not a form: only what stands right behind its caption is taken.
Names and tax numbers of the parties are left to the other sources, since nothing in the text says whose they
are. PDF signatures are not verified here, and said so.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from gateway.errors import Fault, MessageError
from gateway.invoices import fields, values
from gateway.invoices.contained import read_contained
from gateway.invoices.limits import Limits
from gateway.invoices.model import Content, Reading, Seal, SealState, Source
from gateway.invoices.qrtext import read_qr_text
from gateway.invoices.xmlforms import parse_xml, read_xml

# Possessive: a page of blanks must not be tried in every split.
_GAP = r"\s*+(?:[:：]\s*+)?"
_MONEY = r"[¥￥]\s*(-?[0-9][0-9,]{0,17}\.[0-9]{2})"
# field ← the caption and what follows it; a text that has it twice, differently, tells nothing
_CAPTIONS: dict[str, re.Pattern[str]] = {
    "InvoiceNo": re.compile(rf"发票号码{_GAP}([0-9]{{20}}|[0-9]{{8}})(?![0-9])"),
    "InvoiceCode": re.compile(rf"发票代码{_GAP}([0-9]{{12}}|[0-9]{{10}})(?![0-9])"),
    "IssueDate": re.compile(rf"开票日期{_GAP}([0-9]{{4}}\s?年\s?[0-9]{{1,2}}\s?月\s?[0-9]{{1,2}}\s?日)"),
    "CheckCode": re.compile(rf"校\s?验\s?码{_GAP}((?:[0-9]{{5}}\s?){{4}})(?![0-9])"),
    "AmountWithTax": re.compile(rf"[(（]小写[)）]{_GAP}{_MONEY}"),
}
_TOTALS = re.compile(rf"(?<!税)合\s*计\s*{_MONEY}\s*{_MONEY}")
_WORDS = re.compile(rf"[(（]大写[)）]{_GAP}([⊗ⓧ×(（)）负零壹贰叁肆伍陆柒捌玖拾佰仟万亿元圆角分整正]{{2,60}})")
# A scan's text layer is at most a stamp or a page number.
_SCAN_LETTERS = 20


def read_pdf(data: bytes, limits: Limits) -> Content:
    """MessageError for a PDF that cannot be read within its bounds."""
    answer = read_contained("pdf", [data], limits)
    if answer["encrypted"]:
        raise MessageError.of("invoice.encrypted", "PDF 已加密", "the PDF is encrypted", result="10001")
    readings: list[Reading] = []
    faults: list[Fault] = []
    warnings: list[Fault] = []
    for attached in answer["attachments"]:
        _read_attached(attached, limits, readings, faults)
    for picture in answer["images"]:
        for text in picture["texts"]:
            reading, warning = read_qr_text(text, Source.QR_IMAGE, f"page {picture['page']}")
            readings.extend([reading] if reading else [])
            warnings.extend([warning] if warning else [])
    text = "\n".join(answer["pages"])
    if (reading := read_page_text(text)) is not None:
        readings.append(reading)
    if answer["page_count"] > limits.pages:
        zh, en = f"只读了前 {limits.pages} 页", f"only the first {limits.pages} pages were read"
        warnings.append(Fault("invoice.many-pages", "", zh, en, "10002"))
    letters = sum(not letter.isspace() for letter in text)
    return Content(
        tuple(readings), _signature(data), tuple(faults), tuple(warnings), is_scan=letters < _SCAN_LETTERS
    )


def read_page_text(text: str) -> Reading | None:
    """What a text layer says; None if nothing."""
    raw: dict[str, str] = {}
    for field, caption in _CAPTIONS.items():
        found = set(caption.findall(text))
        if len(found) == 1:
            raw[field] = "".join(found.pop().split())
    totals = set(_TOTALS.findall(text))
    if len(totals) == 1:
        raw["AmountWithoutTax"], raw["TaxAmount"] = totals.pop()
    words = _WORDS.search(text)
    record = fields.clean(raw)
    said = words[1] if words and values.words_fen(words[1]) is not None else ""
    return Reading(Source.PAGE_TEXT, "text", record, said) if record else None


def _read_attached(
    attached: dict[str, Any], limits: Limits, readings: list[Reading], faults: list[Fault]
) -> None:
    data = base64.b64decode(attached["data"])
    try:
        readings.extend(read_xml(parse_xml(data, attached["name"]), attached["name"], limits))
    except MessageError as error:
        faults.extend(error.faults)


def _signature(data: bytes) -> tuple[Seal, ...]:
    """ISO 32000 12.8: a signature dictionary has a ByteRange, and is not compressed."""
    if b"/ByteRange" not in data:
        return ()
    why = "PDF 签名不在此验证", "PDF signatures are not verified here"
    return (Seal(SealState.UNVERIFIABLE, "PDF", (), why),)
