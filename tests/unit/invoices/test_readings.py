"""What is read from where: every source of data, in the words of message 3002."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gateway.invoices import Inspection, Kind, SealState, Source, inspect_invoice
from gateway.standard import checks

from .making import (
    AT,
    BUYER,
    E_NO,
    OFD_NS,
    SELLER,
    classic,
    e_invoice,
    entries,
    listing,
    pack,
    pdf,
    stream,
    text_pdf,
    unpack,
)  # fmt: skip

QR = "01,10,031002600111,12345678,100.00,20260630,12345678901234567890,"
QR_TEXT = QR + checks.qr_crc(QR) + ","
PAGE = (
    "电子发票（增值税专用发票）\n发票号码： 26312000000000000017\n开票日期： 2026年06月30日\n"
    "合 计 ¥100.00 ¥9.00\n价税合计（大写） 壹佰零玖圆整 （小写） ¥109.00"
)


def inspect(data: bytes) -> Inspection:
    return inspect_invoice(data, AT)


def codes(found: Inspection) -> list[str]:
    return [fault.code for fault in (*found.faults, *found.warnings)]


def picture(text: str = "", form: str = "PNG", size: int = 3) -> bytes:
    """A picture with this QR code, or of one colour."""
    buffer = io.BytesIO()
    if text:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=size)
        image = Image.frombuffer("L", (code.shape[1], code.shape[0]), bytes(memoryview(code)))
    else:
        image = Image.new("L", (60, 40), 200)
    image.save(buffer, form)
    return buffer.getvalue()


def with_picture(parts: dict[str, bytes], data: bytes) -> dict[str, bytes]:
    media = '<ofd:MultiMedias><ofd:MultiMedia ID="6" Type="Image"><ofd:MediaFile>qr.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>'
    resources = f'<ofd:Res {OFD_NS} BaseLoc="Res">{media}</ofd:Res>'.encode()
    return parts | {"Doc_0/DocumentRes.xml": resources, "Doc_0/Res/qr.png": data}


def test_an_e_invoice_in_xml_is_read_whole() -> None:
    found = inspect(e_invoice())
    assert (found.kind, found.faults, found.warnings, found.needs_person) == (Kind.E_INVOICE, (), (), False)
    assert found.invoice == {
        "IssueDate": "20260630", "SellerTaxNo": SELLER, "SellerName": "上海路桥（集团）有限公司", "BuyerTaxNo": BUYER,
        "BuyerName": "上海市道路运输管理局", "AmountWithoutTax": "100.00", "TaxAmount": "9.00",
        "AmountWithTax": "109.00", "InvoiceKind": "31", "RedFlag": "0", "EInvoiceNo": E_NO,
        "Items": {"Item": [{"ItemName": "*建筑服务*道路养护", "Quantity": "4", "UnitPrice": "25", "Amount": "100.00",
                            "TaxRate": "0.09", "TaxAmount": "9.00"}]},
    }  # fmt: skip
    assert set(found.origin.values()) == {"e-invoice-xml"} and found.readings[0].words == "壹佰零玖圆整"


def test_a_classic_invoice_in_xml_is_read_with_its_qr_text() -> None:
    found = inspect(classic(QR_TEXT))
    assert (found.kind, codes(found)) == (Kind.CLASSIC, [])
    assert [reading.source for reading in found.readings] == [Source.CLASSIC, Source.QR_TEXT]
    assert (found.invoice["InvoiceKind"], found.origin["InvoiceKind"]) == ("10", "classic-xml#QrText")
    assert found.invoice["InvoiceCode"] == "031002600111" and "BuyerTaxNo" not in found.invoice


def test_a_byte_order_mark_and_gbk_do_not_hide_an_invoice() -> None:
    assert inspect(b"\xef\xbb\xbf" + e_invoice()).kind is Kind.E_INVOICE
    gbk = e_invoice().decode().replace('encoding="utf-8"', 'encoding="GBK"').encode("gbk")
    assert inspect(gbk).invoice == inspect(e_invoice()).invoice


def test_an_attached_invoice_is_read_from_an_ofd() -> None:
    found = inspect(pack(entries(classic(QR_TEXT))))
    assert (found.kind, codes(found), found.needs_person) == (Kind.OFD, [], False)
    assert found.origin["InvoiceNo"] == "Doc_0/Attachs/original_invoice.xml"


def test_custom_data_are_read_from_an_ofd() -> None:
    custom = {"发票号码": E_NO, "开票日期": "2026年06月30日", "合计金额": "100.00", "合计税额": "9.00", "销售方纳税人识别号": SELLER,
              "购买方纳税人识别号": BUYER, "template-version": "1.0"}  # fmt: skip
    found = inspect(pack(entries(custom=custom)))
    assert found.invoice == {
        "EInvoiceNo": E_NO, "IssueDate": "20260630", "AmountWithoutTax": "100.00", "TaxAmount": "9.00",
        "SellerTaxNo": SELLER, "BuyerTaxNo": BUYER,
    }  # fmt: skip
    assert set(found.origin.values()) == {"OFD.xml"} and codes(found) == ["invoice.incomplete"]


def tagged(tags: str, texts: Mapping[int, str]) -> bytes:
    """A package whose tags point at text objects of its page."""
    objects = "".join(
        f'<ofd:TextObject ID="{number}"><ofd:TextCode>{text[:1]}</ofd:TextCode><ofd:TextCode>{text[1:]}</ofd:TextCode></ofd:TextObject>'
        for number, text in texts.items()
    )
    return pack(
        entries()
        | {
            "Doc_0/Tags/CustomTags.xml": listing("CustomTags", "CustomTag", ["Tag_Invoice.xml"]),
            "Doc_0/Tags/Tag_Invoice.xml": f"<fp:eInvoice xmlns:fp='urn:any'>{tags}</fp:eInvoice>".encode(),
            "Doc_0/Pages/Page_0/Content.xml": f"<ofd:Page {OFD_NS}><ofd:Content><ofd:Layer>{objects}</ofd:Layer></ofd:Content></ofd:Page>".encode(),
        }
    )


def tag(name: str, *numbers: int) -> str:
    refs = "".join(f'<fp:ObjectRef PageRef="1">{number}</fp:ObjectRef>' for number in numbers)
    return f"<fp:{name}>{refs}</fp:{name}>"


def test_tags_lead_to_the_text_on_the_page() -> None:
    tags = (
        tag("InvoiceNo", 1) + tag("IssueDate", 2) + f"<fp:Seller>{tag('SellerName', 3, 4)}</fp:Seller>"
        + tag("TaxExclusiveTotalAmount", 5) + tag("TaxTotalAmount", 6) + tag("TaxInclusiveTotalAmount", 7)
        + tag("Item", 8, 9) + tag("Amount", 10, 11) + tag("TaxAmount", 12, 13) + tag("Price", 14)
    )  # fmt: skip
    texts = {1: E_NO, 2: "2026年06月30日", 3: "上海路桥", 4: "有限公司", 5: "¥100.00", 6: "¥9.00", 7: "¥109.00", 8: "道路", 9: "桥梁",
             10: "60.00", 11: "40.00", 12: "5.40", 13: "3.60", 14: "1"}  # fmt: skip
    found = inspect(tagged(tags, texts))
    assert [reading.source for reading in found.readings] == [Source.TAGS] and not codes(found)
    assert found.invoice["EInvoiceNo"] == E_NO and found.invoice["SellerName"] == "上海路桥有限公司"
    # The price has one text for two lines: nothing says whose it is, so it is left out.
    assert found.invoice["Items"]["Item"] == [
        {"ItemName": "道路", "Amount": "60.00", "TaxAmount": "5.40"},
        {"ItemName": "桥梁", "Amount": "40.00", "TaxAmount": "3.60"},
    ]


def test_lines_that_two_sources_tell_differently_are_named() -> None:
    texts = {1: "餐费", 2: "99.00", 3: "6.00"}
    group = f"<fp:GoodsInfos><fp:GoodsInfo>{tag('Item', 1)}{tag('Amount', 2)}{tag('TaxAmount', 3)}</fp:GoodsInfo></fp:GoodsInfos>"
    parts = unpack(tagged(group, texts)) | {
        name: data for name, data in entries(classic()).items() if "Attachs" in name
    }
    assert [(fault.code, fault.path) for fault in inspect(pack(parts)).faults] == [
        ("invoice.sources-differ", "Doc_0/Tags/Tag_Invoice.xml#Items")
    ]
    same = unpack(tagged(group, {**texts, 2: "100.00"})) | {
        name: parts[name] for name in parts if "Attachs" in name
    }
    assert not inspect(pack(same)).faults


def test_xml_without_a_number_or_total_is_no_sound_invoice() -> None:
    found = inspect(b"<EInvoice/>")
    lacking = [(one.code, one.path) for one in found.faults]
    assert lacking == [("invoice.incomplete", "InvoiceNo"), ("invoice.incomplete", "AmountWithTax")]
    assert found.needs_person and not found.warnings
    assert not codes(inspect(e_invoice()))


def test_a_page_without_a_number_or_total_is_left_to_a_person() -> None:
    """It may be anything: nothing says that it is wrong."""
    found = inspect(pack(entries()))
    assert found.needs_person and not found.faults
    assert [one.path for one in found.warnings] == ["InvoiceNo", "AmountWithTax"]


def test_the_total_in_words_on_a_page_is_held_against_the_figures() -> None:
    tags = tag("TaxInclusiveTotalAmount", 1)
    for words, wanted in (("壹佰零玖圆整", []), ("壹佰玖拾圆整", ["invoice.words"])):
        assert codes(inspect(tagged(tags, {1: "109.00", 2: words}))) == [*wanted, "invoice.incomplete"]


def test_a_qr_code_in_a_picture_is_read_and_held_against_the_data() -> None:
    found = inspect(pack(with_picture(entries(classic()), picture(QR_TEXT))))
    assert found.readings[-1].source is Source.QR_IMAGE and not codes(found)
    other = QR.replace("12345678,100", "87654321,100")
    forged = inspect(pack(with_picture(entries(classic()), picture(other + checks.qr_crc(other)))))
    assert [(fault.path, fault.expected, fault.found) for fault in forged.faults] == [
        ("Doc_0/Res/qr.png#InvoiceNo", "12345678", "87654321")
    ]


def test_a_qr_text_with_a_wrong_crc_or_of_another_form_is_a_warning() -> None:
    assert codes(inspect(classic(QR + "0000,"))) == ["invoice.qr-crc"]
    assert codes(inspect(classic("https://example.org/x"))) == ["invoice.qr-form"]
    assert codes(inspect(classic("01," + "9" * 400))) == ["invoice.qr-form"]


def test_the_qr_amount_of_a_digital_invoice_is_with_tax() -> None:
    text = f"01,31,,{E_NO},109.00,20260630,,"
    found = inspect(picture(text + checks.qr_crc(text)))
    assert found.invoice["AmountWithTax"] == "109.00" and "AmountWithoutTax" not in found.invoice
    assert (found.invoice["EInvoiceNo"], "InvoiceCode" in found.invoice) == (E_NO, False)


@pytest.mark.parametrize(("form", "kind"), [("PNG", Kind.PNG), ("JPEG", Kind.JPEG)])
def test_a_scan_is_accepted_and_marked_for_a_person(form: str, kind: Kind) -> None:
    plain = inspect(picture(form=form))
    assert (plain.kind, plain.is_scan, plain.needs_person, plain.faults, plain.invoice) == (
        kind,
        True,
        True,
        (),
        {},
    )
    assert plain.seal_state is SealState.NOT_SEALED
    coded = inspect(picture(QR_TEXT, form))
    assert coded.needs_person and coded.invoice["InvoiceNo"] == "12345678"


def test_a_damaged_scan_is_still_a_scan_for_a_person() -> None:
    found = inspect(picture()[:60])
    assert (found.is_scan, found.needs_person, codes(found)) == (True, True, ["invoice.picture"])


def test_the_text_layer_of_a_pdf_is_read() -> None:
    found = inspect(text_pdf(PAGE))
    assert (found.kind, found.is_scan, found.needs_person, codes(found)) == (Kind.PDF, False, False, [])
    assert found.invoice == {
        "EInvoiceNo": E_NO, "IssueDate": "20260630", "AmountWithTax": "109.00", "AmountWithoutTax": "100.00",
        "TaxAmount": "9.00",
    }  # fmt: skip
    assert found.readings[0].words == "壹佰零玖圆整"


def test_a_number_that_a_text_layer_writes_in_two_ways_is_not_guessed() -> None:
    found = inspect(text_pdf(PAGE + "\n发票号码：26312000000000000018"))
    assert "EInvoiceNo" not in found.invoice


def test_xml_attached_to_a_pdf_is_believed_before_its_text() -> None:
    found = inspect(
        text_pdf(PAGE.replace("00017", "00018"), {"invoice.xml": e_invoice(), "note.txt": b"hello"})
    )
    assert (found.invoice["EInvoiceNo"], found.origin["EInvoiceNo"]) == (E_NO, "invoice.xml")
    assert [(fault.code, fault.path) for fault in found.faults] == [
        ("invoice.sources-differ", "text#EInvoiceNo")
    ]


def scanned_pdf(data: bytes) -> bytes:
    image = stream(
        data,
        "/Type /XObject /Subtype /Image /Width 60 /Height 40 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode",
    )
    return pdf(
        {
            1: "<< /Type /Catalog /Pages 2 0 R >>",
            2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
            4: stream(b"q 60 0 0 40 0 0 cm /I Do Q"),
            5: image,
        }
    )


def test_a_pdf_without_text_is_a_scan_and_its_pictures_qr_code_is_read() -> None:
    found = inspect(scanned_pdf(picture(form="JPEG")))
    assert (found.kind, found.is_scan, found.needs_person, codes(found)) == (Kind.PDF, True, True, [])
    coded = inspect(scanned_pdf(picture(QR_TEXT, "JPEG", 6)))
    assert coded.needs_person and (coded.invoice["InvoiceNo"], coded.origin["InvoiceNo"]) == (
        "12345678",
        "page 1",
    )


def test_a_signed_pdf_is_said_to_be_unverified() -> None:
    assert (
        inspect(text_pdf(PAGE, extra="/Perms << /ByteRange [0 1 2 3] >>")).seal_state
        is SealState.UNVERIFIABLE
    )


def test_the_kind_is_told_by_the_content_and_never_by_a_name() -> None:
    known = {Kind.OFD: pack(entries()), Kind.PDF: text_pdf(PAGE), Kind.PNG: picture(), Kind.E_INVOICE: e_invoice(),
             Kind.UNKNOWN: pack({"invoice.txt": b"x"})}  # fmt: skip
    for kind, data in known.items():
        assert inspect(data).kind is kind
    for data in (b"", b"hello", b"<a/>", b"\xff\xfe<\x00", b"GIF89a"):
        found = inspect(data)
        assert found.kind is Kind.UNKNOWN and found.needs_person and found.faults


@settings(deadline=None)  # what begins like a PDF or a picture starts a process
@given(st.binary(max_size=300))
def test_any_bytes_are_inspected_without_raising(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"<EInvoice>"):
        found = inspect(start + data)
        assert found.needs_person and (found.faults or found.warnings)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), st.binary(max_size=8))
def test_a_damaged_package_is_inspected_without_raising(at: int, cut: int, junk: bytes) -> None:
    data = pack(entries(classic(QR_TEXT)), method=0)
    start = at % len(data)
    inspect(data[:start] + junk + data[start + cut :])
