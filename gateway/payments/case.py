"""What the rules are told of a message, and what they say back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from gateway.errors import Fault
from gateway.message import Record
from gateway.payments.authorities import NO_AUTHORITIES, Authorities
from gateway.payments.coverage import Coverage
from gateway.payments.faults import PARKED, make_fault
from gateway.payments.ground import Application, Contract, Ground, TraceStep
from gateway.payments.workdays import NO_CALENDAR, Calendar

REVOKE = "3"  # OperType 撤销


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Case:
    """One message before the rules. `body` is the standard's record; `at` is its arrival in ms; `version`
    its BizVersion."""

    number: str
    body: Record
    sender: str
    message_id: str
    at: int
    today: date
    oper_type: str
    coverage: Coverage
    org: str = ""  # the sender's name, for the trace
    sender_kind: str = ""  # general | sub | treasury | gateway
    fact: bool = False
    version: int = 1
    authorities: Authorities = NO_AUTHORITIES
    calendar: Calendar = NO_CALENDAR


@dataclass(slots=True)
class Finding:
    """What the rules found: faults, and the facts that routing needs. `parked`: why the message is stored
    and not applied (a key of `faults.PARKED`), "" if it is applied."""

    faults: list[Fault] = field(default_factory=list)
    application: str = ""
    contract_owner: str = ""
    treasury: str = ""
    pushed_treasury: str = ""
    parked: str = ""

    def refuse(self, code: str, path: str, *, expected: str = "", found: str = "", **words: str) -> None:
        self.faults.append(make_fault(code, path, expected=expected, found=found, **words))


Rule = Callable[[Case, Ground, Finding], None]


def fen(text: Any) -> int:
    """An amount of the standard (元, two decimals) in fen."""
    return int(Decimal(str(text or "0")).scaleb(2).to_integral_exact())


def yuan(amount_fen: int) -> str:
    """Fen as the standard writes amounts."""
    return f"{Decimal(amount_fen).scaleb(-2):.2f}"


def items(body: Record, wrapper: str, element: str) -> list[Record]:
    """The items of a wrapped list, [] if absent."""
    inner: Mapping[str, Any] = body.get(wrapper) or {}
    listed = inner.get(element) or []
    return list(listed) if isinstance(listed, list) else [listed]


def about(case: Case, ground: Ground, finding: Finding) -> tuple[Application, Contract] | None:
    """The application that a message speaks of, with its contract; a fault 30003 where unknown.

    A fact about an unknown application is parked instead (promise 5); so is one of a treasury that does
    not pay the case, which may say nothing else of it either.
    """
    no = case.body.get("PayAppNo", "")
    application = ground.application(no)
    if application is None:
        if case.fact:
            finding.parked = "unknown-application"
        else:
            finding.refuse("unknown-application", "PayAppNo", found=no)
        return None
    contract = ground.contract(application.contract_no)
    if contract is None:
        raise LookupError(f"application {no} has no contract {application.contract_no}")
    finding.application = no
    finding.contract_owner, finding.treasury = contract.owner, application.treasury
    if case.sender_kind == "treasury" and case.sender != application.treasury:
        if case.fact:
            park(case, ground, finding, application, "other-treasury")
        else:
            finding.refuse("not-the-treasury", "PayAppNo")
        return None
    return application, contract


def park(
    case: Case, ground: Ground, finding: Finding, application: Application, why: str, node: str = ""
) -> None:
    """Stored, not applied, and somebody is told: `why` is a key of `faults.PARKED`."""
    finding.parked = why
    step = step_of(case, application, application.state, node=node or case.number, result=PARKED[why].zh)
    ground.add_step(replace(step, applied=False))


def step_of(
    case: Case, application: Application, new_state: str, *, node: str, result: str = ""
) -> TraceStep:
    """The trace line of a message; the reason is what the message gives as one."""
    body = case.body
    reason = next(
        (
            str(body[name])
            for name in ("Opinion", "ReturnReason", "XAddWord", "RefundReason", "Reason")
            if body.get(name)
        ),
        "",
    )
    outcome = result or str(
        body.get("ReviewResult") or body.get("PayResult") or body.get("ReceiptStatus") or ""
    )
    return TraceStep(
        app_no=application.no,
        msg_no=case.number,
        old_state=application.state,
        new_state=new_state,
        at=case.at,
        node=node,
        result=outcome,
        reason=reason,
        org=case.org,
        message_id=case.message_id,
    )
