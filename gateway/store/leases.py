"""What a worker has for a while: deliveries under lease, and how it gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


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
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker would claim now; see `Store.claim` for the members."""

    worker: str
    limit: int
    lease_s: float
    skip: Sequence[str]
    rooms: Mapping[str, int]


class Claimer(Protocol):
    """Who takes heads along with what is written anyway (`Store.claim_along`)."""

    def wish(self) -> Wish | None: ...  # asked inside a transaction; None: nothing now
    def take(self, claimed: Sequence[Claimed]) -> None: ...  # once that is durable
