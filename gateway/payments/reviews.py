"""Steps 4 and 5: reviews move the application by the table."""

from __future__ import annotations

from dataclasses import replace

from gateway.payments.applications import end_application, refuse_state
from gateway.payments.case import Case, Finding, about, fen, park, step_of, yuan
from gateway.payments.ground import Application, Contract, Ground
from gateway.payments.moves import Ask, find_ask
from gateway.payments.states import AT_TREASURY

_PASSED = "1"
_RETURNED = frozenset({"31", "43"})  # the tenderee has to review again


def move(
    case: Case, ground: Ground, finding: Finding, application: Application, contract: Contract, ask: Ask
) -> None:
    """What a row of the table asks: walk, keep the money right, write the trace. Where the state does not
    allow it, a fact is parked and anything else refused."""
    path = ask.path_from(application.state)
    if path is None:
        refuse_or_park(case, ground, finding, application, ask)
        return
    if ask.money == "release":
        if application.paid_fen:
            finding.refuse("already-paid", "PayAppNo", found=application.state)
            return
        end_application(case, ground, application, contract, ask.target, node=ask.node)
        return
    target = path[-1] if path else application.state
    moved = replace(application, state=target, state_at=case.at)
    if target not in AT_TREASURY:
        moved = replace(moved, withdrawal="")
    if target in _RETURNED:
        moved = replace(moved, review_result="")
    ground.put(moved)
    ground.add_step(step_of(case, application, target, node=ask.node))


def refuse_or_park(case: Case, ground: Ground, finding: Finding, application: Application, ask: Ask) -> None:
    if case.fact:
        park(case, ground, finding, application, "state", ask.node)
        return
    refuse_state(finding, application.state, ask)


def is_of_another_push(case: Case, application: Application) -> bool:
    """Does the message speak of a voucher that is not the application's newest?"""
    return str(case.body.get("VoucherNo", application.voucher_no)) != application.voucher_no


def judge_tenderee_review(case: Case, ground: Ground, finding: Finding) -> None:
    """4001: at most what was applied for, in a round not before the last one."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    _check_review(case, finding, application, contract)
    body = case.body
    reviewed = replace(application, review_result=body["ReviewResult"], round=int(body["ReviewRound"]))
    if body["ReviewResult"] == _PASSED:
        reviewed = replace(reviewed, approved_fen=fen(body.get("ApprovedAmount")))
    ask = find_ask(case.number, body)
    if ask is not None:
        move(case, ground, finding, reviewed, contract, ask)


def _check_review(case: Case, finding: Finding, application: Application, contract: Contract) -> None:
    body, approved = case.body, fen(case.body.get("ApprovedAmount"))
    if body["ReviewResult"] == _PASSED and approved > application.app_fen:
        expected = f"<= {yuan(application.app_fen)}"
        finding.refuse("approved-above-applied", "ApprovedAmount", expected=expected, found=yuan(approved))
    tenderer = body.get("TendererCode", application.tenderer)
    if tenderer not in (application.tenderer, *contract.tenderers):
        expected = ";".join(contract.tenderers)
        finding.refuse("not-the-case", "TendererCode", expected=expected, found=tenderer)
    if int(body["ReviewRound"]) < application.round:
        expected = f">= {application.round}"
        finding.refuse("round-passed", "ReviewRound", expected=expected, found=str(body["ReviewRound"]))
    if application.withdrawal:
        finding.refuse("withdrawal-pending", "PayAppNo", found=application.state)


def judge_authority_review(case: Case, ground: Ground, finding: Finding) -> None:
    """4003: of the newest push; what the authority approves is at most what was pushed."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    ask = find_ask(case.number, case.body)
    if is_of_another_push(case, application):
        park(case, ground, finding, application, "late", ask.node if ask else "")
        return
    if ask is None:
        ground.add_step(step_of(case, application, application.state, node=case.number))
        return
    pushed = application.approved_fen - application.paid_fen
    approved = fen(case.body.get("ApprovedAmount") or yuan(pushed))
    if approved > pushed:
        expected = f"<= {yuan(pushed)}"
        finding.refuse("approved-above-pushed", "ApprovedAmount", expected=expected, found=yuan(approved))
    if ask.money == "approve":
        application = replace(application, approved_fen=application.paid_fen + approved)
    move(case, ground, finding, application, contract, ask)


def judge_payment_return(case: Case, ground: Ground, finding: Finding) -> None:
    """5002: the payment office gives the newest push back to the authority. A fact."""
    known = about(case, ground, finding)
    ask = find_ask(case.number, case.body)
    if known is None or ask is None:
        return
    application, contract = known
    if is_of_another_push(case, application):
        park(case, ground, finding, application, "late", ask.node)
        return
    move(case, ground, finding, application, contract, ask)


def judge_mention(case: Case, ground: Ground, finding: Finding) -> None:
    """5004, and what the general platform passes on: it is about a known case and moves nothing."""
    about(case, ground, finding)
