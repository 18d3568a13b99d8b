"""Platforms' own documents: the real ones judged fault by fault, and every kind of fault found where it is.

All of it is made from real messages of the systems around the gateway, which lie beside the project; without
them the whole file is skipped.
"""

from __future__ import annotations

import base64
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway import xmltree
from gateway.standard.platformforms import MAX_FAULTS, Judgement, judge_form
from tests.unit.standard.material import REAL, SCHEMAS

if not REAL.is_dir():
    pytest.skip(f"the real messages are not on this machine ({REAL})", allow_module_level=True)

PLATFORMS = SCHEMAS / "platforms"
MAPPINGS = SCHEMAS.parent / "mappings"
PROJECT = (REAL / "trading" / "project-1.xml").read_bytes()
CFX = (REAL / "treasury" / "cfx-5101-gbk.xml").read_bytes()
DIGITAL = (REAL / "invoices" / "einvoice-demo.xml").read_bytes()
with zipfile.ZipFile(REAL / "invoices" / "v4signed.ofd") as _ofd:
    CLASSIC = _ofd.read("Doc_0/Attachs/original_invoice.xml")


def judge(data: bytes) -> Judgement:
    return judge_form(PLATFORMS, xmltree.parse(data))


def told(data: bytes) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.path, fault.code.removeprefix("form.")) for fault in judge(data).faults]


def test_a_real_project_lacks_the_citys_tags_and_names_a_platform_that_cannot_be() -> None:
    assert judge(PROJECT).kinds == ["construction/DES.xsd", "construction/500-PROJECT.xsd"]
    assert told(PROJECT) == [
        (2, "CONTEXT/PROJECT_KIND", "missing-element"),
        (2, "CONTEXT/PROJECT_LEVEL", "missing-element"),
        (2, "CONTEXT/PAY_ADM_DIV_CODE", "missing-element"),
        (22, "CONTEXT/PUB_SERVICE_PLAT_CODE", "check-digit"),
    ]


def test_a_real_deletion_without_content_is_right() -> None:
    judged = judge((REAL / "trading" / "project-3.xml").read_bytes())
    assert (judged.kinds, judged.faults) == (["construction/DES.xsd"], [])


def test_thirteen_of_fourteen_payouts_of_a_real_batch_write_an_amount_without_two_decimals() -> None:
    judged = judge(CFX)
    assert judged.kinds == ["tips/5101-PayoutBatch.xsd"]
    lines = CFX.decode("gbk").splitlines()
    amounts = [(number, line) for number, line in enumerate(lines, 1) if "<Amt>" in line]
    wrong = [number for number, line in amounts if not re.search(r">[0-9]+\.[0-9]{2}<", line)]
    assert [fault.line for fault in judged.faults] == wrong and len(wrong) == 13
    assert {fault.code for fault in judged.faults} == {"form.wrong-pattern"}
    assert (judged.faults[0].path, judged.faults[0].found) == ("MSG/Bill5101[1]/Amt", "900000")


@pytest.mark.parametrize(("data", "kind"), [(DIGITAL, "digital"), (CLASSIC, "classic")])
def test_real_invoices_are_valid(data: bytes, kind: str) -> None:
    judged = judge(data)
    assert judged.kinds == [
        f"invoices/{kind}-EInvoice.xsd" if kind == "digital" else "invoices/classic-eInvoice.xsd"
    ]
    assert judged.faults == []


def dropped(*names: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        for name in names:
            data, count = re.subn(rf"[ \t]*<{name}>[^<]*</{name}>".encode(), b"", data, count=1)
            assert count
        return data

    return change


def put(name: str, value: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        found, count = re.subn(
            rf"<{name}>[^<]*</{name}>".encode(),
            f"<{name}>{value}</{name}>".encode("gbk" if b"GBK" in data else "utf-8"),
            data,
            count=1,
        )
        assert count
        return found

    return change


def text(find: str, instead: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert find.encode() in data
        return data.replace(find.encode(), instead.encode(), 1)

    return change


# Document, change, line, path, code: one fault more than the document has by itself.
FAULTS: list[tuple[bytes, Callable[[bytes], bytes], int, str, str]] = [
    (PROJECT, dropped("FUND_SOURCE"), 2, "CONTEXT/FUND_SOURCE", "missing-element"),
    (PROJECT, put("REGION_CODE", "35"), 5, "CONTEXT/REGION_CODE", "wrong-length"),
    (PROJECT, put("RELATE_CODE", "7"), 6, "CONTEXT/RELATE_CODE", "wrong-value"),
    (PROJECT, put("DATA_TYPE", "4"), 33, "TITLE/DATA_TYPE", "wrong-value"),
    (PROJECT, text("<CONTACTOR>", "<CONTACTER>x</CONTACTER><CONTACTOR>"), 15, "CONTEXT/CONTACTER", "unexpected-element"),
    (PROJECT, text("<ADDRESS>", "<ADDRESS>x</ADDRESS><ADDRESS>"), 2, "CONTEXT/ADDRESS", "too-many"),
    (PROJECT, put("PLATFORM_CODE", "91350000MA347WHE49"), 21, "CONTEXT/PLATFORM_CODE", "check-digit"),
    (PROJECT, text("</DES>", "<FILECONTEXT><SOURCE><FILE_NAME>a</FILE_NAME></SOURCE></FILECONTEXT></DES>"), 36, "FILECONTEXT/SOURCE[1]/FILE_EN_NAME", "missing-element"),
    (CFX, dropped("VouNo"), 25, "MSG/Bill5101[1]/VouNo", "missing-element"),
    (CFX, put("PayeeBankNo", "102338001308"), 17, "MSG/BatchHead5101/PayeeBankNo", "check-digit"),
    (CFX, put("PayerAcct", "1109#"), 29, "MSG/Bill5101[1]/PayerAcct", "wrong-pattern"),
    (CFX, text("<AllNum>14</AllNum>", "<AllNum><n/></AllNum>"), 21, "MSG/BatchHead5101/AllNum", "wrong-shape"),
    (DIGITAL, put("InvoiceNumber", "0123"), 72, "TaxSupervisionInfo/InvoiceNumber", "wrong-pattern"),
    (DIGITAL, text("<SpecificInformation/>", "<SpecificInformation><Other><x/></Other><RedEInvoice/></SpecificInformation>"),
     65, "EInvoiceData/SpecificInformation/RedEInvoice/CreditNoteNumber", "missing-element"),
    (CLASSIC, put("fp:InvoiceCode", "12"), 2, "InvoiceCode", "wrong-pattern"),
    (CLASSIC, text(' Version="1.0"', ""), 2, "@Version", "missing-element"),
    (CLASSIC, text(' Version="1.0"', ' Version="1.0" Edition="2"'), 2, "@Edition", "unexpected-element"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "change", "line", "path", "code"), FAULTS)
def test_a_fault_more_is_found_where_it_is(
    data: bytes, change: Callable[[bytes], bytes], line: int, path: str, code: str
) -> None:
    found, before = told(change(data)), told(data)
    assert (line, path, code) in found
    extra = len(found) - len(before)
    assert extra == (2 if "RedEInvoice" in path else 1), found


def test_all_faults_of_one_content_model_are_named_at_once() -> None:
    wrong = dropped("PROJECT_CODE", "PROJECT_NAME", "FUND_SOURCE")(PROJECT)
    missing = [path for _, path, code in told(wrong) if code == "missing-element"]
    assert missing[:3] == ["CONTEXT/PROJECT_CODE", "CONTEXT/PROJECT_NAME", "CONTEXT/FUND_SOURCE"]


def test_children_in_a_wrong_order_are_named() -> None:
    head = re.search(rb"(\s*<VouNo>1061</VouNo>)(\s*<VouDate>20100304</VouDate>)", CFX)
    assert head is not None
    wrong = CFX.replace(head[0], head[2] + head[1], 1)
    assert (28, "MSG/Bill5101[1]/VouNo", "out-of-order") in told(wrong)


def test_an_account_is_not_shown() -> None:
    judged = judge(put("PayerAcct", "110900000003271001#")(CFX))
    (fault,) = [one for one in judged.faults if one.path.endswith("PayerAcct")]
    assert "110900000003271001" not in f"{fault.found}{fault.zh}{fault.en}" and fault.found.startswith("****")


def voucher(content: bytes, vt_code: str = "8207", more: str = ' VoucherNo="1"') -> bytes:
    body = base64.b64encode(content).decode()
    return (
        f'<?xml version="1.0" encoding="GBK"?>\n<MOF><VoucherCount>1</VoucherCount><VoucherBody AdmDivCode="310000" '
        f'StYear="2021" VtCode="{vt_code}"{more}><VoucherFlag>0</VoucherFlag><Voucher>{body}</Voucher></VoucherBody></MOF>'
    ).encode("gbk")


LINES = """<?xml version="1.0" encoding="GBK"?>
<Voucher><Id>1</Id><AdmDivCode>310000</AdmDivCode><StYear>2021</StYear><VtCode>8207</VtCode><VouDate>20210401</VouDate>
<VoucherNo>1</VoucherNo><OriginalVtCode>5201</OriginalVtCode><OriginalVoucherNo>9</OriginalVoucherNo><SumAmt>10.00</SumAmt>
<BusinessTypeCode>4</BusinessTypeCode><PayTypeCode>11</PayTypeCode><DetailList><Detail><Id>1</Id><PayeeAcctNo>1</PayeeAcctNo>
<PayeeAcctName>上海浦江公路养护工程有限公司</PayeeAcctName><PayeeAcctBankName>工行</PayeeAcctBankName><PayAmt>10.00</PayAmt>
</Detail></DetailList></Voucher>"""


def test_a_voucher_is_judged_inside_its_base64() -> None:
    right = judge(voucher(LINES.encode("gbk")))
    assert right.faults == [] and right.kinds == ["treasury/MOF.xsd", "treasury/8207-BatchDetails.xsd"]
    wrong = LINES.replace("<PayAmt>10.00", "<PayAmt>10").replace("工行", "工行" * 16)
    inside = "VoucherBody[1]/Voucher/DetailList/Detail[1]"
    assert told(voucher(wrong.encode("gbk"))) == [
        (5, f"{inside}/PayeeAcctBankName", "gbk-length"),
        (5, f"{inside}/PayAmt", "wrong-pattern"),
    ]


def test_what_cannot_be_judged_is_said_to_be_so() -> None:
    assert told(b"<Unknown/>") == [(1, "", "unknown")]
    assert (1, "TITLE/DATA_NO", "unknown-number") in told(put("DATA_NO", "599")(PROJECT))
    assert "unknown-number" in {code for *_, code in told(voucher(LINES.encode("gbk"), "../x"))}
    assert {code for *_, code in told(voucher(LINES.encode("gbk"), more=""))} == {"missing-element"}
    broken = voucher(LINES.encode("gbk")).replace(b"<Voucher>P", b"<Voucher>#")
    assert "not-base64" in {code for *_, code in told(broken)}


@pytest.mark.parametrize(
    "many",
    [
        b"<FUND_SAUCE>1</FUND_SAUCE>" * 100_000,  # each name that is close to a known one is dear to explain
        b"".join(b"<T%d>1</T%d>" % (index, index) for index in range(100_000)),
    ],
)
def test_a_document_of_any_number_of_faults_is_judged_within_bounds(many: bytes) -> None:
    started = time.process_time()
    *named, last = judge(PROJECT.replace(b"</CONTEXT>", many + b"</CONTEXT>", 1)).faults
    assert time.process_time() - started < 10
    assert (len(named), last.code) == (MAX_FAULTS, "standard.more-faults")


def test_an_envelope_with_any_number_of_parts_is_judged_within_bounds() -> None:
    (part,) = re.findall(rb"<VoucherBody.*</VoucherBody>", voucher(LINES.encode("gbk"), "x"))
    judged = judge(b"<MOF><VoucherCount>1</VoucherCount>" + part * 5_000 + b"</MOF>")
    assert len(judged.faults) == MAX_FAULTS + 1 and len(judged.kinds) == 1


CASES = [
    path
    for path in sorted(MAPPINGS.glob("*/cases/*/*.input.xml"))
    if path.with_name(f"{path.name.partition('.')[0]}.output.json").exists()
]


@pytest.mark.parametrize("path", CASES, ids=lambda path: "/".join(path.parts[-4:]))
def test_what_a_mapping_takes_its_platforms_schema_takes(path: Path) -> None:
    judged = judge(path.read_bytes())
    assert judged.kinds and judged.faults == []


def test_the_walk_and_lxml_agree_on_every_document_of_the_tests() -> None:
    schema = etree.XMLSchema(file=str(PLATFORMS / "tips" / "5101-PayoutBatch.xsd"))
    for data, change, *_ in FAULTS:
        if data is CFX:
            assert not schema.validate(etree.fromstring(change(data))) and told(change(data))
