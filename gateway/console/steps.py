"""The seven steps of one application as a picture: which are done, where it stands, where it came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.payments.ground import Application, TraceStep
from gateway.payments.states import ENDED, PAID, STEP_OF_STATE

RETURNED = frozenset({"31", "43", "44", "51", "72"})
_LAST = 7


@dataclass(frozen=True, slots=True)
class Step:
    """`mark`: done, now, returned, ended or open. `at`: ms of its last move, 0 if none."""

    number: int
    mark: str
    at: int = 0
    visits: int = 0


def seven_steps(application: Application, trace: Sequence[TraceStep]) -> list[Step]:
    """Steps 1 and 2 stand before every application: without subject and contract there is none."""
    current = STEP_OF_STATE.get(application.state, 3)
    if application.state in ENDED:
        current = max((STEP_OF_STATE.get(one.old_state, 3) for one in trace if one.applied), default=3)
    return [_step(number, current, application.state, trace) for number in range(1, _LAST + 1)]


def _step(number: int, current: int, state: str, trace: Sequence[TraceStep]) -> Step:
    moves = [one for one in trace if one.applied and STEP_OF_STATE.get(one.new_state) == number]
    at = max((one.at for one in moves), default=0)
    return Step(number, _mark(number, current, state), at, len(moves))


def _mark(number: int, current: int, state: str) -> str:
    if number < current:
        return "done"
    if number > current:
        return "open"
    if state in ENDED:
        return "ended"
    if state in PAID:
        return "done"
    return "returned" if state in RETURNED else "now"
