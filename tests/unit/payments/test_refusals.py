"""Each code of the process's refusals and parkings, by a message that earns it and a like one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import HTTP_STATUS
from gateway.message import Record
from gateway.payments.case import Finding
from gateway.payments.faults import PARKED, REFUSALS, make_fault
from gateway.payments.ground import BusinessObject, Contract, InvoiceUse

from .conftest import (
    CITY,
    DEAL,
    TENDERER,
    WINNER,
    Desk,
    application,
    approved,
    at_bank,
    authority,
    invoice,
    opened,
    paid,
    payees,
    push,
    pushed,
    refund,
    returned,
    review,
    status,
    taken,
    withdrawal,
)

OTHER = "91310000631189305E"
NUMBER = "26312000000000000009"
Act = Callable[[Desk], Finding]


def refused(code: str, finding: Finding, path: str = "") -> None:
    """The code is there, once, with its CT-RESULT and its place."""
    found = [fault for fault in finding.faults if fault.code == f"process.{code}"]
    assert len(found) == 1, finding.faults
    assert found[0].result == REFUSALS[code].result and HTTP_STATUS[found[0].result] in (403, 409, 422)
    assert not path or found[0].path == path
    assert found[0].zh != found[0].en and "{" not in found[0].zh + found[0].en


def with_invoice(one: Record, **more: Any) -> Record:
    return application(**{"Invoices": {"Invoice": [one]}, **more})


def contract(desk: Desk, **changes: Any) -> Desk:
    known = desk.ground.contract("HT-1")
    assert known is not None
    desk.ground.load([replace(known, **changes)])
    return desk


def contract_record(**more: Any) -> Record:
    return {
        "ContractNo": "HT-2",
        "UnifiedDealCode": DEAL,
        "PayAdmDivCode": "310000",
        "ProjectKind": "01",
        "ContractPrice": "1000.00",
        "Tenderers": {"Tenderer": [{"Code": TENDERER}]},
        "Bidders": {"Bidder": [{"Code": WINNER}]},
        **more,
    }


def account_record(**more: Any) -> Record:
    one = {"LegalCode": WINNER, "LegalName": "甲公司", "AcctNo": "1", "AcctName": "甲公司", "AcctKind": "1"}
    return {**one, "AcctBankNo": "102290002916", "ValidFrom": "20260101", **more}


def scan(number: str, digest: str = "d1") -> Record:
    one = {**invoice("", "60000.00"), "InvoiceCode": "031001900104", "InvoiceNo": number}
    return {**one, "ScanFlag": "1", "Digest": digest}


def notice(kind: str, *recipients: tuple[str, str]) -> Record:
    listed = [{"LegalCode": code, "Role": role} for code, role in recipients]
    return {"PayAppNo": "SQ-1", "NoticeType": kind, "Recipients": {"Recipient": listed}}


def subject(desk: Desk, status_: str = "1") -> Desk:
    desk.ground.load([BusinessObject("subject", WINNER, "G", "", {"name": "甲公司", "status": status_})])
    return desk


def awarded(desk: Desk, winners: str = WINNER) -> Desk:
    desk.ground.load([BusinessObject("award", DEAL, "GGZY-JSGC", DEAL, {"winners": winners})])
    return desk


def second(desk: Desk, **more: Any) -> Finding:
    return desk.judge("3001", application("SQ-2", "1000.00", "2", **more))


SUB = "GGZY-JSGC"
# code → (path, what earns it)
EARNED: dict[str, tuple[str, Act]] = {
    "unknown-parent": ("LegalCode", lambda d: d.judge("1004", account_record())),
    "unknown-contract": ("ContractNo", lambda d: d.judge("3001", application(ContractNo="HT-9"))),
    "unknown-application": ("PayAppNo", lambda d: d.judge(*review())),
    "not-the-owner": (
        "ContractNo",
        lambda d: d.judge("2004", {"ContractNo": "HT-1", "ChangeType": "4"}, sender="GGZY-ZFCG"),
    ),
    "not-the-treasury": (
        "PayAppNo",
        lambda d: pushed(d).judge(*authority()[:2], sender="CZ-ZFPT-310115"),
    ),
    "oper-type-not-allowed": ("", lambda d: d.judge("3001", application(), oper_type="3")),
    "account-name": ("AcctName", lambda d: subject(d).judge("1004", account_record(AcctName="甲公司二部"))),
    "subject-not-active": ("LegalCode", lambda d: subject(d, "3").judge("1004", account_record())),
    "not-the-winner": (
        "Bidders/Bidder[1]/Code",
        lambda d: awarded(d, OTHER).judge("2003", contract_record(), sender=SUB),
    ),
    "payee-not-winner": (
        "Payees/Payee[1]/PayeeCode",
        lambda d: contract(d, winners=(OTHER,)).judge("3001", application()),
    ),
    "account-not-registered": (
        "Payees/Payee[1]/AcctNo",
        lambda d: d.judge("3001", application(Payees=payees("60000.00", "7777"))),
    ),
    "account-not-valid": (
        "Payees/Payee[1]/AcctNo",
        lambda d: (
            d.ground.load(
                [
                    BusinessObject(
                        "account", f"{WINNER}|7777|102290002916", "G", "", {"from": "20260101", "to": "20260430"}
                    )
                ]
            )
            or d.judge("3001", application(Payees=payees("60000.00", "7777")))
        ),
    ),
    "payee-not-applied-for": (
        "Payees/Payee[1]/Amount",
        lambda d: approved(d).judge(*push(Payees=payees("60000.01"))),
    ),
    "seller-not-winner": (
        "Invoices/Invoice[1]/SellerTaxNo",
        lambda d: d.judge("3001", with_invoice({**invoice(NUMBER, "60000.00"), "SellerTaxNo": OTHER})),
    ),
    "buyer-not-tenderer": (
        "Invoices/Invoice[1]/BuyerTaxNo",
        lambda d: d.judge("3001", with_invoice({**invoice(NUMBER, "60000.00"), "BuyerTaxNo": OTHER})),
    ),
    "no-authority": ("TendererCode", lambda d: approved(d).judge(*push(AdmDivCode="310115"))),
    "not-the-authority": (
        "AuthorityCode",
        lambda d: approved(d).judge(*push(AuthorityCode="11310000T03101019L")),
    ),
    "not-the-contract": ("AdmDivCode", lambda d: d.judge("3001", application(AdmDivCode="310115"))),
    "not-the-case": ("UnifiedDealCode", lambda d: approved(d).judge(*push(UnifiedDealCode="A09"))),
    "recipient-not-a-party": (
        "Recipients/Recipient[2]/LegalCode",
        lambda d: opened(d).judge("4004", notice("02", (TENDERER, "01"), (TENDERER, "03"))),
    ),
    "recipient-missing": ("Recipients", lambda d: opened(d).judge("4004", notice("02", (WINNER, "03")))),
    "outside-coverage": ("ContractNo", lambda d: contract(d, project_kind="02").judge("3001", application())),
    "contract-ended": ("ContractNo", lambda d: contract(d, state="ended").judge("3001", application())),
    "contract-in-use": (
        "ContractNo",
        lambda d: awarded(opened(d)).judge(
            "2003", contract_record(ContractNo="HT-1"), sender=SUB, oper_type="3"
        ),
    ),
    "application-exists": ("PayAppNo", lambda d: opened(d).judge("3001", application(period="2"))),
    "node-taken": ("PeriodNo", lambda d: opened(d).judge("3001", application("SQ-2", "1000.00", "1"))),
    "state-not-allowed": ("PayAppNo", lambda d: pushed(d).judge(*review())),
    "already-paid": ("PayAppNo", lambda d: (d.walk(), at_bank(d).walk(paid()), d.judge(*withdrawal()))[-1]),
    "withdrawal-pending": (
        "PayAppNo",
        lambda d: (pushed(d).walk(withdrawal()), d.judge(*withdrawal()))[-1],
    ),
    "round-passed": (
        "ReviewRound",
        lambda d: (opened(d).walk(review(round_="2")), d.judge(*review(round_="1")))[-1],
    ),
    "not-approved": ("PayAppNo", lambda d: opened(d).judge(*push())),
    "voucher-used": (
        "VoucherNo",
        lambda d: (pushed(d).walk(taken("4")), d.judge(*push("V1")))[-1],
    ),
    "year-closed": ("StYear", lambda d: approved_in_2025(d).judge(*push(StYear="2025"))),
    "approved-above-applied": ("ApprovedAmount", lambda d: opened(d).judge(*review(amount="60000.01"))),
    "approved-above-pushed": (
        "ApprovedAmount",
        lambda d: (pushed(d).walk(taken()), d.judge("4003", {**authority()[1], "ApprovedAmount": "60000.01"}, sender=CITY))[-1],
    ),
    "not-the-approved-amount": (
        "PayAmt",
        lambda d: approved(d).judge(*push(amount="59999.99")),
    ),
    "contract-without-price": ("ContractNo", lambda d: contract(d, price_fen=0).judge("3001", application())),
    "above-balance": ("AppAmount", lambda d: opened(d).judge("3001", application("SQ-2", "40000.01", "2"))),
    "price-below-paid": (
        "NewContractPrice",
        lambda d: opened(d).judge(
            "2004", {"ContractNo": "HT-1", "ChangeType": "1", "NewContractPrice": "59999.99"}, sender=SUB
        ),
    ),
    "red-invoice": (
        "Invoices/Invoice[1]/RedFlag",
        lambda d: d.judge("3001", with_invoice({**invoice(NUMBER, "-60000.00", "1.00"), "RedFlag": "1"})),
    ),
    "invoice-cancelled": (
        "Invoices/Invoice[1]",
        lambda d: (checked(d, NUMBER, "3"), d.judge("3001", with_invoice(invoice(NUMBER, "60000.00"))))[-1],
    ),
    "invoice-twice": (
        "Invoices/Invoice[2]",
        lambda d: d.judge("3001", application(Invoices={"Invoice": [invoice(NUMBER, "60000.00", "1.00")] * 2})),
    ),
    "invoice-used-up": (
        "Invoices/Invoice[1]/UsedAmount",
        lambda d: second(
            opened(d, Invoices={"Invoice": [invoice(NUMBER, "60000.00")]}),
            Invoices={"Invoice": [invoice(NUMBER, "60000.00", "0.01")]},
        ),
    ),
    "invoice-amount-differs": (
        "Invoices/Invoice[1]/AmountWithTax",
        lambda d: second(
            opened(d, Invoices={"Invoice": [invoice(NUMBER, "60000.00", "1.00")]}),
            Invoices={"Invoice": [invoice(NUMBER, "90000.00", "1.00")]},
        ),
    ),
    "scan-used": (
        "Invoices/Invoice[1]/Digest",
        lambda d: second(
            opened(d, Invoices={"Invoice": [scan("00000001")]}), Invoices={"Invoice": [scan("00000002")]}
        ),
    ),
    "invoice-not-applied-for": (
        "Invoices/Invoice[1]",
        lambda d: approved(d).judge(*push(Invoices={"Invoice": [invoice(NUMBER, "60000.00")]})),
    ),
}  # fmt: skip


def approved_in_2025(desk: Desk) -> Desk:
    approved(desk)
    known = desk.ground.application("SQ-1")
    assert known is not None
    desk.ground.load([replace(known, st_year="2025")])
    return desk


def checked(desk: Desk, key: str, result: str, at: str = "20260501120000") -> Finding:
    return desk.judge("3003", {"InvoiceKey": key, "CheckTime": at, "Result": result})


@pytest.mark.parametrize("code", REFUSALS)
def test_each_rule_refuses_with_its_own_code_at_its_place(desk: Desk, code: str) -> None:
    path, act = EARNED[code]
    refused(code, act(desk), path)


@pytest.mark.parametrize(
    ("why", "act"),
    [
        ("unknown-application", lambda d: d.judge(*paid())),
        ("other-treasury", lambda d: at_bank(d).judge(*paid()[:2], "CZ-ZFPT-310115")),
        ("state", lambda d: pushed(d).judge(*paid())),
        ("late", lambda d: d.judge(*status("42", "1", "V0")[:2], sender=CITY) if pushed(d) else None),
        ("repeated", lambda d: (at_bank(d).walk(paid("20000.00")), d.judge(*paid("20000.00")))[-1]),
        ("amount", lambda d: at_bank(d).judge(*paid("60000.01"))),
        ("not-asked", lambda d: pushed(d).judge(*taken(of="3004")[:2], sender=CITY)),
    ],
)
def test_each_reason_to_park_is_told_and_changes_nothing(desk: Desk, why: str, act: Act) -> None:
    finding = act(desk)
    assert (finding.parked, finding.faults) == (why, [])
    if finding.application:
        step = desk.ground.trace[-1]
        assert (step.applied, step.result) == (False, PARKED[why].zh)
        assert step.old_state == step.new_state == desk.state()


def test_every_reason_to_park_is_tested() -> None:
    marks = test_each_reason_to_park_is_told_and_changes_nothing.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(PARKED)


def test_a_code_that_the_table_has_not_cannot_be_told() -> None:
    with pytest.raises(KeyError):
        make_fault("no-such-code", "X")


# the other side: what is lawful passes
def test_a_notice_to_the_parties_of_the_case_passes(desk: Desk) -> None:
    opened(desk)
    for body in (
        notice("01", (WINNER, "03")),
        notice("02", (TENDERER, "04"), (WINNER, "06")),
        notice("04", (OTHER, "21")),
    ):
        assert not desk.judge("4004", body).faults


def test_a_consortiums_member_sells_and_is_paid(desk: Desk) -> None:
    contract(desk, winners=(OTHER, WINNER))
    assert not desk.judge("3001", application()).faults


def test_a_wage_account_may_have_a_name_that_begins_with_the_subjects(desk: Desk) -> None:
    subject(desk)
    wages = account_record(AcctKind="3", AcctName="甲公司农民工工资专用账户")
    assert not desk.judge("1004", wages).faults


def test_a_revoked_account_is_paid_no_more(desk: Desk) -> None:
    subject(desk)
    own = account_record(AcctNo="6222", ValidFrom="20260101")
    assert not desk.judge("1004", own, oper_type="3").faults
    refused("account-not-registered", desk.judge("3001", application()))


def test_a_retention_release_uses_an_earlier_invoice_again(desk: Desk) -> None:
    opened(desk, Invoices={"Invoice": [invoice(NUMBER, "100000.00", "60000.00")]})
    assert not second(desk, Invoices={"Invoice": [invoice(NUMBER, "100000.00", "40000.00")]}).faults


def test_the_same_scan_under_the_same_number_is_the_same_invoice(desk: Desk) -> None:
    opened(desk, Invoices={"Invoice": [{**scan("00000001"), "UsedAmount": "50000.00"}]})
    again = {**scan("00000001"), "UsedAmount": "10000.00"}
    assert not second(desk, Invoices={"Invoice": [again]}).faults
    refused(
        "invoice-used-up", desk.judge("3001", application("SQ-3", "1.00", "3", Invoices={"Invoice": [again]}))
    )


def test_a_scan_without_a_number_is_known_by_its_digest(desk: Desk) -> None:
    receipt = {**invoice("", "60000.00"), "ScanFlag": "0", "Digest": "d2", "InvoiceKind": "90"}
    opened(desk, Invoices={"Invoice": [receipt]})
    refused("invoice-used-up", second(desk, Invoices={"Invoice": [{**receipt, "UsedAmount": "0.01"}]}))


def test_an_invoice_with_two_kinds_of_number_is_caught_by_either(desk: Desk) -> None:
    both = {**invoice(NUMBER, "60000.00"), "InvoiceCode": "031001900104", "InvoiceNo": "00000007"}
    opened(desk, Invoices={"Invoice": [both]})
    classic = {**both, "EInvoiceNo": "", "UsedAmount": "0.01"}
    refused("invoice-used-up", second(desk, Invoices={"Invoice": [classic]}))


def test_what_an_ended_application_used_is_free_again_and_what_was_paid_is_not(desk: Desk) -> None:
    used = {"Invoice": [invoice(NUMBER, "60000.00")]}
    opened(desk, Invoices=used)
    desk.walk(withdrawal())
    assert not second(desk, Invoices=used).faults
    again = Desk()
    opened(again, Invoices=used)
    again.walk(review(), push(Invoices=used), taken(), authority(), paid())
    refused("invoice-used-up", second(again, Invoices=used))


def test_a_red_letter_invoice_takes_its_amount_from_the_one_it_names(desk: Desk) -> None:
    red = {"EInvoiceNo": "R1", "OriginalEInvoiceNo": NUMBER, "RedFlag": "1", "AmountWithTax": "-20000.00"}
    assert not desk.judge("3002", red).faults
    assert not desk.judge("3002", red).faults  # told twice, it counts once
    finding = desk.judge("3001", with_invoice(invoice(NUMBER, "60000.00")))
    refused("invoice-used-up", finding)
    assert finding.faults[0].expected == "<= 40000.00"
    desk.judge("3002", {**red, "EInvoiceNo": "R2", "AmountWithTax": "-40000.00"})
    refused("invoice-cancelled", desk.judge("3001", with_invoice(invoice(NUMBER, "60000.00"))))


def test_an_invoice_that_was_cancelled_after_the_application_is_not_pushed(desk: Desk) -> None:
    approved(desk)
    checked(desk, "26311000000000000001", "4")
    refused("invoice-cancelled", desk.judge(*push()), "Invoices/Invoice[1]")


def test_an_older_check_that_comes_late_does_not_count(desk: Desk) -> None:
    checked(desk, NUMBER, "1", "20260501120000")
    assert checked(desk, NUMBER, "3", "20260501110000").parked == "late"
    assert not desk.judge("3001", with_invoice(invoice(NUMBER, "60000.00"))).faults


def test_the_tax_bureau_need_not_know_a_document_without_a_number(desk: Desk) -> None:
    receipt = {**invoice("", "60000.00"), "Digest": "d3"}
    checked(desk, "digest:d3", "5")
    assert not desk.judge("3001", with_invoice(receipt)).faults


def test_a_correction_stays_on_its_contract_and_its_node_stays_free(desk: Desk) -> None:
    desk.ground.load([Contract("HT-2", SUB, "D2", "", (TENDERER,), (WINNER,), 10**8, "310000", "01")])
    desk.walk(("3001", application()), review("2"), ("3001", application("SQ-2", "1000.00", "2")))
    moved = desk.judge("3001", application(ContractNo="HT-2"), oper_type="2")
    refused("not-the-case", moved, "ContractNo")
    refused("node-taken", desk.judge("3001", application(period="2"), oper_type="2"))
    first, other = desk.ground.contract("HT-1"), desk.ground.contract("HT-2")
    assert first is not None and other is not None
    assert (first.open_fen, other.open_fen) == (61_000_00, 0)


def test_a_corrected_application_counts_its_own_invoices_once(desk: Desk) -> None:
    desk.walk(("3001", application()), review("2"))
    assert not desk.judge("3001", application(), oper_type="2").faults
    assert desk.ground.uses_of("26311000000000000001") == [
        InvoiceUse("26311000000000000001", "SQ-1", 60_000_00, 60_000_00)
    ]


def test_what_was_paid_in_part_is_pushed_again_for_the_rest(desk: Desk) -> None:
    at_bank(desk).walk(paid("20000.00", "3"), returned(), authority("2"), review(round_="2"))
    refused("not-the-approved-amount", desk.judge(*push("V2")))
    desk.walk(push("V2", "40000.00"), taken(version="2"), authority(voucher="V2"), paid("40000.00", line="2"))
    assert desk.state() == "70"
    known = desk.ground.contract("HT-1")
    assert known is not None and (known.paid_fen, known.open_fen) == (60_000_00, 0)


def test_an_authority_that_approves_less_is_paid_to_the_end_with_less(desk: Desk) -> None:
    pushed(desk).walk(taken())
    desk.walk(("4003", {**authority()[1], "ApprovedAmount": "50000.00"}, CITY), paid("50000.00"))
    assert desk.state() == "70"
    known = desk.ground.contract("HT-1")
    assert known is not None and (known.paid_fen, known.open_fen) == (50_000_00, 0)


def test_words_about_an_earlier_push_are_stored_and_not_applied(desk: Desk) -> None:
    pushed(desk).walk(taken("4"), push("V2"))
    for number, body, sender in (taken("3"), authority(), status("42", "1")):
        assert desk.judge(number, body, sender=sender).parked == "late"
    assert desk.judge(*returned()).parked == "late"
    assert desk.state() == "40"
    desk.walk(taken(version="2"))
    assert desk.state() == "41"


def test_a_line_of_money_that_comes_back_changed_is_booked_once(desk: Desk) -> None:
    at_bank(desk).walk(paid("20000.00"))
    number, body, sender = paid("20000.00")
    assert desk.judge(*(number, {**body, "XAddWord": "更正附言"}, sender)).parked == "repeated"
    desk.walk(paid("40000.00", line="2"), refund("-10000.00"))
    assert desk.judge(*refund("-10000.00")).parked == "repeated"
    known = desk.ground.contract("HT-1")
    assert known is not None and known.paid_fen == 50_000_00


def paid_elsewhere(desk: Desk, treasury: str) -> None:
    """A second application on the contract, at the bank of `treasury`."""
    one = application("SQ-2", "20000.00", "2")
    desk.walk(("3001", one), ("4001", {**review(amount="20000.00")[1], "PayAppNo": "SQ-2"}))
    desk.walk(push("V2", "20000.00", **{**one, "AdmDivCode": "310000"}))
    known = desk.ground.application("SQ-2")
    assert known is not None
    desk.ground.load([replace(known, treasury=treasury)])
    for number, body, _ in (taken(), authority(voucher="V2")):
        desk.walk(
            (
                number,
                {**body, "PayAppNo": "SQ-2", **({"BizKey": "SQ-2"} if number == "8002" else {})},
                treasury,
            )
        )


def test_two_treasuries_may_number_their_orders_alike(desk: Desk) -> None:
    """Seen in the demo: both began with order 2 in the same second, and the second payment was parked."""
    pudong = "CZ-ZFPT-310115"
    paid_elsewhere(at_bank(desk), pudong)
    for number, body, _ in (paid("20000.00", "3"), refund("-10000.00")):
        desk.walk((number, body, CITY), (number, {**body, "PayAppNo": "SQ-2"}, pudong))
    known = desk.ground.contract("HT-1")
    assert known is not None and known.paid_fen == 20_000_00


def test_a_treasury_that_tells_one_line_for_two_applications_is_booked_once(desk: Desk) -> None:
    paid_elsewhere(at_bank(desk), CITY)
    of_other = {"PayAppNo": "SQ-2"}
    number, body, _ = paid("10000.00", "3", line="2")
    desk.walk(paid("20000.00", "3"), (number, {**body, **of_other}, CITY), refund("-10000.00"))
    for number, body, _ in (paid("10000.00", "3"), refund("-10000.00")):
        assert desk.judge(*(number, {**body, **of_other}, CITY)).parked == "repeated"
    known = desk.ground.contract("HT-1")
    assert known is not None and known.paid_fen == 20_000_00


def test_a_failed_line_does_not_hide_the_money_of_another(desk: Desk) -> None:
    at_bank(desk).walk(paid("0.00", "2"), paid("40000.00", line="2"))
    assert desk.state() == "72"
    desk.walk(returned(), authority(), paid("20000.00", line="3"))
    assert desk.state() == "70"


def test_a_withdrawal_that_the_treasury_declines_leaves_the_case_where_it_is(desk: Desk) -> None:
    pushed(desk).walk(withdrawal(), taken("4", of="3004"))
    assert desk.state() == "40"
    desk.walk(withdrawal(), taken("3", of="3004", version="2"))
    assert desk.state() == "90"


def test_a_receipt_that_only_informs_moves_nothing_and_keeps_the_withdrawal_waiting(desk: Desk) -> None:
    pushed(desk).walk(withdrawal(), taken("1", of="3004"), taken("5"))
    assert desk.state() == "40"
    refused("withdrawal-pending", desk.judge(*withdrawal()))


def test_a_case_that_leaves_the_treasury_waits_for_no_withdrawal(desk: Desk) -> None:
    pushed(desk).walk(taken(), withdrawal(), authority("2"))
    assert desk.judge(*taken(of="3004")[:2], sender=CITY).parked == "not-asked"
    desk.walk(withdrawal())
    assert desk.state() == "90"


def test_the_fiscal_year_rolls_over_and_never_back(desk: Desk) -> None:
    approved_in_2025(desk)
    assert not desk.judge(*push(StYear="2026")).faults
    again = approved(Desk())
    refused("not-the-case", again.judge(*push(StYear="2025")), "StYear")


def test_every_fault_of_an_application_is_named_at_once(desk: Desk) -> None:
    opened(desk, Invoices={"Invoice": [invoice(NUMBER, "60000.00")]})
    contract(desk, state="ended", project_kind="02")
    body = application("SQ-2", "50000.00", "1", Payees=payees("50000.00", "7777"), AdmDivCode="310115")
    body["Invoices"] = {
        "Invoice": [
            {**invoice(NUMBER, "70000.00"), "SellerTaxNo": OTHER, "BuyerTaxNo": OTHER},
            {**invoice("26312000000000000010", "1.00"), "RedFlag": "1"},
        ]
    }
    assert {fault.code.removeprefix("process.") for fault in desk.judge("3001", body).faults} == {
        "contract-ended", "not-the-contract", "node-taken", "account-not-registered", "seller-not-winner",
        "buyer-not-tenderer", "invoice-amount-differs", "invoice-used-up", "red-invoice", "outside-coverage",
        "above-balance",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AdmDivCode", "310115"),
        ("ProjectKind", "02"),
        ("UnifiedDealCode", "A09"),
        ("BidSectionCode", "S9"),
        ("TendererCode", OTHER),
    ],
)
def test_an_application_repeats_its_contract(desk: Desk, name: str, value: str) -> None:
    refused("not-the-contract", desk.judge("3001", application(**{name: value})), name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AdmDivCode", "310115"),
        ("ProjectKind", "02"),
        ("UnifiedDealCode", "A09"),
        ("ContractNo", "HT-9"),
        ("TendererCode", OTHER),
        ("StYear", "2024"),
    ],
)
def test_a_push_repeats_its_application(desk: Desk, name: str, value: str) -> None:
    refused("not-the-case", approved(desk).judge(*push(**{name: value})), name)


def test_a_review_is_of_the_contracts_tenderee(desk: Desk) -> None:
    number, body = review()
    refused("not-the-case", opened(desk).judge(number, {**body, "TendererCode": OTHER}), "TendererCode")


@pytest.mark.parametrize(
    ("number", "path", "body"),
    [
        ("2001", "ProjectCode", {"ProjectCode": "P1"}),
        ("2006", "TenderProjectCode", {"TenderProjectCode": "T1"}),
        ("2007", "UnifiedDealCode", {"TenderProjectCode": "T1", "UnifiedDealCode": "D1"}),
        ("2002", "UnifiedDealCode", {"UnifiedDealCode": "D1", "Bidders": {"Bidder": [{"Code": WINNER}]}}),
    ],
)
def test_nobody_changes_the_trade_data_of_another_platform(
    desk: Desk, number: str, path: str, body: Record
) -> None:
    for before, of in (("T1", "tender-project"), ("D1", "deal")):
        desk.ground.load([BusinessObject(of, before, SUB)])
    assert not desk.judge(number, body, sender=SUB).faults
    refused("not-the-owner", desk.judge(number, body, sender="GGZY-ZFCG"), path)
    assert not desk.judge(number, body, sender=SUB).faults


def test_what_is_revoked_counts_as_unknown_until_it_is_told_again(desk: Desk) -> None:
    deal = {"TenderProjectCode": "T1", "UnifiedDealCode": "D1"}
    tender = {"TenderProjectCode": "T1"}
    assert not desk.judge("2006", tender, sender=SUB).faults
    assert not desk.judge("2006", tender, sender=SUB, oper_type="3").faults
    refused("unknown-parent", desk.judge("2007", deal, sender=SUB), "TenderProjectCode")
    assert not desk.judge("2007", deal, sender=SUB, oper_type="3").faults
    assert not desk.judge("2006", tender, sender=SUB).faults
    assert not desk.judge("2007", deal, sender=SUB).faults


def test_a_contract_without_payments_can_be_revoked_and_takes_no_application_then(desk: Desk) -> None:
    awarded(desk)
    record = contract_record(ContractNo="HT-1")
    assert not desk.judge("2003", record, sender=SUB, oper_type="3").faults
    refused("contract-ended", desk.judge("3001", application()))


def test_a_status_that_the_treasury_does_not_report_is_stored_and_not_applied(desk: Desk) -> None:
    """6003 is theirs for 42 and 60 alone (DECISIONS.md 10)."""
    pushed(desk).walk(taken())
    assert desk.judge(*status("50", "1")[:2], sender=CITY).parked == "state"
    assert desk.state() == "41"
    desk.walk(status("42", "1"))  # what was not applied does not count
