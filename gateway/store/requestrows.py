"""Rows of acts on many deliveries at once, which somebody asks for and somebody else may approve."""

from __future__ import annotations

from dataclasses import dataclass

ALONE_MS = 3_600_000  # for so long what somebody did without a second person counts
ASKED, RUNNING, DONE, DECLINED = "asked", "running", "done", "declined"


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One act on the deliveries that its items name. `state`: asked (waits for a second person) | running |
    done | declined; `seen_at`: when an item of it was last told of; times in ms, 0: not yet."""

    id: str
    action: str
    reason: str
    is_sure: bool
    actor: str
    asked_at: int
    state: str
    approver: str = ""
    decided_at: int = 0
    word: str = ""  # what the approver said
    seen_at: int = 0
    ended_at: int = 0


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One delivery of a request. `result`: "" not yet, else the state it came to, or why it was refused."""

    place: int
    delivery_id: int
    result: str = ""
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class RequestCount:
    """How far a request is."""

    items: int
    told: int
    refused: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Deliveries that wait for a person for the same cause; `oldest`, `newest`: ids of deliveries."""

    receiver: str
    type: str
    state: str
    code: str
    count: int
    oldest: int
    newest: int
