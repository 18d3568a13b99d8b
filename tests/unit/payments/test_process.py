"""The seven steps and their returns on bare rows: what moves, what is refused, where the money stands."""

from __future__ import annotations

from gateway.payments.case import fen
from gateway.payments.states import MOVES, find_path

from .conftest import (
    CITY,
    DEAL,
    Desk,
    application,
    authority,
    invoice,
    paid,
    push,
    refund,
    returned,
    review,
    status,
    taken,
    withdrawal,
)


def open_case(desk: Desk) -> None:
    desk.walk(("3001", application()))


def codes(finding: object) -> set[str]:
    return {fault.code for fault in finding.faults}  # type: ignore[attr-defined]


def test_a_case_walks_from_the_application_to_the_payment(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken())
    desk.walk(status("42", "1"), authority())
    desk.walk(status("60", "2"), paid())
    assert desk.state() == "70"
    contract = desk.ground.contract("HT-1")
    assert contract is not None
    assert (contract.paid_fen, contract.open_fen) == (60_000_00, 0)
    assert [step.new_state for step in desk.ground.trace] == ["20", "30", "40", "41", "42", "50", "60", "70"]


def test_what_is_applied_for_never_exceeds_the_contract(desk: Desk) -> None:
    open_case(desk)
    finding = desk.judge("3001", application("SQ-2", "40000.01", "2"))
    assert codes(finding) == {"process.above-balance"}
    assert finding.faults[0].result == "30011"
    assert not desk.judge("3001", application("SQ-2", "40000.00", "2")).faults


def test_a_refused_message_changes_nothing(desk: Desk) -> None:
    open_case(desk)
    before = desk.ground.contract("HT-1")
    desk.judge("3001", application("SQ-2", "50000.00", "2"))
    assert desk.ground.contract("HT-1") == before
    assert desk.ground.application("SQ-2") is None


def test_an_invoice_is_not_used_beyond_its_amount_over_live_applications(desk: Desk) -> None:
    shared = {"Invoice": [invoice("26312000000000000009", "60000.00", "50000.00")]}
    desk.walk(("3001", application(amount="50000.00", Invoices=shared)))
    again = {"Invoice": [invoice("26312000000000000009", "60000.00", "10000.01")]}
    finding = desk.judge("3001", application("SQ-2", "10000.01", "2", Invoices=again))
    assert codes(finding) == {"process.invoice-used-up"}
    desk.walk(review("3", "0.00"))
    assert desk.state() == "99"
    assert not desk.judge("3001", application("SQ-2", "10000.01", "2", Invoices=again)).faults


def test_all_faults_are_named_at_once(desk: Desk) -> None:
    body = application("SQ-9", "200000.00")
    body["Payees"]["Payee"][0]["AcctNo"] = "9999"
    body["Invoices"]["Invoice"][0]["SellerTaxNo"] = "91310000631189305E"
    body["Invoices"]["Invoice"][0]["RedFlag"] = "1"
    assert codes(desk.judge("3001", body)) == {
        "process.account-not-registered",
        "process.seller-not-winner",
        "process.red-invoice",
        "process.above-balance",
    }


def test_a_returned_application_is_corrected_and_keeps_the_balance_right(desk: Desk) -> None:
    desk.walk(("3001", application()), review("2"))
    assert desk.state() == "31"
    assert not desk.judge("3001", application(amount="70000.00"), oper_type="2").faults
    contract = desk.ground.contract("HT-1")
    assert contract is not None and contract.open_fen == 70_000_00
    assert desk.state() == "20"


def test_a_push_needs_the_tenderees_approval_and_a_new_voucher_number(desk: Desk) -> None:
    open_case(desk)
    assert "process.not-approved" in codes(desk.judge(*push()))
    desk.walk(review(), push(), taken("4"))
    assert desk.state() == "44"
    assert codes(desk.judge(*push("V1"))) == {"process.voucher-used"}
    desk.walk(push("V2"))
    assert desk.state() == "40"


def test_the_authority_returns_and_the_tenderee_reviews_again(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority("2"))
    assert desk.state() == "43"
    assert "process.not-approved" in codes(desk.judge(*push("V2")))
    desk.walk(review(round_="2"), push("V2"), taken(version="2"), authority(voucher="V2"), paid())
    assert desk.state() == "70"


def test_the_payment_office_returns_and_the_authority_approves_again(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority())
    desk.walk(returned())
    assert desk.state() == "51"
    desk.walk(authority(), paid())
    assert desk.state() == "70"


def test_a_failed_payment_goes_back_inside_the_treasury(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority(), paid("0.00", "2"))
    assert desk.state() == "72"
    desk.walk(returned(), authority(), paid())
    contract = desk.ground.contract("HT-1")
    assert contract is not None and (contract.open_fen, contract.paid_fen) == (0, 60_000_00)


def test_a_refund_frees_the_contracts_balance(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority(), paid())
    desk.walk(refund("-20000.00"))
    assert desk.state() == "81"
    desk.walk(refund("-40000.00", "R2"))
    assert desk.state() == "80"
    contract = desk.ground.contract("HT-1")
    assert contract is not None and contract.paid_fen == 0


def test_the_same_refund_passed_on_by_the_general_platform_moves_nothing(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority(), paid())
    desk.walk(refund("-20000.00"))
    finding = desk.judge(*refund("-20000.00")[:2])
    assert not finding.faults
    found = desk.ground.application("SQ-1")
    assert found is not None and found.refunded_fen == 20_000_00


def test_a_withdrawal_after_the_push_waits_for_the_treasury(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken())
    finding = desk.judge(*withdrawal())
    assert finding.pushed_treasury == CITY
    assert desk.state() == "41"
    desk.walk(taken("3", of="3004"))
    assert desk.state() == "90"
    contract = desk.ground.contract("HT-1")
    assert contract is not None and contract.open_fen == 0


def test_nothing_paid_is_ever_withdrawn(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority(), paid())
    assert codes(desk.judge(*withdrawal())) == {"process.already-paid"}


def test_facts_from_the_treasury_are_parked_never_refused(desk: Desk) -> None:
    open_case(desk)
    finding = desk.judge(*paid()[:2], sender=CITY)
    assert finding.parked and not finding.faults
    assert desk.state() == "20"
    unknown = desk.judge("5001", {**paid()[1], "PayAppNo": "SQ-X"}, sender=CITY)
    assert unknown.parked and not unknown.faults


def test_a_late_status_is_stored_and_not_applied(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken())
    desk.walk(status("42", "2"))
    finding = desk.judge(*status("42", "1")[:2], sender=CITY)
    assert finding.parked
    assert desk.ground.trace[-1].applied is False


def test_what_coverage_does_not_include_is_refused_with_what_it_does(desk: Desk) -> None:
    from dataclasses import replace

    contract = desk.ground.contract("HT-1")
    assert contract is not None
    desk.ground.load([replace(contract, project_kind="02")])
    finding = desk.judge("3001", application())
    assert [fault.result for fault in finding.faults] == ["30009"]
    assert "2027-01-01" in finding.faults[0].en and "2021-03-31" in finding.faults[0].zh


def test_two_payees_are_paid_line_by_line(desk: Desk) -> None:
    desk.walk(("3001", application()), review(), push(), taken(), authority(), paid("20000.00", line="1"))
    assert desk.state() == "60"
    desk.walk(paid("40000.00", line="2"))
    assert desk.state() == "70"


def test_an_ended_contract_takes_no_push(desk: Desk) -> None:
    desk.walk(("3001", application()), review())
    assert not desk.judge("2005", {"UnifiedDealCode": DEAL, "ExceptionType": "9"}, sender="GGZY-JSGC").faults
    assert codes(desk.judge(*push())) == {"process.contract-ended"}
    assert not desk.judge(*withdrawal()).faults
    assert desk.state() == "90"


def test_no_state_that_was_paid_leads_to_withdrawn_or_void() -> None:
    for state in ("60", "70", "71", "72", "80", "81", "50", "51"):
        assert not MOVES[state] & {"90", "99"}


def test_a_walk_steps_only_on_what_the_message_implies() -> None:
    assert find_path("50", "70", frozenset({"60"})) == ("60", "70")
    assert find_path("42", "70", frozenset({"60"})) is None
    assert find_path("81", "81") == ("81",)


def test_amounts_are_exact_fen() -> None:
    assert fen("0.29") == 29
    assert fen("999999999999999.99") == 99999999999999999
