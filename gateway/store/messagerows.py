"""A message on its way into the store, what becomes of it there, and its evidence: part of the contract
(contract.py has them all)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import Fault
from gateway.merkle import Frontier
from gateway.message import MessageState
from gateway.payments.ground import Ground, Needs


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
    transport: str  # rest | soap-1.1 | soap-1.2 | soap-sealed | poll | file | sftp | amqp | file-soap …
    received_at: int  # ms
    sender_time: str  # T14/T17 of the sender, for "newer" (DECISIONS.md 4); "" = the order of coming
    needs: Needs
    judge: Callable[[Ground, LastVersion | None], Verdict]
    answer: bytes = b""  # the reply of a query (6002, 1902), stored with it
    search: str = ""  # text for the log's search
    amount_fen: int | None = None
    stages: tuple[tuple[str, int], ...] = ()  # (stage, microseconds) of the intake, for the timeline
    traceparent: str = ""
    answers: (
        tuple[str, str, int] | tuple[()]
    ) = ()  # of an 8002 that is waited for: (type, business key, version)
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
    original_digest: bytes = b""  # of a purged message, whose contents are empty: SHA-256 of its original


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


class Evidence(Protocol):
    """The log of one writer: a store binds into it what it accepts."""

    @property
    def log_id(self) -> str: ...

    # Before anything is sealed: the store was restored since, and the log's name ends so from now on ("" if not).
    def go_on_as(self, suffix: str) -> None: ...

    # The log at `frontier`, grown by the accepted rows without place. Pure but for the clock; called inside
    # the transaction, again when the batch is repeated.
    def seal_batch(self, frontier: Frontier, rows: Sequence[MessageRow]) -> SealedBatch: ...
