"""Does an invoice agree with itself, and with what was keyed? One thing wrong at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.digests import sm3_hex
from gateway.invoices import inspect_invoice
from gateway.message import Record

from .making import AT, BUYER, E_NO, SELLER, classic, e_invoice

# what is changed in a sound 数电票 → the code and the field of the one fault
FAULTS: dict[str, tuple[dict[str, str], str, str, str]] = {
    "total": ({"TotalTax-includedAmount": "110.00", "words": "壹佰壹拾圆整"}, "invoice.total", "AmountWithTax", "30004"),
    "lines": ({"Amount": "90.00", "Quantity": "", "ComTaxAm": "9.00"}, "invoice.lines", "AmountWithoutTax", "30004"),
    "tax of the lines": ({"ComTaxAm": "8.99"}, "invoice.lines", "TaxAmount", "30004"),
    "words": ({"words": "壹佰玖拾圆整"}, "invoice.words", "AmountWithTax", "30004"),
    "words that are none": ({"words": "一些钱"}, "invoice.words", "AmountWithTax", "30004"),
    "seller": ({"SellerIdNum": "913100001322602500"}, "invoice.check-digit", "SellerTaxNo", "30001"),
    "buyer": ({"BuyerIdNum": "11310000T03101019X"}, "invoice.check-digit", "BuyerTaxNo", "30001"),
    "number": ({"EIid": "26312000000000000018"}, "invoice.number", "", "30005"),
    "short number": ({"EIid": "2631", "InvoiceNumber": "2631"}, "invoice.number", "InvoiceNo", "30001"),
    "no day": ({"IssueTime": "2026-02-30"}, "invoice.day", "IssueDate", "10003"),
    "future": ({"IssueTime": "2026-07-02"}, "invoice.day", "IssueDate", "30005"),
    "no amount": ({"TotalTaxAm": "九元"}, "invoice.amount", "TaxAmount", "10003"),
}  # fmt: skip
WARNINGS: dict[str, tuple[dict[str, str], str, str]] = {
    "rate": ({"ComTaxAm": "3.00", "TotalTaxAm": "3.00", "TotalTax-includedAmount": "103.00", "words": "壹佰零叁圆整"},
             "invoice.line-tax", "Items/Item[1]/TaxAmount"),
    "quantity": ({"Quantity": "5"}, "invoice.line-amount", "Items/Item[1]/Amount"),
    "year": ({"EIid": "25312000000000000017", "InvoiceNumber": "25312000000000000017"}, "invoice.year", "EInvoiceNo"),
    "province": ({"EIid": "26992000000000000017", "InvoiceNumber": "26992000000000000017"}, "invoice.province", "EInvoiceNo"),
    "red without minus": ({"blue": "N", "red": f"<RedEInvoice><OriginalInvoiceCode>{E_NO}</OriginalInvoiceCode></RedEInvoice>"},
                          "invoice.red", "RedFlag"),
}  # fmt: skip
KEYED: Record = {
    "FileType": "02", "InvoiceKind": "31", "EInvoiceNo": E_NO, "IssueDate": "20260630", "SellerTaxNo": SELLER,
    "SellerName": "上海路桥(集团)有限公司", "BuyerTaxNo": BUYER, "BuyerName": "上海市道路运输管理局", "AmountWithoutTax": "100.00",
    "TaxAmount": "9.00", "AmountWithTax": "109.00", "RedFlag": "0", "ScanFlag": "0",
}  # fmt: skip


def test_a_sound_invoice_has_neither_faults_nor_warnings() -> None:
    found = inspect_invoice(e_invoice(), AT)
    assert (found.faults, found.warnings) == ((), ())


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_within_an_invoice_is_named(name: str) -> None:
    changes, code, field, result = FAULTS[name]
    found = inspect_invoice(e_invoice(**changes), AT)
    (fault,) = found.faults
    assert (fault.code, fault.path.partition("#")[2], fault.result) == (code, field, result)
    assert fault.zh and fault.en and fault.found


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_odd_about_an_invoice_is_a_warning(name: str) -> None:
    changes, code, field = WARNINGS[name]
    found = inspect_invoice(e_invoice(**changes), AT)
    assert [(one.code, one.path.partition("#")[2]) for one in found.warnings] == [(code, field)]
    assert not found.faults


def test_the_day_of_issue_is_a_day_in_shanghai() -> None:
    evening = AT + timedelta(hours=15)  # 00:30 of the next day there
    assert not inspect_invoice(e_invoice(IssueTime="2026-07-02"), evening).faults


def test_a_red_letter_invoice_is_told_by_its_label_and_names_its_original() -> None:
    red = {
        "blue": "N", "TotalAmWithoutTax": "-100.00", "TotalTaxAm": "-9.00", "TotalTax-includedAmount": "-109.00",
        "words": "（负）壹佰零玖圆整", "Amount": "-100.00", "ComTaxAm": "-9.00", "Quantity": "-4",
    }  # fmt: skip
    original = "<RedEInvoice><OriginalInvoiceCode>26312000000000000001</OriginalInvoiceCode></RedEInvoice>"
    found = inspect_invoice(e_invoice(**red, red=original), AT)
    assert (found.faults, found.warnings, found.invoice["RedFlag"]) == ((), (), "1")
    assert found.invoice["OriginalEInvoiceNo"] == "26312000000000000001"
    unsigned = inspect_invoice(e_invoice(**red | {"words": "壹佰零玖圆整"}, red=original), AT)
    assert not unsigned.faults
    nameless = inspect_invoice(e_invoice(**red), AT)
    assert [one.path.partition("#")[2] for one in nameless.warnings] == ["OriginalEInvoiceNo"]
    assert inspect_invoice(classic(total="-106.00"), AT).invoice["RedFlag"] == "1"


def test_an_unequal_total_is_told_with_what_was_expected_and_found() -> None:
    fault = inspect_invoice(classic(total="160.00"), AT).faults[0]
    assert (fault.code, fault.expected, fault.found) == ("invoice.total", "106.00", "160.00")


def test_what_was_keyed_rightly_is_confirmed() -> None:
    data = e_invoice()
    keyed = {**KEYED, "FileSize": str(len(data)), "Digest": sm3_hex(data)}
    found = inspect_invoice(data, AT, keyed=keyed)
    assert (found.faults, found.warnings) == ((), ())


@pytest.mark.parametrize(
    ("field", "value"),
    [("EInvoiceNo", "26312000000000000018"), ("InvoiceKind", "32"), ("IssueDate", "20260629"), ("SellerTaxNo", BUYER),
     ("SellerName", "上海路桥有限公司"), ("BuyerTaxNo", SELLER), ("BuyerName", "某局"), ("AmountWithoutTax", "100.01"),
     ("TaxAmount", "0.00"), ("AmountWithTax", "119.00"), ("RedFlag", "1")],
)  # fmt: skip
def test_every_field_that_was_keyed_otherwise_is_named(field: str, value: str) -> None:
    found = inspect_invoice(e_invoice(), AT, keyed={**KEYED, field: value})
    (fault,) = found.faults
    assert (fault.code, fault.path, fault.found) == ("invoice.keyed-differs", field, value)
    assert fault.expected == found.invoice[field]


@pytest.mark.parametrize(
    ("field", "value"), [("FileSize", "1"), ("Digest", "0" * 64), ("FileType", "01"), ("ScanFlag", "1")]
)
def test_what_was_keyed_about_the_file_is_held_against_its_bytes(field: str, value: str) -> None:
    found = inspect_invoice(e_invoice(), AT, keyed={**KEYED, field: value})
    assert [(one.code, one.path, one.found, one.result) for one in found.faults] == [
        ("invoice.file-differs", field, value, "30010")
    ]


def test_what_was_keyed_and_the_file_does_not_say_is_a_warning() -> None:
    found = inspect_invoice(e_invoice(), AT, keyed={"CheckCode": "12345678901234567890"})
    assert not found.faults
    assert [(one.code, one.path) for one in found.warnings] == [("invoice.not-in-file", "CheckCode")]


def test_an_invoice_of_an_application_is_compared_like_an_upload() -> None:
    invoice = {"InvoiceKind": "31", "EInvoiceNo": E_NO, "AmountWithTax": "108.00", "UsedAmount": "50.00"}
    found = inspect_invoice(e_invoice(), AT, keyed=invoice)
    assert [one.path for one in found.faults] == ["AmountWithTax"]
