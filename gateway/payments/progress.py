"""Step 7: what one may see of a payment application, and how it is told (6002, DECISIONS.md 22 and 32)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.clock import from_ms, t14
from gateway.message import Record
from gateway.payments.case import yuan
from gateway.payments.ground import Application, Contract, TraceStep
from gateway.payments.states import STEP_OF_STATE


def is_visible(
    application: Application,
    contract: Contract | None,
    platform: str,
    platform_kind: str,
    requester: str = "",
) -> bool:
    """May `platform` see the case, for the subject `requester` (a USCC) if one asks?

    The general platform carries all cases, a sub-platform those of its contracts, a treasury those that
    it pays. A subject sees a case only as tenderer, as party of the contract or as payee.
    """
    owns = {
        "general": True,
        "sub": application.owner == platform,
        "treasury": application.treasury == platform,
    }.get(platform_kind, False)
    if not owns:
        return False
    if not requester:
        return True
    parties = {application.tenderer, *application.payees}
    if contract is not None:
        parties.update(contract.tenderers, contract.winners)
    return requester in parties


def item(
    application: Application,
    trace: Sequence[TraceStep],
    status_name: Callable[[str], str],
) -> Record:
    """One Items/Item of 6002. The trace holds organisations, never persons."""
    record: Record = {
        "PayAppNo": application.no,
        "ContractNo": application.contract_no,
        "AppAmount": yuan(application.app_fen),
        "ApprovedAmount": yuan(application.approved_fen),
        "PaidAmount": yuan(application.paid_fen - application.refunded_fen),
        "Status": application.state,
        "StatusName": status_name(application.state),
        "StatusTime": t14(from_ms(application.state_at)),
    }
    if trace:
        record["Trace"] = {"Step": [_step(step, status_name) for step in trace]}
    return record


def _step(step: TraceStep, status_name: Callable[[str], str]) -> Record:
    record: Record = {
        "StepNo": f"{STEP_OF_STATE.get(step.new_state, 3):02d}",
        "Node": step.node,
        "Result": status_name(step.new_state) if step.applied else "已存未用",
        "Reason": step.reason,
        "StepTime": t14(from_ms(step.at)),
        "Org": step.org,
    }
    return {name: value for name, value in record.items() if value}
