"""Files of real issuers, byte for byte (they lie beside the project, never in it)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.digests import sm3_hex
from gateway.invoices import Kind, SealState, Source, inspect_invoice
from gateway.invoices.limits import LIMITS
from gateway.invoices.model import worst
from gateway.invoices.ofd import read_ofd
from gateway.invoices.package import Package

from .making import AT, SIGNATURE, VALUE, pack, unpack

Read = Callable[[str], bytes]
SEALED = ("v4signed", "999")


@pytest.mark.parametrize("name", SEALED)
def test_the_seal_of_a_real_invoice_is_intact_and_its_root_unknown(real_file: Read, name: str) -> None:
    data = real_file(f"invoices/{name}.ofd")
    found = inspect_invoice(data, AT)
    assert (found.kind, found.digest, found.needs_person) == (Kind.OFD, sm3_hex(data), False)
    (seal,) = found.seals
    assert found.seal_state is seal.state is SealState.ROOT_UNKNOWN
    assert seal.version == 4 and "统一发票监制章" in seal.name and "税务测试CA2" in seal.issuer
    # The signature's own three files cannot be covered; 999 was changed in OFD.xml to name its signature.
    left = unpack(data).keys() - seal.covers - {SIGNATURE, VALUE, "Doc_0/Signs/Signatures.xml"}
    assert left == (set() if name == "v4signed" else {"OFD.xml"})


@pytest.mark.parametrize("name", SEALED)
def test_one_flipped_byte_in_every_signed_entry_of_a_real_invoice_is_found(
    real_file: Read, name: str
) -> None:
    parts = unpack(real_file(f"invoices/{name}.ofd"))
    (seal,) = inspect_invoice(pack(parts), AT).seals
    assert seal.state is SealState.ROOT_UNKNOWN and len(seal.covers) >= 13
    for entry in sorted([*seal.covers, SIGNATURE, VALUE]):
        for at in (0, len(parts[entry]) // 2, len(parts[entry]) - 1):
            changed = bytearray(parts[entry])
            changed[at] ^= 0x01
            package = Package(pack(parts | {entry: bytes(changed)}), LIMITS)
            content, _ = read_ofd(package, (), AT)  # without the pictures: they are not what is looked at
            assert worst(content.seals) is SealState.BROKEN, (entry, at)
            assert any(entry in one.places for one in content.seals), (entry, at)


def test_every_source_of_a_real_ofd_tells_the_same_invoice(real_file: Read) -> None:
    found = inspect_invoice(real_file("invoices/999.ofd"), AT)
    assert [reading.source for reading in found.readings] == [
        Source.CLASSIC, Source.TAGS, Source.QR_TEXT, Source.QR_IMAGE, Source.PAGE_TEXT, Source.CUSTOM_DATA,
    ]  # fmt: skip
    lines = [len(reading.record.get("Items", {}).get("Item", [])) for reading in found.readings]
    assert lines == [100, 100, 0, 0, 0, 0]
    assert {"InvoiceCode": "050001700111", "InvoiceNo": "12235358", "IssueDate": "20200805", "AmountWithTax": "10600.00",
            "AmountWithoutTax": "10000.00", "TaxAmount": "600.00", "InvoiceKind": "10", "SellerName": "财天下科技有限公司",
            }.items() <= found.invoice.items()  # fmt: skip
    assert "BuyerTaxNo" not in found.invoice
    assert next(one.words for one in found.readings if one.source is Source.PAGE_TEXT) == "壹万零陆佰圆整"
    # The one thing that is wrong with it is real: its seller's code has a wrong check digit.
    assert [(fault.code, fault.found) for fault in found.faults] == [
        ("invoice.check-digit", "91500102563638729E")
    ]


def test_the_invalid_codes_of_a_real_sample_are_named(real_file: Read) -> None:
    found = inspect_invoice(real_file("invoices/v4signed.ofd"), AT)
    assert {fault.found for fault in found.faults} == {"91500106MA2CE71F65", "9150010807MGZHI002"}
    qr = [reading for reading in found.readings if reading.source is Source.QR_IMAGE]
    assert qr[0].record["QrText"].endswith(",E400,") and qr[0].place == "Doc_0/Res/qr.png"


def test_a_real_e_invoice_in_xml_is_read_and_its_signature_left_open(real_file: Read) -> None:
    found = inspect_invoice(real_file("invoices/einvoice-demo.xml"), AT)
    assert (found.kind, found.seal_state) == (Kind.E_INVOICE, SealState.UNVERIFIABLE)
    assert "not published" in found.seals[0].why[1]
    assert {"EInvoiceNo": "01234567890123456789", "InvoiceKind": "31", "IssueDate": "20240124", "RedFlag": "0",
            "AmountWithTax": "16000.00"}.items() <= found.invoice.items()  # fmt: skip
    assert {fault.code for fault in found.faults} == {"invoice.check-digit"}
    assert {fault.code for fault in found.warnings} == {"invoice.year", "invoice.seal-cannot-be-verified"}
