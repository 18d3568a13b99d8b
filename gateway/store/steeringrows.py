"""Rows of what steers delivery: part of the contract (contract.py has them all)."""

from __future__ import annotations

from dataclasses import dataclass

ALL_RECEIVERS = "*"
UP, SLOW, OPEN, HALF_OPEN, RECOVERING = "up", "slow", "open", "half-open", "recovering"


@dataclass(frozen=True, slots=True)
class PauseRow:
    """Nothing is sent to `receiver` ("*": to nobody) until somebody resumes it."""

    receiver: str
    paused_at: int
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class HealthRow:
    """What the workers know of a receiver. `state`: up | slow | open | half-open | recovering; `probe_in_s`:
    until a probe may be made (≤ 0: now); `times`: how often it opened in a row; `code`, `text`: why."""

    receiver: str
    state: str
    since: int
    probe_in_s: float
    times: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ReceiptDue:
    """A delivery that its receiver took over and owes the business receipt (8002) of."""

    receiver: str
    type: str
    biz_key: str
    biz_version: int
    delivery_id: int
    message_id: str
    due_at: int
    received_at: int
    receipt_id: str
    alarmed_at: int


@dataclass(frozen=True, slots=True)
class StuckFilter:
    """Of the deliveries that wait for a person, oldest first. Empty fields do not filter; `since` and `until`
    (exclusive) are of the last attempt, in ms; `state`: dead | unknown."""

    receiver: str = ""
    type: str = ""
    code: str = ""
    state: str = ""
    since: int = 0
    until: int = 0
    after: int = 0  # a delivery's id: those behind it
    limit: int = 100
