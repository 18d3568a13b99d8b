"""What the rules are told of a message, and what they say back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from gateway.errors import Fault
from gateway.message import Record
from gateway.payments.coverage import Coverage
from gateway.payments.ground import Application, Contract, Ground, TraceStep


@dataclass(frozen=True, slots=True)
class Case:
    """One message before the rules. `body` is the standard's record; `at` is its arrival in ms."""

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


@dataclass(slots=True)
class Finding:
    """What the rules found: faults, and the facts that routing needs."""

    faults: list[Fault] = field(default_factory=list)
    application: str = ""
    contract_owner: str = ""
    treasury: str = ""
    pushed_treasury: str = ""
    parked: bool = False

    def refuse(
        self, code: str, path: str, zh: str, en: str, result: str, *, expected: str = "", found: str = ""
    ) -> None:
        self.faults.append(Fault(f"process.{code}", path, zh, en, result, expected=expected, found=found))


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

    A fact about an unknown application is parked instead (promise 5).
    """
    no = case.body.get("PayAppNo", "")
    application = ground.application(no)
    if application is None:
        if case.fact:
            finding.parked = True
        else:
            finding.refuse(
                "unknown-application",
                "PayAppNo",
                f"支付申请 {no} 不存在",
                f"payment application {no} is not known",
                "30003",
                found=no,
            )
        return None
    contract = ground.contract(application.contract_no)
    if contract is None:
        raise LookupError(f"application {no} has no contract {application.contract_no}")
    finding.application = no
    place(finding, application, contract)
    return application, contract


def place(finding: Finding, application: Application, contract: Contract) -> None:
    """Tells routing where the case lies."""
    finding.contract_owner = contract.owner
    finding.treasury = application.treasury


def step_of(
    case: Case, application: Application, new_state: str, *, node: str, applied: bool = True, result: str = ""
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
        applied=applied,
        message_id=case.message_id,
    )
