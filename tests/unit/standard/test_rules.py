"""Rules between fields: each with an instance that keeps it (the samples) and one that breaks it."""

from __future__ import annotations

import copy
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError, MessageError
from gateway.standard import Standard
from gateway.standard.catalogue import load_schemas
from gateway.standard.rules import load_rules
from gateway.standard.ruletests import make_rule_test
from tests.unit.standard.material import NUMBERS, ON, V1, Place, changed, load, path_of

PAYEE: Place = ("Payees", "Payee", 0)
INVOICE: Place = ("Invoices", "Invoice", 0)
CLASSIC: Place = ("Invoices", "Invoice", 1)
# id of the rule → type, changes that break it, place of the fault, its code.
BROKEN: dict[str, tuple[str, list[tuple[Place, Any]], Place, str]] = {
    "capital-currency": ("1001", [(("RegCapCurrency",), ...)], ("RegCapCurrency",), "missing-element"),
    "id-type": ("1001", [(("IdNo",), "E12345678")], ("IdType",), "missing-element"),
    "account-name": ("1004", [(("AcctName",), "上海他人有限公司")], ("AcctName",), "not-equal"),
    "wage-account-name": (
        "1004", [(("AcctKind",), "3"), (("AcctName",), "农民工工资专用账户")], ("AcctName",), "wrong-start",
    ),
    "account-validity": (
        "1004", [(("ValidFrom",), "20240102"), (("ValidTo",), "20240101")], ("ValidFrom",), "date-order",
    ),
    "invest-code": (
        "2001", [(("RelateCode",), "1"), (("InvestProjectCode",), ...)], ("InvestProjectCode",), "missing-element",
    ),
    "project-code": ("2006", [(("ProjectCode",), ...)], ("ProjectCode",), "missing-element"),
    "tender-code": ("2006", [(("TenderProjectCode",), "G31000024031200X")], ("TenderProjectCode",), "wrong-start"),
    "agency": (
        "2006", [(("TenderOrganizeForm",), "2"), (("TenderAgencyCode",), ...)], ("TenderAgencyCode",), "missing-element",
    ),
    "bid-amount": ("2002", [(("BidAmount",), ...)], ("BidAmount",), "missing-element"),
    "other-bid-price": ("2002", [(("PriceFormCode",), "2")], ("OtherBidPrice",), "missing-element"),
    "contract-price": ("2003", [(("ContractPrice",), ...)], ("ContractPrice",), "missing-element"),
    "signed-before": ("2003", [(("ContractSignTime",), "20240702000000")], ("ContractSignTime",), "date-order"),
    "contract-term": (
        "2003", [(("BeginDate",), "20250101"), (("EndDate",), "20241231")], ("BeginDate",), "date-order",
    ),
    "fiscal-year": ("3001", [(("StYear",), "2025")], ("StYear",), "date-order"),
    "invoice-total": ("3001", [(("InvoiceTotal",), "2860000.01")], ("InvoiceTotal",), "amount-sum"),
    "applied-by-invoices": ("3001", [((*INVOICE, "UsedAmount"), "1859999.99")], ("AppAmount",), "amount-sum"),
    "applied-by-payees": ("3001", [((*PAYEE, "Amount"), "2459999.99")], ("AppAmount",), "amount-sum"),
    "invoice-tax": ("3001", [((*CLASSIC, "TaxAmount"), "0.00")], (*CLASSIC, "AmountWithTax"), "amount-sum"),
    "invoice-number": ("3001", [((*INVOICE, "EInvoiceNo"), ...)], (*INVOICE, "EInvoiceNo"), "missing-element"),
    "invoice-classic-code": (
        "4002", [((*CLASSIC, "InvoiceCode"), ...)], (*CLASSIC, "InvoiceCode"), "missing-element",
    ),
    "invoice-classic-number": (
        "3001", [((*CLASSIC, "InvoiceNo"), ...)], (*CLASSIC, "InvoiceNo"), "missing-element",
    ),
    "invoice-date": ("3001", [((*CLASSIC, "IssueDate"), "20240702")], (*CLASSIC, "IssueDate"), "date-order"),
    "upload-tax": ("3002", [(("AmountWithTax",), "1.00")], ("AmountWithTax",), "amount-sum"),
    "upload-number": ("3002", [(("EInvoiceNo",), ...)], ("EInvoiceNo",), "missing-element"),
    "upload-classic-code": (
        "3002", [(("InvoiceKind",), "10"), (("InvoiceNo",), "40712345"), (("QrText",), ...)],
        ("InvoiceCode",), "missing-element",
    ),
    "upload-classic-number": (
        "3002", [(("InvoiceKind",), "10"), (("InvoiceCode",), "031002400111"), (("QrText",), ...)],
        ("InvoiceNo",), "missing-element",
    ),
    "upload-date": ("3002", [(("IssueDate",), "20240702")], ("IssueDate",), "date-order"),
    "upload-red": ("3002", [(("RedFlag",), "1")], ("OriginalEInvoiceNo",), "missing-element"),
    "upload-qr": (
        "3002",
        [
            (("InvoiceKind",), "10"), (("InvoiceCode",), "050001700111"), (("InvoiceNo",), "99999951"),
            (("QrText",), "01,10,050001700111,99999951,300.00,20201010,14754822929856772523,E401"),
        ],
        ("QrText",), "check-digit",
    ),
    "duplicate-use": (
        "3003", [(("Duplicate",), "1"), (("UsedByPayAppNo",), ...)], ("UsedByPayAppNo",), "missing-element",
    ),
    "approved-amount": ("4001", [(("ApprovedAmount",), ...)], ("ApprovedAmount",), "missing-element"),
    "opinion": ("4001", [(("ReviewResult",), "3"), (("Opinion",), ...)], ("Opinion",), "missing-element"),
    "pushed-by-payees": ("4002", [(("PayAmt",), "1.00")], ("PayAmt",), "amount-sum"),
    "voucher-date": ("4002", [(("VouDate",), "20240702")], ("VouDate",), "date-order"),
    "fund-type": ("4002", [(("FundTypeCode",), "2")], ("FundTypeCode",), "wrong-start"),
    "return-reason": ("4003", [(("ReviewResult",), "2"), (("ReturnReason",), ...)], ("ReturnReason",), "missing-element"),
    "paid-on": ("5001", [(("XPayDate",), ...)], ("XPayDate",), "missing-element"),
    "failure-reason": ("5001", [(("PayResult",), "2"), (("XPayAmt",), "0.00")], ("XAddWord",), "missing-element"),
    "nothing-paid": ("5004", [(("PayResult",), "2"), (("XAddWord",), "账号不符")], ("XPayAmt",), "wrong-value"),
    "refunded-on": ("5003", [(("RefundDate",), "20240702")], ("RefundDate",), "date-order"),
    "query-application": ("6001", [(("QueryType",), "1"), (("PayAppNo",), ...)], ("PayAppNo",), "missing-element"),
    "query-contract": ("6001", [(("QueryType",), "2"), (("ContractNo",), ...)], ("ContractNo",), "missing-element"),
    "query-deal": ("6001", [(("QueryType",), "3"), (("UnifiedDealCode",), ...)], ("UnifiedDealCode",), "missing-element"),
    "query-period": (
        "6001", [(("DateFrom",), "20240102"), (("DateTo",), "20240101")], ("DateFrom",), "date-order",
    ),
    "query-days": (
        "6001", [(("DateFrom",), "20230101"), (("DateTo",), "20240103")], ("DateTo",), "date-order",
    ),
    "reconcile-period": (
        "7001", [(("BeginDate",), "20240702"), (("EndDate",), "20240701")], ("BeginDate",), "date-order",
    ),
    "reconcile-packs": ("7001", [(("ChildPackNum",), "1"), (("AllNum",), "999")], ("AllNum",), "count"),
    "reconcile-total": ("7001", [(("ChildPackNum",), "1"), (("AllAmt",), "0.01")], ("AllAmt",), "amount-sum"),
    "differences": ("7002", [(("XCheckResult",), "1"), (("Detail",), ...)], ("Detail",), "missing-element"),
}  # fmt: skip
IDS = {rule.line.id for number in NUMBERS for rule in load().rules(number).errors}


def broken(rule: str) -> tuple[str, Any]:
    number, changes, _, _ = BROKEN[rule]
    record = load().sample(number)
    for place, value in changes:
        holder: Any = record
        for part in place[:-1]:
            holder = holder[part]
        if value is ... and place[-1] not in holder:
            continue
        record = changed(record, place, value)
    return number, record


def test_every_rule_has_an_instance_that_breaks_it() -> None:
    assert set(BROKEN) == IDS


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named_with_its_place(standard: Standard, rule: str) -> None:
    number, record = broken(rule)
    _, _, place, code = BROKEN[rule]
    faults = standard.validate(number, record, on=ON)
    assert [(fault.path, fault.code) for fault in faults] == [(path_of(place), f"standard.{code}")]
    (known,) = [one for one in standard.rules(number).errors if one.line.id == rule]
    assert (faults[0].zh, faults[0].en, faults[0].result) == (known.line.zh, known.line.en, known.line.result)
    with pytest.raises(MessageError) as caught:
        standard.check(number, record, on=ON)
    assert list(caught.value.faults) == faults


def test_sums_say_what_was_expected_and_found(standard: Standard) -> None:
    _, record = broken("invoice-total")
    (fault,) = standard.validate("3001", record, on=ON)
    assert (fault.expected, fault.found, fault.result) == ("2860000.00", "2860000.01", "30004")
    _, record = broken("applied-by-invoices")
    (fault,) = standard.validate("3001", record, on=ON)
    assert (fault.expected, fault.found) == ("<= 2859999.99", "2860000.00")


def test_a_receipt_or_scan_needs_no_invoice_number(standard: Standard) -> None:
    for kind in ("90", "99"):
        record = standard.sample("3001")
        for name in ("InvoiceCode", "InvoiceNo", "CheckCode"):
            del record["Invoices"]["Invoice"][1][name]
        record["Invoices"]["Invoice"][1]["InvoiceKind"] = kind
        assert standard.check("3001", record, on=ON)


def test_a_rule_keeps_silent_where_its_operands_have_faults(standard: Standard) -> None:
    record = standard.sample("3001")
    record["Invoices"]["Invoice"][0]["AmountWithTax"] = "x"
    record["Invoices"]["Invoice"][1]["TaxAmount"] = "0.00"
    found = [(fault.path, fault.code) for fault in standard.validate("3001", record, on=ON)]
    assert found == [
        ("Invoices/Invoice[1]/AmountWithTax", "standard.not-a-number"),
        ("Invoices/Invoice[2]/AmountWithTax", "standard.amount-sum"),
    ]
    record = standard.sample("3001")
    record["Invoices"] = "x"
    assert [fault.path for fault in standard.validate("3001", record, on=ON)] == ["Invoices"]
    record = standard.sample("3001")
    record["Invoices"]["Invoice"] = [{**record["Invoices"]["Invoice"][1], "TaxAmount": "0.00"}] * 500
    assert [fault.code for fault in standard.validate("3001", record, on=ON)] == ["standard.too-many"]
    record = standard.sample("3001")
    record["Invoices"]["Invoice"][0]["InvoiceKind"] = "77"
    record["Invoices"]["Invoice"][0]["EInvoiceNo"] = "24312000000012345679"
    assert [fault.code for fault in standard.validate("3001", record, on=ON)] == ["standard.unknown-code"]


def test_a_wage_account_may_have_a_longer_name(standard: Standard) -> None:
    sample = standard.sample("1004")
    record = {**sample, "AcctKind": "3", "AcctName": sample["LegalName"] + "农民工工资专用账户"}
    assert standard.validate("1004", record, on=ON) == []


def test_a_rule_of_severity_warning_does_not_refuse(standard: Standard) -> None:
    record = {**standard.sample("3002"), "QrText": "01,32,,x"}
    assert standard.check("3002", record, on=ON)
    assert [fault.path for fault in standard.advise("3002", record, on=ON)] == ["QrText"]


def test_dates_are_judged_by_the_messages_day(standard: Standard) -> None:
    _, record = broken("voucher-date")
    assert standard.validate("4002", record, on=date(2024, 7, 2)) == []


OTHER = """rules:
  - {id: no-plan, types: '3001', check: forbidden-when, path: PlanNo, when: {PayKind: '02'}, zh: x, en: x}
  - {id: red, types: '3001', each: Invoices/Invoice, check: forbidden-when, path: CheckCode, unless: {RedFlag: '1'}, zh: x, en: x}
  - {id: kind, types: '3001', check: required-when, path: BidSectionCode, when: {Invoices/Invoice/InvoiceKind: '10'}, zh: x, en: x}
  - {id: any, types: '3001', check: equals, path: CurrencyCode, with: '840', when: {Payees/Payee/AcctNo: '*'}, zh: x, en: x}
"""


def test_the_other_kinds_of_rule_work_too(tmp_path: Path, standard: Standard) -> None:
    (tmp_path / "rules.yaml").write_text(OTHER, encoding="utf-8")
    rules = load_rules(tmp_path / "rules.yaml", load_schemas(V1)).of("3001")
    keeps = make_rule_test(rules.errors)
    record = standard.sample("3001")
    found = [(fault.path, fault.code) for fault in rules.faults(record, ON)]
    assert found == [
        ("PlanNo", "standard.not-allowed"),
        ("Invoices/Invoice[2]/CheckCode", "standard.not-allowed"),
        ("CurrencyCode", "standard.not-equal"),
    ]
    assert not keeps(record, "20240701", ON)
    del record["PlanNo"], record["Invoices"]["Invoice"][1]["CheckCode"]
    record["CurrencyCode"] = "840"
    assert rules.faults(record, ON) == [] and keeps(record, "20240701", ON)
    del record["BidSectionCode"]
    assert [fault.path for fault in rules.faults(record, ON)] == ["BidSectionCode"]
    assert not keeps(record, "20240701", ON)


WRONG = [
    ("{id: a, types: '3001', check: adds-up, path: PayAppNo, zh: x, en: x}", "unknown check 'adds-up'"),
    ("{id: a, types: '3099', check: required-when, path: PayAppNo, zh: x, en: x}", "no message type 3099"),
    ("{id: a, types: '3001', check: required-when, path: Nothing, zh: x, en: x}", "no element Nothing"),
    ("{id: a, types: '3001', check: sum-equals, path: AppAmount, zh: x, en: x}", "needs of"),
    ("{id: a, types: '3001', each: Payees, check: required-when, path: Payee, zh: x, en: x}", "no list Payees"),
    ("{id: a, types: '3001', check: required-when, path: PayAppNo, when: {Kind: x}, zh: x, en: x}", "element Kind"),
    ("{id: a, types: '3001', check: required-when, path: PayAppNo, hwen: {}, zh: x, en: x}", "did you mean when"),
    ("{id: a, types: '3001', check: required-when, path: PayAppNo, zh: x}", "en"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text"), WRONG)
def test_a_wrong_rule_is_found_with_its_line(tmp_path: Path, line: str, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"rules:\n  # one\n  - {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=text) as caught:
        load_rules(path, load_schemas(V1))
    assert caught.value.findings[0].line == 3


def test_a_rule_that_stands_twice_is_found(tmp_path: Path) -> None:
    shutil.copy(V1 / "rules.yaml", tmp_path / "rules.yaml")
    line = next(text for text in (V1 / "rules.yaml").read_text("utf-8").splitlines() if "id: opinion" in text)
    with (tmp_path / "rules.yaml").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(ConfigError, match="opinion stands twice"):
        load_rules(tmp_path / "rules.yaml", load_schemas(V1))


def test_a_rule_never_fails_on_a_record_of_any_shape(standard: Standard) -> None:
    sample = standard.sample("3001")
    junks: list[Any] = [None, 1, "", [], {}, [None], [{"Invoice": []}], {"Invoice": [{"AmountWithTax": 1}]}]
    for junk in junks:
        for name in sample:
            record = {**copy.deepcopy(sample), name: junk}
            assert standard.validate("3001", record, on=ON)
