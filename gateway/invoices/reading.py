"""What a file is, told by its content, and the reader of that kind. The name of a file is never asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lxml import etree

from gateway.errors import Fault, MessageError
from gateway.invoices.contained import read_contained
from gateway.invoices.limits import Limits, over
from gateway.invoices.model import Content, Kind, Reading, Seal, SealState, Source
from gateway.invoices.ofd import ROOT, read_ofd
from gateway.invoices.package import Package
from gateway.invoices.pdf import read_pdf
from gateway.invoices.qrtext import read_qr_text
from gateway.invoices.xmlforms import kind_of_root, parse_xml, read_xml, text_at
from gateway.security.certificate import Certificate

_BLANK = b"\xef\xbb\xbf \t\r\n"
_MAGIC = (
    (b"PK\x03\x04", Kind.OFD),
    (b"%PDF-", Kind.PDF),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
)
# Where an invoice in XML holds its issuer's signature, and why it stays unverified.
_SIGNATURES: dict[Kind, str] = {
    Kind.E_INVOICE: "TaxBureauSignature/SignatureValue",
    Kind.CLASSIC: "Signature",
}
_NO_CANON = "签名的规范化形式未公布", "the canonical form that the signature covers is not published"


def kind_by_magic(data: bytes) -> Kind:
    """By the first bytes: a ZIP may prove to be no OFD, and XML is told by its root, once they are read."""
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), Kind.UNKNOWN)


def read_file(
    data: bytes, roots: Sequence[Certificate], at: datetime, limits: Limits
) -> tuple[Kind, Content]:
    """MessageError for what cannot be read at all."""
    if len(data) > limits.file_bytes:
        most = limits.file_bytes
        raise over("large", f"文件超过 {most} 字节", f"the file is larger than {most} bytes")
    kind = kind_by_magic(data)
    if kind is Kind.OFD:
        return _read_package(data, roots, at, limits)
    if kind is Kind.PDF:
        return kind, read_pdf(data, limits)
    if kind in (Kind.JPEG, Kind.PNG):
        readings, warnings = _read_pixels([(kind.value, data)], limits)
        return kind, Content(tuple(readings), warnings=tuple(warnings), is_scan=True)
    if data.lstrip(_BLANK).startswith(b"<"):
        return _read_xml(parse_xml(data, ""), limits)
    return kind, _not_an_invoice()


def _read_xml(root: etree._Element, limits: Limits) -> tuple[Kind, Content]:
    kind = kind_of_root(root)
    if kind is Kind.UNKNOWN:
        return kind, _not_an_invoice()
    readings, warnings = _with_qr_texts(read_xml(root, kind.value, limits))
    seals: tuple[Seal, ...] = ()
    if text_at(root, _SIGNATURES[kind]):
        seals = (Seal(SealState.UNVERIFIABLE, _SIGNATURES[kind].partition("/")[0], (), _NO_CANON),)
    return kind, Content(tuple(readings), seals, (), tuple(warnings))


def _read_package(
    data: bytes, roots: Sequence[Certificate], at: datetime, limits: Limits
) -> tuple[Kind, Content]:
    package = Package(data, limits)
    if package.find(ROOT) is None:
        return Kind.UNKNOWN, _not_an_invoice()
    content, images = read_ofd(package, roots, at)
    readings, warnings = _with_qr_texts(content.readings)
    pictures: list[tuple[str, bytes]] = []
    for image in images:
        try:
            pictures.append((image, package.read(image)))
        except MessageError as error:
            warnings.extend(error.faults)
    in_pictures, odd = _read_pixels(pictures, limits)
    return Kind.OFD, replace(
        content,
        readings=(*readings, *in_pictures),
        warnings=(*content.warnings, *warnings, *odd),
    )


def _with_qr_texts(readings: Sequence[Reading]) -> tuple[list[Reading], list[Fault]]:
    """The readings, and those of the QR texts that they hold as text."""
    found, warnings = list(readings), []
    for reading in readings:
        if text := reading.record.get("QrText"):
            in_text, odd = read_qr_text(text, Source.QR_TEXT, f"{reading.place}#QrText")
            found.extend([in_text] if in_text else [])
            warnings.extend([odd] if odd else [])
    return found, warnings


def _read_pixels(pictures: list[tuple[str, bytes]], limits: Limits) -> tuple[list[Reading], list[Fault]]:
    """The QR codes in pictures: (place, bytes). A picture that cannot be read is a warning: it is a scan that
    a person looks at anyhow, or a part of an invoice that has its data elsewhere."""
    readings: list[Reading] = []
    warnings: list[Fault] = []
    if not pictures:
        return readings, warnings
    try:
        answer = read_contained("images", [data for _, data in pictures], limits)
    except MessageError as error:
        return readings, list(error.faults)
    for (place, _), picture in zip(pictures, answer["images"], strict=True):
        if picture["fault"]:
            zh, en = "图片无法读取", "the picture cannot be read"
            warnings.append(Fault("invoice.picture", place, zh, en, "30010", found=picture["fault"]))
        for text in picture["texts"]:
            reading, odd = read_qr_text(text, Source.QR_IMAGE, place)
            readings.extend([reading] if reading else [])
            warnings.extend([odd] if odd else [])
    return readings, warnings


def _not_an_invoice() -> Content:
    zh, en = "不是可识别的发票文件", "is no file of an invoice that this reader knows"
    return Content(faults=(Fault("invoice.unknown-kind", "", zh, en, "30010"),))
