"""A push that a person gave up takes its case back to 44, and nothing else ever does."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.payments.case import Case, Finding
from gateway.payments.results import judge_undelivered
from gateway.payments.states import MOVES
from tests.unit.payments.conftest import COVERAGE, Desk
from tests.unit.payments.test_moves import in_state


def give_up(desk: Desk, *, of: str = "4002", version: str = "1") -> Finding:
    body = {"OriMsgNo": of, "BizKey": "SQ-1", "BizVersion": version, "PayAppNo": "SQ-1", "ReceiptStatus": "4"}
    finding = Finding()
    desk.ground.begin()
    judge_undelivered(Case("8002", body, "GW", "m", 9, date(2026, 5, 1), "1", COVERAGE), desk.ground, finding)
    desk.ground.keep()
    return finding


@pytest.mark.parametrize("state", sorted(MOVES))
def test_a_push_that_was_never_answered_goes_back_and_no_other_state_moves(state: str) -> None:
    desk = in_state(state)
    steps = len(desk.ground.trace)
    finding = give_up(desk)
    assert not finding.faults and not finding.parked
    if state == "40":
        assert desk.state() == "44" and "签收失败" in {step.node for step in desk.ground.trace}
    else:
        assert len(desk.ground.trace) == steps and (state == "10" or desk.state() == state)


def test_an_earlier_push_or_another_message_moves_nothing() -> None:
    desk = in_state("40")
    give_up(desk, version="2")
    give_up(desk, of="3004")
    assert desk.state() == "40"


def test_a_case_of_nobody_is_no_fault() -> None:
    assert not give_up(Desk()).faults
