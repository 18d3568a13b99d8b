"""E-invoices and scans for the cases: small files with the right first bytes and contents of their own."""

from __future__ import annotations

import io
import secrets
import zipfile
from dataclasses import dataclass

from gateway import clock
from gateway.digests import sm3_hex
from gateway.sandbox import numbers

OFD, PDF, SCAN = "01", "03", "04"
_LARGE_BYTES = 2_300_000  # more than one block of the voucher store


@dataclass(frozen=True, slots=True)
class File:
    """`digest` is the SM3 of the content, hex; `kind` a code of CT-FILETYPE."""

    id: str
    name: str
    kind: str
    data: bytes

    @property
    def digest(self) -> str:
        return sm3_hex(self.data)


def new_file_id() -> str:
    return f"FILE-{clock.d8()}-{numbers.digits(8)}"


def invoice_ofd(number: str, amount: str) -> File:
    """An OFD package (GB/T 33190) with the custom data of a fully digital invoice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(
            "OFD.xml",
            '<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" DocType="OFD">'
            f"<ofd:DocBody><ofd:DocInfo><ofd:DocID>{secrets.token_hex(16)}</ofd:DocID><ofd:CustomDatas>"
            f'<ofd:CustomData Name="发票号码">{number}</ofd:CustomData>'
            f'<ofd:CustomData Name="价税合计">{amount}</ofd:CustomData>'
            "</ofd:CustomDatas></ofd:DocInfo></ofd:DocBody></ofd:OFD>",
        )
    return File(new_file_id(), f"数电票{number}.ofd", OFD, buffer.getvalue())


def scan_of(number: str) -> File:
    """A scanned paper invoice; large enough to travel in several blocks."""
    pixels = secrets.token_bytes(_LARGE_BYTES)
    return File(new_file_id(), f"发票扫描件{number}.png", SCAN, b"\x89PNG\r\n\x1a\n" + pixels)


def certificate_pdf() -> File:
    """A payment certificate 计量支付证书."""
    return File(
        new_file_id(), "计量支付证书.pdf", PDF, b"%PDF-1.7\n" + secrets.token_bytes(30_000) + b"\n%%EOF"
    )
