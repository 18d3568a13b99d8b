"""What every store promises: one engine contract, one test suite, SQLite and PostgreSQL behind it.

Times are integers: milliseconds since 1970 UTC for what people read, seconds of the boot clock
(SQLite) or of the database (PostgreSQL) for leases. `due_at` is in milliseconds too, but counted by that
steady clock, so that a step of the wall clock moves no retry. Every state change is one guarded update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from gateway.errors import Fault, GatewayError
from gateway.merkle import Frontier
from gateway.message import DeliveryState, MessageState
from gateway.payments.ground import Application, BusinessObject, Contract, Ground, Needs, TraceStep
from gateway.store.leases import Claimed, Claimer, Wish
from gateway.store.logrows import (
    AttachmentRow,
    Counts,
    EventRow,
    MessageFilter,
    RefusalRow,
    TicketRow,
)

__all__ = [
    "NO_BOUNDS", "PARKED", "Arrival", "AttachmentRow", "AttemptResult", "AttemptRow", "Claimed", "Claimer", "Counts",
    "DeliveryRow", "EventRow", "LastVersion", "LeafPlace", "MakeNotice", "MessageFilter", "MessageRow",
    "NewDelivery", "Outcome", "RefusalRow", "ResolveRefused", "SealBatch", "SealedBatch", "Store",
    "StoreUnavailable", "TicketRow", "Verdict", "Wish",
]  # fmt: skip


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class NewDelivery:
    """A message for one receiver. `line` is (application, else business key); with `receiver` it is a
    line of promise 4. `lane`: 0 payment, 1 case, 2 bulk; lower goes first. `rendered` is the message in
    the receiver's own form and encoding, made once, in the transaction, so that what a receiver's field
    limits forbid is told to the sender while it waits; every attempt sends these bytes, sealed afresh.
    `files`: JSON list of {digest, name, size} that travel along. `fault` is set where the form could not
    be made of a fact that must not be refused: the delivery is stored dead."""

    receiver: str
    delivery_key: str
    line: str
    rendered: bytes
    rendered_version: str
    lane: int = 1
    effect_no: int = 1
    files: bytes = b""
    fault: str = ""


PARKED = "parked"  # how the note of a message begins that was stored and not applied


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Verdict:
    """What the rules said of a message on the ground: faults (then nothing is stored), or its deliveries."""

    faults: tuple[Fault, ...] = ()
    deliveries: tuple[NewDelivery, ...] = ()
    application: str = ""
    biz_version: int = 0  # the version given (DECISIONS.md 4); 0 = as the sender's
    origin_id: str = ""  # the message that this one answers
    note: str = ""  # "parked <why>" where the message was stored and not applied: an alarm (PARKED)


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Arrival:
    """A message that passed everything but the rules of state; `accept` puts it into one transaction.

    `original`: the unsealed payload, as sent. `body`: the standard's canonical body. `fingerprint`:
    SHA-256 hex over `body`. `head`: JSON of the standard's Head. `judge` is called inside the
    transaction with the ground that `needs` named, between Ground.begin and keep/drop; it is pure.
    A type whose business key has no version passes `biz_version` 1 and `given_version` True.
    `given_version` False: the sender has no versions; the store gives the next one (DECISIONS.md 4) and
    passes the last one to `judge`. An empty `jti` (a transport without one) is not remembered.
    """

    message_id: str
    type: str
    sender: str
    idem_key: str
    jti: str
    biz_key: str
    biz_version: int
    given_version: bool
    oper_type: str
    fingerprint: str
    original: bytes
    content_type: str
    body: bytes
    head: bytes
    suite: str
    cert: str  # thumbprint of the signer's certificate
    transport: str  # rest | soap-1.1 | soap-1.2 | soap-sealed | poll
    received_at: int  # ms
    sender_time: str  # T14/T17 of the sender, for "newer" (DECISIONS.md 4); "" = the order of coming
    needs: Needs
    judge: Callable[[Ground, LastVersion | None], Verdict]
    answer: bytes = b""  # the reply of a query (6002, 1902), stored with it
    search: str = ""  # text for the log's search
    amount_fen: int | None = None
    stages: tuple[tuple[str, int], ...] = ()  # (stage, microseconds) of the intake, for the timeline
    traceparent: str = ""
    files: tuple[str, ...] = ()  # digests that it names: its receivers are let in, so far as its sender is


@dataclass(frozen=True, slots=True)
class LastVersion:
    """The newest accepted version of (sender, type, business key)."""

    version: int
    fingerprint: str
    sender_time: str
    message_id: str


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Outcome:
    """What became of an arrival. `kind`: accepted | replayed (same key, same content) | duplicate
    (other key, same business key, version and content) | key-conflict | version-conflict | stale-version |
    token-replay | refused. For accepted, replayed and duplicate `message` is the stored row, with its place.
    A duplicate binds its key too: the same key again is a duplicate again, of the same row (whose
    `idem_key` is another one), so its first reply can be given again byte for byte."""

    kind: str
    message: MessageRow | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class LeafPlace:
    """Where the evidence log holds a message: enough to make its receipt from stored rows alone."""

    log_id: str
    index: int
    leaf: bytes  # leaf hash
    path: tuple[bytes, ...]  # audit path in the tree of `size`
    size: int
    root: bytes
    signed_at: int  # ms
    signature: bytes
    key_id: str


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class MessageRow:
    """A stored message."""

    id: str
    type: str
    sender: str
    idem_key: str
    biz_key: str
    biz_version: int
    oper_type: str
    fingerprint: str
    state: MessageState
    application: str
    received_at: int
    content_type: str
    original: bytes
    body: bytes
    head: bytes
    suite: str
    cert: str
    jti: str
    transport: str
    answer: bytes
    note: str
    origin_id: str
    search: str = ""
    place: LeafPlace | None = None
    accepted_at: int = 0  # ms; of the transaction, as in the evidence leaf


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """What the evidence log made of one batch: the grown frontier, the checkpoint, and for each new leaf
    its hash and its audit path in the tree of the new size. `signed_at` in ms."""

    log_id: str
    frontier: Frontier
    root: bytes
    signed_at: int
    signature: bytes
    key_id: str
    leaves: tuple[bytes, ...]
    paths: tuple[tuple[bytes, ...], ...]


SealBatch = Callable[[Callable[[str], Frontier], Sequence[MessageRow]], SealedBatch]
"""Given to the writer: (find a log's frontier by log id, the accepted rows without place) → the sealed batch.
Pure but for the clock; called inside the transaction, again when the batch is repeated."""


class StoreUnavailable(GatewayError):
    """The database could not take the write (disk full, I/O error, locked, closing). Nothing was written;
    the caller may be asked to come again (503)."""


class ResolveRefused(GatewayError):
    """A person's act on a delivery that its state does not allow. `code` is stable (`resolve.not-allowed`)."""

    def __init__(self, code: str, text: str):
        self.code, self.text = f"resolve.{code}", text
        super().__init__(f"{self.code}: {text}")


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class AttemptResult:
    """The end of one attempt. `state`: DONE, READY (retry at `retry_in_s`), DEAD or UNKNOWN.
    `answer` is the receiver's unsealed answer (at most 64 KiB are kept).
    `notice`: a message of the gateway's own (8002) that tells the sender, stored in the same transaction."""

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


MakeNotice = Callable[[Claimed, str, str], Arrival | None]
"""The gateway's own word (8002) to the sender of a delivery that died, by (delivery, code, text); None where
the sender takes none. Called inside the transaction that lets it die."""


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


NO_BOUNDS: Mapping[str, int] = MappingProxyType({})


class Store(Protocol):
    """All writes are durable when the awaited call returns (promise 1)."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    # Would a message be refused now, because too much waits to be written? For whoever has not begun on it.
    def is_busy(self) -> bool: ...

    # messages
    async def accept(self, arrival: Arrival) -> Outcome: ...
    def find_by_key(self, sender: str, idem_key: str) -> MessageRow | None: ...
    def is_token_seen(self, sender: str, jti: str) -> bool: ...
    def get_message(self, message_id: str) -> MessageRow | None: ...
    # the newest version
    def find_message(self, sender: str, type: str, biz_key: str) -> MessageRow | None: ...
    def search(self, wanted: MessageFilter) -> Sequence[MessageRow]: ...
    def events(self, message_id: str) -> Sequence[EventRow]: ...
    async def note_event(self, message_id: str, stage: str, detail: Mapping[str, Any]) -> None: ...
    async def note_refusal(
        self, sender: str, type: str, at: int, faults: Sequence[Fault], detail: Mapping[str, Any]
    ) -> None: ...

    def refusals(self, limit: int = 50, sender: str = "") -> Sequence[RefusalRow]: ...  # newest first

    # deliveries
    # `skip`: receivers that are paused or have enough in flight; `rooms`: how many a receiver may get; lower lanes first, then by due time
    # `make_notice`: for what is quarantined on the way, because its lease ran out for the third time
    async def claim(
        self,
        worker: str,
        limit: int,
        lease_s: float,
        *,
        skip: Sequence[str] = (),
        rooms: Mapping[str, int] = NO_BOUNDS,
        make_notice: MakeNotice | None = None,
    ) -> list[Claimed]: ...
    async def record(self, result: AttemptResult) -> bool: ...  # False: the lease was lost, nothing written
    # seconds until a delivery is due or a lease runs out, ≤ 0 if one is; None when there is nothing to wait for
    def next_due_in_s(self, *, skip: Sequence[str] = ()) -> float | None: ...
    def delivery(self, delivery_id: int) -> DeliveryRow | None: ...
    def deliveries(self, message_id: str) -> Sequence[DeliveryRow]: ...
    def attempts(self, delivery_id: int) -> Sequence[AttemptRow]: ...
    def dead_letters(self, limit: int = 100) -> Sequence[DeliveryRow]: ...
    # action: replay (same key, same form) | new-effect (`renewed` replaces form, key and effect number; refused
    # while any attempt's outcome is unknown or another effect of the message is under way; of a done or discarded delivery it makes another one, which is
    # returned) | done (the receiver has it) | discard. LookupError, ResolveRefused.
    async def resolve(
        self, delivery_id: int, action: str, actor: str, reason: str, renewed: NewDelivery | None = None
    ) -> DeliveryRow: ...
    async def wait_settled(self, message_id: str, timeout_s: float) -> MessageRow | None: ...
    def counts(self) -> Counts: ...
    # From now on a transaction that accepts or records claims for it too, which saves a transaction of its own.
    # False: this store does not, and the worker claims by itself when work comes or a place is free.
    def claim_along(self, claimer: Claimer) -> bool: ...
    # a hint, on the event loop: deliveries became ready, and nobody has claimed them along
    def on_work(self, wake: Callable[[], None]) -> None: ...

    # cases
    def load_ground(self, needs: Needs) -> Ground: ...  # as it is now; what becomes of it is nobody's promise
    def application(self, no: str) -> Application | None: ...
    def applications(
        self,
        *,
        contract_no: str = "",
        deal: str = "",
        party: str = "",
        since: int = 0,
        until: int = 0,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[int, Sequence[Application]]: ...
    def trace(self, app_no: str) -> Sequence[TraceStep]: ...
    def contract(self, no: str) -> Contract | None: ...
    def find_object(self, kind: str, key: str) -> BusinessObject | None: ...
    def objects(self, kind: str) -> Sequence[BusinessObject]: ...  # all of a kind, by their messages' order
    def object_messages(self, kind: str) -> Sequence[str]: ...  # the messages that made them, in that order

    # tickets, nonces, attachments
    async def issue_ticket(self, ticket: TicketRow) -> None: ...
    async def redeem_ticket(
        self, hash: str, platform: str, at: int, client_ip: str = ""
    ) -> TicketRow | None: ...  # once; None when unknown, used, late, or bound to another address
    async def return_ticket(self, hash: str) -> None: ...  # by whom it was redeemed: as if it had not been
    # False: seen before. `at` in ms; a nonce is remembered for 10 minutes
    async def use_nonce(self, platform: str, nonce: str, at: int) -> bool: ...
    async def start_attachment(self, row: AttachmentRow) -> AttachmentRow: ...
    async def complete_attachment(self, digest: str) -> None: ...
    def attachment(self, digest: str) -> AttachmentRow | None: ...
    async def grant(self, digest: str, platform: str) -> None: ...
    def may_read(self, digest: str, platform: str) -> bool: ...
