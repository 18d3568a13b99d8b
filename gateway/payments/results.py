"""Steps 5–7: the treasury's word about a push: taken over or not, how far, paid, failed, refunded.

What the treasury did has happened, whatever we think of it: 5001, 5002 and 5003 are facts (promise 5). One
that does not fit is parked with its reason; each line of money is booked once, however often it is told.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.message import Record
from gateway.payments.case import Case, Finding, about, fen, park, step_of
from gateway.payments.ground import Application, BusinessObject, Contract, Ground
from gateway.payments.moves import Ask, find_ask
from gateway.payments.reviews import is_of_another_push, move

PUSH, WITHDRAWAL = "4002", "3004"
PUSHED = "40"
_DECLINED = frozenset({"2", "4", "6"})  # CT-RECEIPT: not accepted, not taken over, returned


def answered_application(body: Record) -> str:
    """The application that a receipt is about; "" where it answers neither push nor withdrawal."""
    if body.get("OriMsgNo") not in (PUSH, WITHDRAWAL):
        return ""
    return str(body.get("PayAppNo") or body["BizKey"].split("|")[0])


def judge_receipt(case: Case, ground: Ground, finding: Finding) -> None:
    """8002: the treasury took the newest push over or refused it, or answers a withdrawal."""
    no = answered_application(case.body)
    if not no:
        return
    if ground.application(no) is None:
        finding.parked = "unknown-application"
        return
    known = about(replace(case, body={**case.body, "PayAppNo": no}), ground, finding)
    if known is None:
        return
    application, contract = known
    ask = find_ask(case.number, case.body)
    untimely = _untimely(case, application)
    if untimely:
        park(case, ground, finding, application, untimely)
    elif ask is not None:
        _move_or_park(case, ground, finding, application, contract, ask)
    else:
        _write_down(case, ground, application)


def judge_undelivered(case: Case, ground: Ground, finding: Finding) -> None:
    """The gateway's own 8002/4: a person gave up the delivery of the newest push, and no treasury ever
    answered it. The case goes back as if the treasury had refused to take it over."""
    no = answered_application(case.body)
    if case.body["OriMsgNo"] != PUSH or ground.application(no) is None:
        return
    known = about(replace(case, body={**case.body, "PayAppNo": no}), ground, finding)
    ask = find_ask(case.number, case.body)
    if known is None or ask is None or known[0].state != PUSHED or _untimely(case, known[0]):
        return
    move(case, ground, finding, *known, ask)


def _untimely(case: Case, application: Application) -> str:
    """Why a receipt is not applied, "" if it is: it answers an earlier push, or nobody asked."""
    if case.body["OriMsgNo"] == PUSH:
        return "" if int(case.body["BizVersion"]) == application.seqs.get(PUSH, 0) else "late"
    return "" if application.withdrawal else "not-asked"


def _write_down(case: Case, ground: Ground, application: Application) -> None:
    """A receipt that moves nothing; where the treasury declines a withdrawal, nobody waits for it any more."""
    declined = case.body["OriMsgNo"] == WITHDRAWAL and case.body["ReceiptStatus"] in _DECLINED
    if declined:
        ground.put(replace(application, withdrawal=""))
    node = "撤回未获同意" if declined else "回执"
    ground.add_step(step_of(case, application, application.state, node=node))


def _move_or_park(
    case: Case, ground: Ground, finding: Finding, application: Application, contract: Contract, ask: Ask
) -> None:
    """A receipt or status that comes out of order is stored, not applied."""
    if ask.path_from(application.state) is None:
        park(case, ground, finding, application, "state", ask.node)
    else:
        move(case, ground, finding, application, contract, ask)


def judge_status(case: Case, ground: Ground, finding: Finding) -> None:
    """6003: strictly increasing per (application, source); what comes late is stored, not applied."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    seq = int(case.body["StatusSeq"])
    ask = find_ask(case.number, case.body)
    node = ask.node if ask else "状态变更"
    if seq <= application.seqs.get(case.sender, 0) or is_of_another_push(case, application):
        park(case, ground, finding, application, "late", node)
    elif ask is None:
        park(case, ground, finding, application, "state", node)
    else:
        counted = replace(application, seqs={**application.seqs, case.sender: seq})
        _move_or_park(case, ground, finding, counted, contract, ask)


def payment_key(case: Case) -> str:
    """One line of money: the treasury that pays it, order, line, the bank's number. Two treasuries may number
    alike; one tells a line for one application only."""
    parts = (case.body.get(name) or "" for name in ("VoucherNo", "DetailId", "XAgentBusinessNo"))
    return "|".join((case.sender, *parts))


def refund_key(case: Case) -> str:
    """One refund: the treasury, the order that was paid, the order that brought the money back."""
    return f"{case.sender}|{case.body['OriginalVoucherNo']}|{case.body['RefundVoucherNo']}"


def judge_payment(case: Case, ground: Ground, finding: Finding) -> None:
    """5001: money was paid, in whole or in part, or not at all. A fact: never refused for the state."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    amount = fen(case.body["XPayAmt"])
    paid = application.paid_fen + amount
    whole = "1" if paid >= application.approved_fen else "0"
    ask = find_ask(case.number, {**case.body, "Whole": whole})
    if ask is None or ask.path_from(application.state) is None:
        park(case, ground, finding, application, "state", ask.node if ask else "")
    elif ask.money != "pay":
        move(case, ground, finding, application, contract, ask)
    elif ground.find("payment", payment_key(case)) is not None:
        park(case, ground, finding, application, "repeated", ask.node)
    elif amount <= 0 or paid > application.approved_fen:
        park(case, ground, finding, application, "amount", ask.node)
    else:
        _book_payment(case, ground, finding, application, contract, ask, amount)


def _book_payment(
    case: Case,
    ground: Ground,
    finding: Finding,
    application: Application,
    contract: Contract,
    ask: Ask,
    amount: int,
) -> None:
    """What is paid is no longer open; with the last line nothing of the application is."""
    freed = application.open_fen if ask.target == "70" else min(amount, application.open_fen)
    ground.put(BusinessObject("payment", payment_key(case), case.sender, application.no, {}, case.message_id))
    ground.put(replace(contract, open_fen=contract.open_fen - freed, paid_fen=contract.paid_fen + amount))
    booked = replace(
        application, paid_fen=application.paid_fen + amount, open_fen=application.open_fen - freed
    )
    move(case, ground, finding, booked, contract, ask)


def judge_refund(case: Case, ground: Ground, finding: Finding) -> None:
    """5003: paid money came back; what came back can be applied for again. A fact."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    amount = -fen(case.body["RefundAmt"])
    refunded = application.refunded_fen + amount
    ask = find_ask(case.number, {"Whole": "1" if refunded >= application.paid_fen else "0"})
    if ask is None or ask.path_from(application.state) is None:
        park(case, ground, finding, application, "state", ask.node if ask else "")
    elif ground.find("refund", refund_key(case)) is not None:
        park(case, ground, finding, application, "repeated", ask.node)
    elif amount <= 0 or refunded > application.paid_fen:
        park(case, ground, finding, application, "amount", ask.node)
    else:
        key = refund_key(case)
        ground.put(BusinessObject("refund", key, case.sender, application.no, {}, case.message_id))
        ground.put(replace(contract, paid_fen=contract.paid_fen - amount))
        move(case, ground, finding, replace(application, refunded_fen=refunded), contract, ask)
