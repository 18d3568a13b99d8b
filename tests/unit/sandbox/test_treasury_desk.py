"""What the people at a treasury write are vouchers that the treasury's own schemas accept."""

from __future__ import annotations

import base64
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway import clock, xmltree
from gateway.formats import formats
from gateway.message import Record
from gateway.sandbox import vouchers
from gateway.sandbox.book import Book
from gateway.sandbox.desk import Desk
from gateway.sandbox.forms import Forms
from gateway.sandbox.place import find_schemas
from gateway.sandbox.vouchers import Outgoing

APP_NO = "SQ-310000-20261124-00001"
FORMS = Forms(find_schemas() / "platforms" / "treasury")


class Queue:
    """Where vouchers wait, without a server around it."""

    def __init__(self, book: Book):
        self.book = book
        self.adm_div = "310000"
        self.waiting: list[Outgoing] = []

    def enqueue(self, voucher: Outgoing) -> None:
        self.waiting.append(voucher)


def application() -> Record:
    """A 9402 as the gateway renders it, for two payees."""
    common = {
        "FundTypeCode": "1111",
        "FundTypeName": "本级财力安排",
        "AgencyCode": "125001",
        "AgencyName": "上海市公路养护事务中心",
        "ExpFuncCode": "2140106",
        "ExpFuncName": "公路养护",
        "GovExpEcoCode": "50209",
        "GovExpEcoName": "维修（护）费",
    }
    details = [
        {
            "Id": f"ZF20261124000001-{index}",
            "VoucherBillId": "ZF20261124000001",
            "VoucherBillNo": "ZF20261124000001",
            "VoucherNo": APP_NO,
            **common,
            "TrackingID": "310000-2026-00001",
            "PayeeCode": "91310115T031010274",
            "FeeKind": kind,
            "PayeeAcctNo": account,
            "PayeeAcctName": "上海浦江公路养护工程有限公司",
            "PayeeAcctBankName": "中国工商银行上海市西虹桥支行",
            "PayeeAcctBankNo": "102290002916",
            "PayAmt": amount,
        }
        for index, (kind, account, amount) in enumerate(
            (("01", "1001234509000012345", "900000.00"), ("02", "1001234509000067890", "100000.00")), 1
        )
    ]
    return {
        **vouchers.head("310000", "9402", "ZF20261124000001"),
        "TreCode": "0901000000",
        "FinOrgCode": "310000",
        "BizKey": APP_NO,
        "BizVersion": "1",
        "PayAppNo": APP_NO,
        "ReviewRound": "1",
        "MofDivCode": "310000000",
        "ProjectKind": "01",
        "TendererCode": "12310000T03101019H",
        "AuthorityCode": "11310000T03101035A",
        "AuthorityName": "上海市交通委员会",
        **common,
        "PayTypeCode": "11",
        "PayTypeName": "财政直接支付",
        "SetModeCode": "1",
        "PayAcctNo": "0310000000000001",
        "PayAcctName": "上海市财政局零余额账户",
        "PayAcctBankName": "中国工商银行上海市分行",
        "PaySummaryName": "第1期进度款",
        "PayAmt": "1000000.00",
        "BusinessTypeCode": "4",
        "BusinessTypeName": "批量",
        "GovProcurementID": "A03-12310000425010220N-20240318-000123-F",
        "ContractNo": "沪养合〔2026〕1号",
        "CurrencyCode": "CNY",
        "DetailList": {"Detail": details},
        "InvoiceList": {"Invoice": [_invoice()]},
        "ReviewList": {"ReviewRecord": [_reviewed()]},
    }


def _invoice() -> Record:
    return {
        "InvoiceKind": "31",
        "EInvoiceNo": "26312000000012345678",
        "IssueDate": "20261101",
        "SellerTaxNo": "91310115T031010274",
        "SellerName": "上海浦江公路养护工程有限公司",
        "BuyerTaxNo": "12310000T03101019H",
        "BuyerName": "上海市公路养护事务中心",
        "AmountWithoutTax": "917431.19",
        "TaxAmount": "82568.81",
        "AmountWithTax": "1000000.00",
        "UsedAmount": "1000000.00",
        "RedFlag": "0",
        "ScanFlag": "0",
        "FileId": "FILE-1",
        "Digest": "0" * 64,
        "FileType": "01",
        "FileSize": "100",
    }


def _reviewed() -> Record:
    return {
        "ReviewNode": "03",
        "ReviewResult": "1",
        "ReviewerId": "U1",
        "ReviewerName": "周敏",
        "ReviewTime": "20261124100000",
    }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(Queue(Book(tmp_path / "book.jsonl")))
    desk.receive(application())
    return desk


def read(voucher: Outgoing) -> tuple[Record, dict[str, str], list[str]]:
    """(record, envelope, faults of the schema) of a voucher as it travels."""
    parsed = formats.get("mof-voucher").decode(voucher.mof)
    inner = xmltree.parse(voucher.mof, encoding="gbk").findtext("VoucherBody/Voucher") or ""
    element = xmltree.parse(base64.b64decode(inner), encoding="gbk")
    return parsed.record, parsed.envelope, FORMS.check(voucher.vt_code, element, parsed.record)


def test_every_voucher_of_a_case_is_valid_and_numbered_once(desk: Desk) -> None:
    made = [
        *desk.takes_over(APP_NO),
        *desk.refuse_takeover(APP_NO, "附件不全"),
        *desk.starts_review(APP_NO),
        *desk.authority_approves(APP_NO),
        *desk.authority_returns(APP_NO, "工程量与计量支付证书不符"),
        *desk.office_returns(APP_NO, "用款计划不足"),
        *desk.sends_to_bank(APP_NO),
        *desk.bank_fails(APP_NO, "收款账户状态异常"),
        *desk.bank_pays(APP_NO),
        *desk.refunds(APP_NO, "账号与户名不符", "100.00"),
        *desk.refunds(APP_NO, "账号与户名不符"),
        *desk.agrees_to_withdrawal(APP_NO),
        *desk.declines_withdrawal(APP_NO, "已支付"),
        *desk.tells_its_lines(clock.d8()),
    ]
    assert {voucher.vt_code: read(voucher)[2] for voucher in made if read(voucher)[2]} == {}
    assert len({voucher.no for voucher in made}) == len(made)
    assert len({(voucher.number, voucher.biz_key) for voucher in made}) == len(made)
    assert {voucher.number for voucher in made} == set(vouchers.OUTGOING.values())


def test_a_payment_is_one_receipt_a_payee_with_the_x_fields(desk: Desk) -> None:
    first, second = desk.bank_pays(APP_NO)
    record, envelope, _ = read(first)
    assert envelope["VoucherFlag"] == "1"
    assert (record["PayAmt"], record["XPayAmt"]) == ("900000.00", "900000.00")
    line = record["DetailList"]["Detail"][0]
    assert (line["VoucherNo"], line["Hold1"], line["XPayAmt"]) == (APP_NO, "310000-2026-00001", "900000.00")
    assert read(second)[0]["XPayAmt"] == "100000.00"


def test_a_part_payment_pays_less_of_the_first_line_alone(desk: Desk) -> None:
    first, second = desk.bank_pays(APP_NO, "600000")
    assert read(first)[0]["XPayAmt"] == "600000.00"
    assert read(second)[0]["XPayAmt"] == "100000.00"


def test_refunds_never_exceed_what_was_paid(desk: Desk) -> None:
    desk.bank_pays(APP_NO)
    (part,) = desk.refunds(APP_NO, "退票", "40000")
    assert read(part)[0]["PayAmt"] == "-40000.00"
    assert read(part)[0]["RefundType"] == "1"
    rest = [read(voucher)[0]["PayAmt"] for voucher in desk.refunds(APP_NO, "退票")]
    assert rest == ["-60000.00", "-900000.00"]
    assert desk.refunds(APP_NO, "退票") == []


def test_the_status_sequence_and_the_review_round_only_rise(desk: Desk) -> None:
    first, second = desk.starts_review(APP_NO)[0], desk.sends_to_bank(APP_NO)[0]
    assert [read(voucher)[0]["StatusSeq"] for voucher in (first, second)] == ["1", "2"]
    desk.authority_returns(APP_NO, "退回")
    desk.receive(application())  # pushed again
    rounds = {read(voucher)[0]["ReviewRound"] for voucher in desk.authority_approves(APP_NO)}
    assert rounds == {"2"}


NOW = datetime(2026, 11, 24, tzinfo=clock.SHANGHAI)


def faults_of(**changes: Any) -> list[str]:
    record = {**application(), "VouDate": "20261124", "StYear": "2026", **changes}
    envelope = {"AdmDivCode": "310000", "StYear": "2026", "VtCode": "9402", "VoucherNo": "ZF20261124000001"}
    return vouchers.check(record, envelope, NOW)


def test_a_voucher_as_agreed_has_no_faults() -> None:
    assert faults_of() == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"PayAmt": "1000000.01"}, "PayAmt"),
        ({"PayAmt": "1,000,000.00"}, "PayAmt"),
        ({"VouDate": "20261125"}, "VouDate"),
        ({"StYear": "2027"}, "StYear"),
        ({"VoucherNo": "ZF2026112400000100000"}, "VoucherNo"),
        ({"FundTypeCode": "2111"}, "FundTypeCode"),
        ({"PayTypeCode": "12"}, "PayTypeCode"),
        ({"BusinessTypeCode": "2"}, "BusinessTypeCode"),
        ({"TreCode": "310000"}, "TreCode"),
        ({"PayAcctName": "上海市财政局零余额账户" * 3}, "PayAcctName"),
        ({"PayAcctNo": "0310 0000"}, "PayAcctNo"),
        ({"DetailList": {"Detail": []}}, "DetailList/Detail"),
    ],
)
def test_a_breach_of_the_shanghai_rules_is_named(changes: dict[str, Any], place: str) -> None:
    assert any(fault.startswith(place + ":") for fault in faults_of(**changes)), faults_of(**changes)


def test_two_lines_with_one_id_are_refused() -> None:
    record = application()
    record["DetailList"]["Detail"][1]["Id"] = record["DetailList"]["Detail"][0]["Id"]
    assert any("DetailList/Detail" in fault for fault in faults_of(DetailList=record["DetailList"]))


def test_the_length_of_a_name_is_counted_in_gbk_bytes() -> None:
    record = {**application(), "AuthorityName": "市" * 201}
    assert "AuthorityName: more than 400 bytes of GBK" in _gbk_faults(record)
    assert _gbk_faults(application()) == []


def _gbk_faults(record: Record) -> list[str]:
    data = formats.get("xml-bare").encode(record, _no_head(), {}, "Voucher")
    return FORMS.check("9402", xmltree.parse(data), record)


def _no_head() -> Any:
    from gateway.sandbox.sub import NO_HEAD

    return NO_HEAD


def test_a_day_is_told_by_its_lines_and_their_sum(desk: Desk) -> None:
    paid = desk.bank_pays(APP_NO)
    desk.refunds(APP_NO, "账号与户名不符", "100.00")
    (told,) = desk.tells_its_lines(clock.d8())
    record, _, faults = read(told)
    lines = record["DetailList"]["Detail"]
    assert faults == [] and record["AllNum"] == str(len(lines)) == str(len(paid) + 1)
    assert sum(Decimal(line["XPayAmt"]) for line in lines) == Decimal(record["AllAmt"])
    assert lines[-1]["XPayAmt"] == "-100.00"
    (nothing,) = desk.tells_its_lines("20200101")
    assert read(nothing)[0]["AllAmt"] == "0.00" and "DetailList" not in read(nothing)[0]
