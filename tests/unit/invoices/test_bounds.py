"""Nothing in a file hangs or exhausts the reader: for every bound a file that breaks it."""

from __future__ import annotations

import dataclasses
import io
import struct
import time
import zipfile
import zlib
from contextlib import nullcontext

import pytest

from gateway.invoices import Inspection, SealState, inspect_invoice
from gateway.invoices.limits import LIMITS, Limits
from gateway.invoices.pdf import read_page_text

from .making import (
    AT,
    OFD_NS,
    SIGNATURE,
    VALUE,
    Issuer,
    SealForm,
    classic,
    e_invoice,
    entries,
    listing,
    manifest_of,
    pack,
    pdf,
    seal,
    signed_value,
    stream,
    text_pdf,
)

LONGEST_S = 20.0  # of a machine that does much else; what is not bounded takes minutes or for ever


def inspect(data: bytes, limits: Limits = LIMITS) -> Inspection:
    """Nothing raises, and nothing takes long."""
    started = time.monotonic()
    found = inspect_invoice(data, AT, limits=limits)
    assert time.monotonic() - started < LONGEST_S
    return found


def refusal(data: bytes, **bounds: float) -> str:
    """The code of the one fault; what is unread is neither sealed nor without a seal."""
    found = inspect(data, dataclasses.replace(LIMITS, **bounds))
    assert found.needs_person and len(found.faults) == 1, found.faults
    assert found.seal_state is SealState.UNVERIFIABLE
    return found.faults[0].code


# -- the file and the package


def test_a_file_has_a_largest_size() -> None:
    data = pack(entries())
    assert refusal(data, file_bytes=len(data) - 1) == "invoice.too-large"
    assert not inspect(data, Limits(file_bytes=len(data))).faults


def test_a_package_has_a_largest_number_of_entries() -> None:
    many = {f"Doc_0/{number}.xml": b"" for number in range(LIMITS.entries)}
    assert refusal(pack(entries() | many)) == "invoice.too-many-entries"


def test_a_directory_that_lies_about_its_entries_is_measured_too() -> None:
    many = {f"Doc_0/{'x' * 400}{number}.xml": b"" for number in range(3_000)}
    data = bytearray(pack(entries() | many))
    data[-14:-10] = struct.pack("<HH", 6, 6)  # it says that there are six
    assert refusal(bytes(data)) == "invoice.too-many-entries"


def test_zip64_is_refused_before_its_numbers_are_believed() -> None:
    data = pack(entries())
    locator = b"PK\x06\x07" + b"\0" * 16
    assert refusal(data[:-22] + locator + data[-22:]) == "invoice.too-many-entries"


def test_an_entry_and_all_entries_have_a_largest_size() -> None:
    grown = pack(entries() | {"Doc_0/a.xml": bytes(range(256)) * 100, "Doc_0/b.xml": bytes(range(256)) * 100})
    assert refusal(grown, entry_bytes=25_000) == "invoice.too-large"
    assert refusal(grown, total_bytes=40_000) == "invoice.too-large"


def test_a_zip_bomb_is_not_unpacked() -> None:
    assert refusal(pack(entries() | {"Doc_0/a.xml": b"\0" * 10_000_000})) == "invoice.too-dense"


def test_an_entry_that_unpacks_to_more_than_it_says_is_cut_there() -> None:
    data = bytearray(
        pack(entries() | {"OFD.xml": b" " * 1_000_000 + entries()["OFD.xml"]}, zipfile.ZIP_DEFLATED)
    )
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"OFD.xml")) + 24
    data[at : at + 4] = struct.pack("<I", 500)
    found = inspect(bytes(data))
    assert [fault.code for fault in found.faults] == ["invoice.package"]


@pytest.mark.parametrize("name", ["OFD.xml", "ofd.XML"])
def test_two_entries_of_one_name_are_refused(name: str) -> None:
    buffer = io.BytesIO(pack(entries()))
    warned = pytest.warns(UserWarning) if name == "OFD.xml" else nullcontext()
    with zipfile.ZipFile(buffer, "a") as package, warned:
        package.writestr(name, b"<a/>")
    assert refusal(buffer.getvalue()) == "invoice.package"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_of_packing_whose_memory_has_no_bound_are_refused(method: int) -> None:
    assert refusal(pack(entries(), method)) == "invoice.package"


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(pack(entries()))
    data[data.find(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data)) == "invoice.package"


# -- XML


LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><EInvoice>&b;</EInvoice>'


def test_entities_are_refused_wherever_xml_stands() -> None:
    for data in (
        LAUGHS,
        pack(entries(LAUGHS)),
        pack(entries() | {"OFD.xml": LAUGHS}),
        text_pdf("x" * 40, {"a.xml": LAUGHS}),
    ):
        assert "xml.dtd" in [fault.code for fault in inspect(data).faults]


def test_an_external_entity_is_not_fetched() -> None:
    data = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EInvoice><Header><EIid>&x;</EIid></Header></EInvoice>'
    found = inspect(data)
    assert [fault.code for fault in found.faults] == ["xml.dtd"] and not found.invoice


def test_xml_has_a_largest_depth_count_and_size() -> None:
    deep = b"<EInvoice>" + b"<a>" * 40 + b"</a>" * 40 + b"</EInvoice>"
    wide = b"<EInvoice>" + b"<a/>" * 200_001 + b"</EInvoice>"
    large = b"<EInvoice>" + b" " * 8 * 1024 * 1024 + b"</EInvoice>"
    assert [inspect(data).faults[0].code for data in (deep, wide, large)] == [
        "xml.too-deep",
        "xml.too-deep",
        "xml.too-large",
    ]


def test_very_deep_xml_is_refused_by_the_parser() -> None:
    assert inspect(b"<EInvoice>" + b"<a>" * 100_000).faults[0].code == "xml.malformed"


def test_the_xml_of_a_package_has_a_largest_size_in_all() -> None:
    names = [f"{number}.xml" for number in range(10)]
    attached = {f"Doc_0/Attachs/{name}": classic() for name in names}
    lists = {"Doc_0/Attachs/Attachments.xml": listing("Attachments", "Attachment", names)}
    data = pack(entries() | lists | attached)
    assert {fault.code for fault in inspect(data, Limits(parsed_bytes=10_000)).faults} == {
        "invoice.too-costly"
    }
    assert not inspect(data, Limits(parsed_bytes=30_000)).faults


def test_an_entry_that_is_attached_several_times_is_read_once() -> None:
    lists = listing("Attachments", "Attachment", ["original_invoice.xml"] * LIMITS.attachments)
    found = inspect(pack(entries(classic()) | {"Doc_0/Attachs/Attachments.xml": lists}))
    assert len(found.readings) == 1


def test_a_package_has_a_largest_number_of_documents() -> None:
    root = entries()["OFD.xml"]
    at, end = root.index(b"<ofd:DocBody>"), root.index(b"</ofd:OFD>")
    for count, wanted in ((LIMITS.bodies, []), (LIMITS.bodies + 1, ["invoice.too-many-bodies"])):
        parts = entries() | {"OFD.xml": root[:at] + root[at:end] * count + root[end:]}
        assert [fault.code for fault in inspect(pack(parts)).faults] == wanted


def test_lists_of_an_ofd_have_a_largest_length() -> None:
    page = '<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>'
    pages = entries()["Doc_0/Document.xml"].replace(page.encode(), page.encode() * (LIMITS.pages + 1))
    attachments = listing("Attachments", "Attachment", ["a.xml"] * (LIMITS.attachments + 1))
    tags = listing("CustomTags", "CustomTag", ["a.xml"] * (LIMITS.attachments + 1))
    for name, data, code in (
        ("Doc_0/Document.xml", pages, "invoice.too-many-pages"),
        ("Doc_0/Attachs/Attachments.xml", attachments, "invoice.too-many-attachments"),
        ("Doc_0/Tags/CustomTags.xml", tags, "invoice.too-many-attachments"),
    ):
        assert [fault.code for fault in inspect(pack(entries() | {name: data})).faults] == [code]


def test_an_invoice_has_a_largest_number_of_lines() -> None:
    line = b"<IssuItemInformation><Amount>0.00</Amount></IssuItemInformation>"
    data = e_invoice().replace(b"<SpecificInformation>", line * LIMITS.items + b"<SpecificInformation>")
    assert [fault.code for fault in inspect(data).faults] == ["invoice.too-many-lines"]
    group = b"<GoodsInfo><Amount><ObjectRef PageRef='1'>1</ObjectRef></Amount></GoodsInfo>"
    tags = b"<eInvoice><GoodsInfos>" + group * (LIMITS.items + 1) + b"</GoodsInfos></eInvoice>"
    parts = entries() | {
        "Doc_0/Tags/CustomTags.xml": listing("CustomTags", "CustomTag", ["t.xml"]),
        "Doc_0/Tags/t.xml": tags,
    }
    assert [fault.code for fault in inspect(pack(parts)).faults] == ["invoice.too-many-lines"]


def test_a_value_has_a_largest_length() -> None:
    found = inspect(e_invoice(SellerIdNum="9" * 3_000_000))
    assert len(found.invoice["SellerTaxNo"]) == 500


def test_a_reference_out_of_the_package_leads_nowhere() -> None:
    parts = entries() | {
        "Doc_0/Attachs/Attachments.xml": listing(
            "Attachments", "Attachment", ["../../../../etc/passwd", "/etc/passwd"]
        )
    }
    found = inspect(pack(parts))
    assert [one.code for one in found.warnings].count("invoice.missing-entry") == 2


# -- the seal


def test_a_package_has_a_largest_number_of_signatures(issuer: Issuer) -> None:
    parts = seal(entries(), issuer)
    one = b'<ofd:Signature ID="1" BaseLoc="Sign_0/Signature.xml"/>'
    lists = f"<ofd:Signatures {OFD_NS}>".encode() + one * (LIMITS.signatures + 1) + b"</ofd:Signatures>"
    found = inspect(pack(parts | {"Doc_0/Signs/Signatures.xml": lists}))
    assert found.seal_state is SealState.UNVERIFIABLE and "signatures" in found.seals[0].why[1]


def test_an_entry_that_a_manifest_names_a_thousand_times_is_digested_once(issuer: Issuer) -> None:
    large = entries() | {"Doc_0/large.bin": zlib.compress(b"x") * 700_000}
    names = [*large, *["Doc_0/large.bin"] * 1_500]
    found = inspect(pack(seal(large, issuer, names=names), zipfile.ZIP_STORED))
    assert found.seal_state is SealState.ROOT_UNKNOWN


def test_a_manifest_has_a_largest_number_of_references(issuer: Issuer) -> None:
    parts = seal(entries(), issuer)
    manifest = manifest_of(parts, ["OFD.xml"] * (LIMITS.entries + 1))
    parts |= {SIGNATURE: manifest, VALUE: signed_value(manifest, issuer, SealForm())}
    found = inspect(pack(parts))
    assert found.seal_state is SealState.UNVERIFIABLE and "entries" in found.seals[0].why[1]


def test_a_seals_own_data_have_a_largest_size(issuer: Issuer) -> None:
    parts = seal(entries(), issuer)
    found = inspect(pack(parts), Limits(seal_bytes=len(parts[VALUE]) - 1))
    assert found.seal_state is SealState.UNVERIFIABLE and "too large" in found.seals[0].why[1]


def test_a_certificate_in_a_seal_has_a_largest_size(issuer: Issuer) -> None:
    found = inspect(
        pack(seal(entries(), issuer)), Limits(certificate_bytes=len(issuer.maker_certificate.der) - 1)
    )
    assert found.seal_state is SealState.UNVERIFIABLE and "too large" in found.seals[0].why[1]


def test_der_that_nests_or_promises_too_much_is_broken(issuer: Issuer) -> None:
    parts = seal(entries(), issuer)
    for value in (
        b"\x30\x84\xff\xff\xff\xff" + b"\x30\x80" * 100_000,
        b"\x30\x80" * 100_000,
        b"\x30" * 100_000,
        b"",
    ):
        assert inspect(pack(parts | {VALUE: value})).seal_state is SealState.BROKEN


# -- pictures


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that says this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_that_says_that_it_is_vast_is_not_drawn() -> None:
    found = inspect(png(60_000, 60_000, zlib.compress(b"\0" * 1_000_000)))
    assert found.is_scan and found.needs_person and not found.faults
    small = inspect(png(100, 101, zlib.compress(b"\0" * 101 * 101)), Limits(image_pixels=10_000))
    for one in (found, small):
        assert [(fault.code, fault.place) for fault in one.warnings] == [("invoice.picture", "png")]
    assert not inspect(png(100, 100, zlib.compress(b"\0" * 101 * 100)), Limits(image_pixels=10_000)).warnings


def test_only_so_many_pictures_of_a_package_are_looked_at() -> None:
    media = "".join(
        f'<ofd:MultiMedia ID="{n}" Type="Image"><ofd:MediaFile>{n}.png</ofd:MediaFile></ofd:MultiMedia>'
        for n in range(40)
    )
    resources = f"<ofd:Res {OFD_NS}><ofd:MultiMedias>{media}</ofd:MultiMedias></ofd:Res>".encode()
    pictures = {f"Doc_0/{n}.png": b"no picture" for n in range(40)}
    found = inspect(pack(entries() | {"Doc_0/DocumentRes.xml": resources} | pictures))
    assert len([one for one in found.warnings if one.code != "invoice.incomplete"]) == LIMITS.images


# -- PDF


TEXT = "x" * 40
PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 5 0 R >>"
FRAME: dict[int, str | bytes] = {
    1: "<< /Type /Catalog /Pages 2 0 R >>",
    2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    3: PAGE,
    4: stream(b"BT (x) Tj ET"),
    5: "<< >>",
}


@pytest.mark.parametrize(
    "objects",
    [
        {2: "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"},
        {2: "<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>"},
        {1: "1 0 R"},
        {4: "4 0 R"},
        {5: "5 0 R"},
        {3: PAGE.replace("2 0 R", "3 0 R", 1)},
        {4: "[4 0 R 4 0 R]"},
    ],
    ids=["root of itself", "page tree", "catalog", "contents", "resources", "parent", "array of itself"],
)
def test_objects_of_a_pdf_that_lead_back_to_themselves_end(objects: dict[int, str]) -> None:
    inspect(pdf({**FRAME, **objects}))


def test_tables_of_a_pdf_that_lead_back_to_themselves_end() -> None:
    data = pdf(FRAME)
    inspect(pdf(FRAME, trailer=f"/Prev {data.rfind(b'xref', 0, data.rfind(b'startxref'))}"))


def forms(levels: int, each: int) -> bytes:
    """Forms that draw the next form several times: each ** levels drawings of the last one."""
    objects = dict(FRAME)
    objects[4] = stream(b"/F Do")
    objects[5] = "<< /XObject << /F 10 0 R >> >>"
    for level in range(levels):
        number = 10 + level
        inner = f"/Resources << /XObject << /F {number + 1} 0 R >> >>" if level < levels - 1 else ""
        content = b"/F Do " * each if level < levels - 1 else b"BT (x) Tj ET"
        objects[number] = stream(content, f"/Type /XObject /Subtype /Form /BBox [0 0 1 1] {inner}")
    return pdf(objects)


def test_forms_that_draw_forms_that_draw_forms_end() -> None:
    inspect(forms(30, 10))
    loop = {**FRAME, 4: stream(b"/F Do"), 5: "<< /XObject << /F 10 0 R >> >>",
            10: stream(b"/F Do /F Do", "/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources 5 0 R")}  # fmt: skip
    inspect(pdf(loop))


def test_a_stream_of_a_pdf_that_unpacks_to_too_much_is_refused() -> None:
    packed = zlib.compress(zlib.compress(b" " * 40_000_000, 9), 9)
    bomb = pdf({**FRAME, 4: stream(packed, "/Filter [/FlateDecode /FlateDecode]")})
    assert len(bomb) < 3_000
    assert refusal(bomb) == "invoice.too-costly"


def test_a_pdf_that_computes_for_ever_is_ended() -> None:
    work = zlib.compress(b"BT " + b"1 0 0 1 0 0 Tm (x) Tj " * 400_000 + b"ET")
    slow = pdf({**FRAME, 4: stream(work, "/Filter /FlateDecode"), 5: "<< /Font << >> >>"})
    assert refusal(slow, child_cpu_s=1) == "invoice.too-costly"
    assert refusal(slow, child_cpu_s=60, child_wall_s=1.0) == "invoice.too-costly"


def test_a_pdf_that_needs_too_much_memory_is_ended() -> None:
    assert refusal(text_pdf(TEXT), child_bytes=40 * 1024 * 1024) in (
        "invoice.too-costly",
        "invoice.unreadable",
    )


def test_only_so_many_pages_and_letters_of_a_pdf_are_read() -> None:
    kids = {2: f"<< /Type /Pages /Kids [{'3 0 R ' * 7}] /Count 7 >>"}
    found = inspect(pdf({**FRAME, **kids}), Limits(pages=3))
    assert [fault.code for fault in found.warnings] == ["invoice.many-pages"]
    text = f"{TEXT}\n发票号码：12345678"
    assert "InvoiceNo" in inspect(text_pdf(text)).invoice
    assert "InvoiceNo" not in inspect(text_pdf(text), Limits(text_chars=30)).invoice


def test_only_so_many_and_so_large_attachments_of_a_pdf_are_read() -> None:
    many = text_pdf(TEXT, {f"{number:02}.xml": e_invoice() for number in range(30)})
    assert len(inspect(many).readings) == LIMITS.attachments
    assert len(inspect(many, Limits(pdf_stream_bytes=len(e_invoice()) * 2)).readings) == 2


def test_an_encrypted_pdf_is_refused() -> None:
    key = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -1 /O ("
        + "x" * 32
        + ") /U ("
        + "x" * 32
        + ") >> /ID [(a) (a)]"
    )
    assert refusal(pdf(FRAME, trailer=key)) == "invoice.encrypted"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-",
        b"%PDF-1.7\n" + b"1 0 obj\n" * 200_000,
        b"%PDF-1.7\n" + b"[" * 500_000,
        b"%PDF-1.7\nstartxref\n5\n%%EOF",
    ],
)
def test_what_only_begins_like_a_pdf_is_refused(data: bytes) -> None:
    assert refusal(data) in ("invoice.unreadable", "invoice.too-costly")


@pytest.mark.parametrize(
    "text",
    [
        "发票号码" + " " * 300_000,
        "大写）" + "：" * 300_000,
        "（小写）" + " " * 300_000,
        "合" + " " * 300_000 + "计",
    ],
)
def test_a_text_layer_of_blanks_is_searched_in_one_go(text: str) -> None:
    started = time.monotonic()
    assert read_page_text(text) is None
    assert time.monotonic() - started < LONGEST_S
