"""A delivery, its attempts and their outcomes: part of the contract (contract.py has them all)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.message import DeliveryState
from gateway.store.messagerows import Arrival


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Claimed:
    """A delivery under lease. `token` must come back with every write. `attempt` counts from 1, and again
    from 1 after a person let it start anew, so that a schedule starts anew with it.
    `outcome_unknown`: an earlier attempt may have taken effect, so the worker asks before it sends.
    `crashes`: attempts that never recorded an outcome."""

    delivery_id: int
    message_id: str
    receiver: str
    type: str
    sender: str
    application: str
    delivery_key: str
    effect_no: int
    attempt: int
    token: str
    lease_until: float
    rendered: bytes
    files: bytes
    outcome_unknown: bool
    crashes: int
    biz_key: str
    biz_version: int
    traceparent: str = ""


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class AttemptResult:
    """The end of one attempt. `state`: DONE, READY (retry at `retry_in_s`), DEAD or UNKNOWN.
    `answer` is the receiver's unsealed answer (at most 64 KiB are kept).
    `headers`: those that were sent and answered, as JSON text (connectors.heads), "" where there were none.
    `notice`: a message of the gateway's own (8002) that tells the sender, stored in the same transaction.
    `receipt_within_s`: of one that is DONE, when the receiver owes its business receipt (8002); 0: it owes none."""

    claimed: Claimed
    state: DeliveryState
    code: str = ""
    text: str = ""
    status: int = 0
    latency_ms: int = 0
    answer: bytes = b""
    retry_in_s: float = 0.0
    outcome_unknown: bool = False
    notice: Arrival | None = None
    receipt_within_s: float = 0.0
    headers: str = ""


MakeNotice = Callable[[Claimed, str, str], Arrival | None]
"""The gateway's own word (8002) to the sender of a delivery that died, by (delivery, code, text); None where
the sender takes none. Pure but for the clock; called inside the transaction that lets it die."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    id: int
    message_id: str
    receiver: str
    type: str
    state: DeliveryState
    line: str
    seq: int
    lane: int
    due_at: int
    attempts: int
    delivery_key: str
    effect_no: int
    rendered: bytes
    rendered_digest: str
    rendered_version: str
    last_code: str
    last_text: str
    done_at: int
    crashes: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    delivery_id: int
    number: int
    started_at: int
    ended_at: int
    state: str
    status: int
    latency_ms: int
    code: str
    text: str
    answer: bytes
    headers: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker would claim now; see `Store.claim` for the members."""

    worker: str
    limit: int
    lease_s: float
    rooms: Mapping[str, int]


class Claimer(Protocol):
    """Who takes heads along with what is written anyway (`Store.claim_along`)."""

    expects_more: bool  # it had no room for all that was due: not only what is new is of interest

    def wish(self) -> Wish | None: ...  # asked inside a transaction; None: nothing now
    def take(self, claimed: Sequence[Claimed]) -> None: ...  # once that is durable
