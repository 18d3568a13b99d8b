"""Rules between fields: each with an instance that keeps it (the samples) and one that breaks it."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError
from gateway.standard import Standard
from gateway.standard.catalogue import load_schemas
from gateway.standard.rules import load_rules
from gateway.standard.ruletests import make_rule_test
from tests.unit.standard.material import ON, V1, changed


def test_sums_say_what_was_expected_and_found(standard: Standard) -> None:
    record = changed(standard.sample("3001"), ("InvoiceTotal",), "2860000.01")
    (fault,) = standard.validate("3001", record, on=ON)
    assert (fault.expected, fault.found, fault.result) == ("2860000.00", "2860000.01", "30004")
    record = changed(standard.sample("3001"), ("Invoices", "Invoice", 0, "UsedAmount"), "1859999.99")
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
    record = changed(standard.sample("4002"), ("VouDate",), "20240702")
    assert standard.validate("4002", record, on=ON) != []
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
    line = next(text for text in (V1 / "rules.yaml").read_text("utf-8").splitlines() if "id: opinion" in text)
    text = (V1 / "rules.yaml").read_text("utf-8").replace(line, f"{line}\n{line}")
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="opinion stands twice"):
        load_rules(tmp_path / "rules.yaml", load_schemas(V1))


def test_a_rule_never_fails_on_a_record_of_any_shape(standard: Standard) -> None:
    sample = standard.sample("3001")
    junks: list[Any] = [None, 1, "", [], {}, [None], [{"Invoice": []}], {"Invoice": [{"AmountWithTax": 1}]}]
    for junk in junks:
        for name in sample:
            record = {**copy.deepcopy(sample), name: junk}
            assert standard.validate("3001", record, on=ON)
