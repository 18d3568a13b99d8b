"""What XSD cannot say, and how a fault is worded: codes, check digits, bytes, masking, bounds."""

from __future__ import annotations

import shutil
import time
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from gateway import refusals
from gateway.endpoints import problem
from gateway.errors import Fault, MessageError
from gateway.standard import CodeTables, Standard
from gateway.standard.catalogue import load_schemas
from gateway.standard.explain import MAX_FAULTS, explain
from gateway.standard.rules import RuleBook
from gateway.standard.xsd import Validator
from tests.unit.standard.material import ON, SCHEMAS, V1, Place, changed, each_type, path_of, places

FIRST_PAYEE: Place = ("Payees", "Payee", 0)


def only(standard: Standard, number: str, place: Place, value: Any, on: date = ON) -> Fault:
    """The one fault that a change of the sample brings, in `validate` and in `check` alike."""
    record = changed(standard.sample(number), place, value)
    faults = standard.validate(number, record, on=on)
    with pytest.raises(MessageError) as caught:
        standard.check(number, record, on=on)
    assert list(caught.value.faults) == faults
    assert len(faults) == 1 and faults[0].path == path_of(place), faults
    return faults[0]


VALUES: list[tuple[str, Place, Any, str, str]] = [
    ("3001", (*FIRST_PAYEE, "PayeeCode"), "91310115T031010275", "standard.check-digit", "30001"),
    ("3001", ("UnifiedDealCode",), "A03-12310000425010220N-20240318-000123-G", "standard.check-digit", "30001"),
    ("3001", (*FIRST_PAYEE, "AcctBankNo"), "102290002917", "standard.check-digit", "30001"),
    ("3001", ("AdmDivCode",), "310999", "standard.unknown-code", "30002"),
    ("3001", ("AdmDivCode",), "310103", "standard.unknown-code", "30002"),
    ("3001", (*FIRST_PAYEE, "FeeKind"), "77", "standard.unknown-code", "30002"),
    ("3001", ("UseDes",), "养" * 101, "standard.gbk-length", "30007"),
    ("3001", ("UseDes",), "养护𠮷", "standard.outside-gbk", "30008"),
    ("3001", (*FIRST_PAYEE, "AcctName"), "公" * 61, "standard.gbk-length", "30007"),
    ("3001", ("ApplyTime",), "20240230094500", "standard.not-a-date", "10003"),
    ("3001", ("ApplyTime",), "2024-02-28", "standard.not-a-date", "10003"),
    ("3001", ("AppAmount",), "12,5", "standard.not-a-number", "10003"),
    ("3001", ("AppAmount",), "2860000.0", "standard.wrong-pattern", "10003"),
    ("3001", ("AppAmount",), "", "standard.empty", "10003"),
    ("3001", ("PeriodNo",), "1.5", "standard.not-a-number", "10003"),
    ("3001", ("PeriodNo",), " 1", "standard.not-a-number", "10003"),
    ("3001", ("PeriodNo",), "0", "standard.wrong-pattern", "10003"),
    ("3001", ("PeriodNo",), "2147483648", "standard.out-of-range", "10003"),
    ("3001", ("Applicant",), "李\x00明", "standard.bad-character", "10003"),
    ("3001", ("Applicant",), "李\ud800明", "standard.bad-character", "10003"),
    ("3001", ("Applicant",), None, "standard.wrong-shape", "10003"),
    ("3001", ("Applicant",), 1, "standard.wrong-shape", "10003"),
    ("3001", ("Applicant",), {"#text": "李明"}, "standard.wrong-shape", "10003"),
    ("3001", ("Applicant",), ["李明", "王芳"], "standard.too-many", "10003"),
    ("3001", ("Attachments",), "x", "standard.wrong-shape", "10003"),
    ("3001", ("Attachments", "Attachment"), {}, "standard.wrong-shape", "10003"),
    ("3001", ("Attachments", "Attachment"), [], "standard.missing-element", "10003"),
    ("1001", ("LegalRoles",), "03;77", "standard.unknown-code", "30002"),
    ("1001", ("LegalCode",), "91310115T031010275", "standard.check-digit", "30001"),
    ("1001", ("PlatformCode",), "12310000425010220M", "standard.check-digit", "30001"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "place", "value", "code", "result"), VALUES)
def test_a_wrong_value_has_its_code_and_place(
    standard: Standard, number: str, place: Place, value: Any, code: str, result: str
) -> None:
    fault = only(standard, number, place, value)
    assert (fault.code, fault.result) == (code, result)
    assert fault.zh and fault.en and "\n" not in fault.en


def test_a_code_is_judged_on_the_day_of_the_message(standard: Standard) -> None:
    record = changed(standard.sample("1001"), ("RegionCode",), "310103")
    assert standard.validate("1001", record, on=date(2010, 5, 1)) == []
    assert standard.check("1001", record, on=date(2010, 5, 1))
    fault = only(standard, "1001", ("RegionCode",), "310103")
    assert "卢湾" in fault.zh and "20240701" in fault.zh


def test_the_kind_of_a_code_decides_whether_its_digits_are_checked(standard: Standard) -> None:
    place: Place = ("Tenderers", "Tenderer", 0)
    sample = standard.sample("2003")
    wrong = changed(sample, (*place, "Code"), "12310000T03101019X")
    for kind, faults in (("97", 1), ("98", 0), (..., 1)):
        record = changed(changed(wrong, (*place, "CodeType"), "97"), (*place, "CodeType"), kind)
        assert len(standard.validate("2003", record, on=ON)) == faults
        assert (standard.advise("2003", record, on=ON)) == []


def test_an_identity_number_is_checked_where_the_document_is_one(standard: Standard) -> None:
    sample = changed(standard.sample("1001"), ("IdNo",), "110105194912310021")
    card = changed(sample, ("IdType",), "01")
    with pytest.raises(MessageError):
        standard.check("1001", card, on=ON)
    assert standard.check("1001", changed(card, ("IdNo",), "11010519491231002X"), on=ON)
    assert [(fault.path, fault.result) for fault in standard.validate("1001", card, on=ON)] == [
        ("IdNo", "30001")
    ]
    assert standard.validate("1001", changed(card, ("IdType",), "02"), on=ON) == []


def test_an_open_table_lets_others_pass(standard: Standard) -> None:
    element = standard.model("4002").find("ExpFuncCode")
    assert element is not None and element.codes == "exp-func" and element.codes_open
    record = changed(standard.sample("4002"), ("ExpFuncCode",), "2999999")
    assert standard.validate("4002", record, on=ON) == []


def test_what_is_sensitive_is_masked_in_a_fault(standard: Standard) -> None:
    fault = only(standard, "3001", (*FIRST_PAYEE, "AcctNo"), "6222 0000 1111 2222")
    assert fault.found == "****2222"
    fault = only(standard, "3001", ("ApplicantPhone",), "1380000" + "1" * 30)
    assert "1380000" not in f"{fault.found}{fault.zh}{fault.en}"
    fault = only(standard, "1001", ("IdNo",), "11010519491231002-")
    assert fault.found == "1***" and "1101" not in f"{fault.zh}{fault.en}"
    long = only(standard, "3001", ("CurrencyCode",), "9" * 500)
    assert len(long.found) < 70


def test_a_warning_does_not_refuse(standard: Standard) -> None:
    sample = standard.sample("1004")
    name = "公" * 40
    record = changed(changed(sample, ("LegalName",), name), ("AcctName",), name)
    assert standard.validate("1004", record, on=ON) == []
    assert standard.check("1004", record, on=ON)
    (warning,) = standard.advise("1004", record, on=ON)
    assert (warning.path, warning.code, warning.expected) == ("AcctName", "standard.gbk-length", "<= 60")


def test_faults_come_in_the_order_of_the_message(standard: Standard) -> None:
    record = standard.sample("3001")
    record["Invoices"]["Invoice"][1]["InvoiceNo"] = "x"
    record["Invoices"]["Invoice"][0]["IssueDate"] = "x"
    record["Payees"]["Payee"][1]["AcctBankNo"] = "102290002917"
    record["InvoiceTotal"] = "1.00"
    del record["PayAppNo"]
    paths = [fault.path for fault in standard.validate("3001", record, on=ON)]
    assert paths == [
        "PayAppNo",
        "Payees/Payee[2]/AcctBankNo",
        "Invoices/Invoice[1]/IssueDate",
        "Invoices/Invoice[2]/InvoiceNo",
        "InvoiceTotal",
    ]


def test_each_check_digit_of_a_code_is_told_apart(standard: Standard) -> None:
    place: Place = ("PlatformCode",)
    assert only(standard, "1001", place, "12310000425010220M").rule == "credit-code"
    assert only(standard, "1001", place, "12310000425010230A").rule in ("credit-code", "organ-code")
    deal: Place = ("UnifiedDealCode",)
    assert only(standard, "3001", deal, "A03-12310000425010220N-20240318-000123-G").rule == "deal-code"


def test_a_name_that_is_nearly_right_is_offered(standard: Standard) -> None:
    record = standard.sample("3001")
    record["AppAmont"] = record.pop("AppAmount")
    missing, unexpected = standard.validate("3001", record, on=ON)
    assert (missing.code, missing.path) == ("standard.missing-element", "AppAmount")
    assert "did you mean AppAmount?" in unexpected.en and unexpected.path == "AppAmont"


def test_the_number_of_faults_is_bounded(standard: Standard) -> None:
    record = standard.sample("3001")
    record["Invoices"]["Invoice"] = [{"x": 1}] * 499
    *named, last = standard.validate("3001", record, on=ON)
    assert len(named) == MAX_FAULTS and (last.code, last.path) == ("standard.more-faults", "")
    assert len(explain(standard.model("3001"), record, standard.values, ON).faults) == MAX_FAULTS
    record = {f"x{index}": 1 for index in range(10_000)}
    assert len(standard.validate("9001", record, on=ON)) < 30


HOSTILE: list[tuple[str, Any]] = [
    ("3001", {f"AppAmont{index}": "1" for index in range(100_000)}),
    ("3001", {"Payees": {"Payee": [{}] * 499}, "Invoices": {"Invoice": [{"x": 1}] * 499}}),
    ("3001", {"Payees": {"Payee": [{"x": ""}] * 300_000}}),
    ("3001", {"UseDes": "养" * 5_000_000, "PayAppNo": "x" * 5_000_000}),
    ("3001", {"x" * 5_000_000: "1", "Applicant": {"x" * 1000: [[[]]] * 1000}}),
    ("1001", {"LegalRoles": ";".join(["77"] * 1_000_000)}),
    ("9003", {"TableId": "a", "Rows": {"Row": [{"Code": "a", "NameZh": "a", "Enabled": "1"}] * 10_000}}),
    ("9003", {"TableId": "a", "Rows": {"Row": [{"Code": "", "ValidFrom": "x"}] * 10_000}}),
]  # fmt: skip


@pytest.mark.parametrize(("number", "record"), HOSTILE)
def test_a_refusal_is_bounded_for_any_input(standard: Standard, number: str, record: Any) -> None:
    """In what it says and in what it costs: a second for megabytes is a hundred times what it takes."""
    started = time.process_time()
    with pytest.raises(MessageError) as caught:
        standard.check(number, standard.from_json(number, record), on=ON)
    refusal = problem.problem(caught.value) + orjson.dumps(refusals.ack(caught.value, number, "0" * 32))
    assert time.process_time() - started < 5
    assert 1 <= len(caught.value.faults) <= MAX_FAULTS + 1
    assert len(refusal) < 3000 * MAX_FAULTS
    assert all(len(fault.path) <= 320 and len(fault.found) <= 64 for fault in caught.value.faults)


@pytest.mark.parametrize("record", [None, [], "x", 5, [{}]])
def test_what_is_no_record_is_refused(standard: Standard, record: Any) -> None:
    assert [fault.code for fault in standard.validate("9001", record, on=ON)] == ["standard.wrong-shape"]
    with pytest.raises(MessageError):
        standard.check("9001", record, on=ON)
    with pytest.raises(MessageError):
        standard.build("9001", record)


@each_type
def test_every_code_of_a_table_and_no_other_passes_where_the_table_is_closed(
    standard: Standard, number: str
) -> None:
    """The generated test and the explanation agree for each leaf with a closed table."""
    sample = standard.sample(number)
    for place, element, value in places(standard.model(number), sample):
        if not element.codes or element.codes_open or element.codes_separator:
            continue
        unknown = "".join("9" if letter.isdigit() else "Z" for letter in value)
        if standard.codes.get(element.codes).is_valid(unknown, ON):
            unknown = unknown.replace("9", "8").replace("Z", "Q")
        faults = standard.validate(number, changed(sample, place, unknown), on=ON)
        assert ("standard.unknown-code", path_of(place)) in [(one.code, one.path) for one in faults], place
        with pytest.raises(MessageError):
            standard.check(number, changed(sample, place, unknown), on=ON)


def test_lxml_has_the_last_word(standard: Standard) -> None:
    """Where lxml refuses what we cannot explain, its own reason is the fault: here, the order of elements."""
    body = standard.build("9003", standard.sample("9003"))
    root = etree.fromstring(body)
    root.append(root[0])
    (fault,) = standard.decide(root)
    assert fault.code == "standard.schema" and "SCHEMAV" in fault.found
    assert standard.decide(etree.fromstring(body)) == []


def test_what_only_lxml_refuses_is_refused(tmp_path: Path) -> None:
    """A validator that knows a facet which the explanation does not: nothing passes in silence."""
    shutil.copytree(V1, tmp_path / "v1")
    types = tmp_path / "v1" / "types.xsd"
    text = types.read_text(encoding="utf-8")
    stricter = text.replace('value="[0-9]{4}"', 'value="[5-9]{4}"')
    assert stricter != text
    types.write_text(stricter, encoding="utf-8")
    schemas = load_schemas(V1)
    standard = Standard(
        SCHEMAS, schemas, CodeTables.load(SCHEMAS / "codes"), RuleBook(), Validator(tmp_path / "v1")
    )
    record = standard.sample("5001")
    assert record["VtCode"] == "5201"
    (fault,) = standard.validate("5001", record, on=ON)
    assert fault.code == "standard.schema" and "5201" not in f"{fault}"
    with pytest.raises(MessageError) as caught:
        standard.check("5001", record, on=ON)
    assert caught.value.faults == (fault,)
