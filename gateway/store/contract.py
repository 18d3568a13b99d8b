"""What every store promises: one engine contract, one test suite, SQLite and PostgreSQL behind it.

Times are integers: milliseconds since 1970 UTC for what people read, seconds of the boot clock
(SQLite) or of the database (PostgreSQL) for leases. `due_at` is in milliseconds too, but counted by that
steady clock, so that a step of the wall clock moves no retry. Every state change is one guarded update.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from gateway.errors import Fault, GatewayError
from gateway.measures import WriterMeasures
from gateway.payments.authorities import NO_AUTHORITIES, Authorities
from gateway.payments.ground import Application, BusinessObject, Contract, Ground, Needs, TraceStep
from gateway.rights import EVERYTHING, Scope
from gateway.store.accounted import Accounted
from gateway.store.accountrows import (
    COMMAND_LINE,
    ActRow,
    AuditCheck,
    AuditFilter,
    InvitationRow,
    NewAct,
    SavedFilter,
    SessionRow,
    TokenRow,
    UserRow,
)
from gateway.store.alarmed import Alarmed
from gateway.store.alarmrows import AlarmFilter, AlarmRow, ChangedRule, NotificationRow
from gateway.store.caserows import CaseTotal
from gateway.store.deliveryrows import (
    AttemptResult,
    AttemptRow,
    Claimed,
    Claimer,
    DeliveryRow,
    MakeNotice,
    Wish,
)
from gateway.store.keepingrows import (
    ArchiveRow,
    ChainLink,
    CheckpointRow,
    Holds,
    LogHead,
    NotPurged,
    Purged,
    ReconciledDifference,
    Reconciliation,
    ReconciliationFilter,
)
from gateway.store.kept import Kept
from gateway.store.logrows import (
    AttachmentRow,
    Counts,
    EventRow,
    MessageFilter,
    MessagePage,
    RefusalRow,
    TicketRow,
)
from gateway.store.mappingerrors import ErrorDay
from gateway.store.messagerows import (
    PARKED,
    Arrival,
    Evidence,
    LastVersion,
    LeafPlace,
    MessageRow,
    NewDelivery,
    Outcome,
    SealedBatch,
    Verdict,
)
from gateway.store.requestrows import Cause, RequestCount, RequestItem, RequestRow
from gateway.store.steered import Steered
from gateway.store.steeringrows import (
    ALL_RECEIVERS,
    HealthRow,
    PauseRow,
    ReceiptDue,
    StuckFilter,
)
from gateway.store.watched import Watched
from gateway.store.watchingrows import ErrorCount, ReceiptLag

__all__ = [
    "ALL_RECEIVERS",
    "COMMAND_LINE",
    "PARKED",
    "ActRow",
    "AlarmFilter",
    "AlarmRow",
    "ArchiveRow",
    "Arrival",
    "AttachmentRow",
    "AttemptResult",
    "AttemptRow",
    "AuditCheck",
    "AuditFilter",
    "CaseTotal",
    "Cause",
    "ChainLink",
    "ChangedRule",
    "CheckpointRow",
    "Claimed",
    "Claimer",
    "Counts",
    "DeliveryRow",
    "ErrorCount",
    "EventRow",
    "Evidence",
    "HealthRow",
    "Holds",
    "InvitationRow",
    "LastVersion",
    "LeafPlace",
    "LogHead",
    "MakeNotice",
    "MessageFilter",
    "MessagePage",
    "MessageRow",
    "NewAct",
    "NewDelivery",
    "NotPurged",
    "NotificationRow",
    "Outcome",
    "PauseRow",
    "Purged",
    "ReceiptDue",
    "ReceiptLag",
    "ReconciledDifference",
    "Reconciliation",
    "ReconciliationFilter",
    "RefusalRow",
    "RequestCount",
    "RequestItem",
    "RequestRow",
    "ResolveRefused",
    "SavedFilter",
    "SealedBatch",
    "SessionRow",
    "Store",
    "StoreUnavailable",
    "StuckFilter",
    "TicketRow",
    "TokenRow",
    "UserRow",
    "Verdict",
    "Wish",
]  # fmt: skip


class StoreUnavailable(GatewayError):
    """The database could not take the write (disk full, I/O error, locked, closing). Nothing was written;
    the caller may be asked to come again (503)."""


class ResolveRefused(GatewayError):
    """A person's act on a delivery that its state does not allow. `code` is stable (`resolve.not-allowed`)."""

    def __init__(self, code: str, text: str):
        self.code, self.text = f"resolve.{code}", text
        super().__init__(f"{self.code}: {text}")


class Store(Kept, Steered, Accounted, Watched, Alarmed, Protocol):
    """All writes are durable when the awaited call returns (promise 1)."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    # Would a message be refused now, because too much waits to be written? For whoever has not begun on it.
    def is_busy(self) -> bool: ...

    # messages
    async def accept(self, arrival: Arrival) -> Outcome: ...
    async def find_by_key(self, sender: str, idem_key: str) -> MessageRow | None: ...
    async def is_token_seen(self, sender: str, jti: str) -> bool: ...
    async def get_message(self, message_id: str) -> MessageRow | None: ...
    # the newest version
    async def find_message(self, sender: str, type: str, biz_key: str) -> MessageRow | None: ...
    async def search(self, wanted: MessageFilter) -> Sequence[MessageRow]: ...
    async def search_page(self, wanted: MessageFilter) -> MessagePage: ...
    # Takes the next messages into the index that searches use; how many. 0: there are none, or another process
    # is at it. Nothing depends on it but how fast, and how far back, is found.
    async def index_words(self) -> int: ...
    async def events(self, message_id: str) -> Sequence[EventRow]: ...
    async def note_event(self, message_id: str, stage: str, detail: Mapping[str, Any]) -> None: ...
    async def note_refusal(
        self, sender: str, type: str, at: int, faults: Sequence[Fault], detail: Mapping[str, Any]
    ) -> None: ...

    async def refusals(self, limit: int = 50, sender: str = "") -> Sequence[RefusalRow]: ...  # newest first
    async def mapping_errors(self, since_ms: int) -> Sequence[ErrorDay]: ...

    # deliveries
    # `rooms`: how many each receiver may get, and who is not named gets none (None: all may, without bounds);
    # lower lanes first, then by due time
    # `make_notice`: for what is quarantined on the way, because its lease ran out for the third time
    async def claim(
        self,
        worker: str,
        limit: int,
        lease_s: float,
        *,
        rooms: Mapping[str, int] | None = None,
        make_notice: MakeNotice | None = None,
    ) -> list[Claimed]: ...
    async def record(self, result: AttemptResult) -> bool: ...  # False: the lease was lost, nothing written
    # seconds until a delivery to one of `receivers` (None: to anybody) is due or a lease runs out, ≤ 0 if one is;
    # None when there is nothing to wait for
    async def next_due_in_s(self, receivers: Collection[str] | None = None) -> float | None: ...
    async def delivery(self, delivery_id: int) -> DeliveryRow | None: ...
    async def deliveries(self, message_id: str) -> Sequence[DeliveryRow]: ...
    async def attempts(self, delivery_id: int) -> Sequence[AttemptRow]: ...
    async def dead_letters(self, limit: int = 100) -> Sequence[DeliveryRow]: ...
    # action: replay (same key, same form) | new-effect (`renewed` replaces form, key and effect number; refused
    # while any attempt's outcome is unknown or another effect of the message is under way; of a done or discarded delivery it makes another one, which is
    # returned) | done (the receiver has it) | discard. LookupError, ResolveRefused. `dry`: the answer is the
    # row as it would be, and nothing of it stays.
    async def resolve(
        self,
        delivery_id: int,
        action: str,
        actor: str,
        reason: str,
        renewed: NewDelivery | None = None,
        *,
        notice: Arrival | None = None,  # of a discard: told to the sender in the same transaction, or neither
        sure: bool = False,  # of a discard whose outcome is unknown: without it refused
        origin: str = COMMAND_LINE,
        dry: bool = False,
    ) -> DeliveryRow: ...
    # A parked message is closed, in a person's name; `told_again`: the message that was applied in its place.
    # LookupError, ResolveRefused.
    async def close_parked(
        self,
        message_id: str,
        actor: str,
        reason: str,
        told_again: str = "",
        *,
        origin: str = COMMAND_LINE,
    ) -> MessageRow: ...
    async def wait_settled(self, message_id: str, timeout_s: float) -> MessageRow | None: ...
    async def counts(self) -> Counts: ...
    # by receiver that has something ready: seconds since its first was due (0 where it is not yet)
    async def oldest_due_s(self) -> Mapping[str, float]: ...
    async def size_bytes(self) -> int: ...  # of the database
    def writers(self) -> Mapping[str, WriterMeasures]: ...  # by name, of this process
    # From now on a transaction that accepts or records claims for it too, which saves a transaction of its own.
    # False: this store does not, and the worker claims by itself when work comes or a place is free.
    def claim_along(self, claimer: Claimer) -> bool: ...
    # a hint, on the event loop: deliveries became ready, and nobody has claimed them along
    def on_work(self, wake: Callable[[], None]) -> None: ...

    # cases
    async def load_ground(
        self, needs: Needs
    ) -> Ground: ...  # as it is now; what becomes of it is nobody's promise
    async def application(self, no: str) -> Application | None: ...
    async def applications(
        self,
        *,
        contract_no: str = "",
        deal: str = "",
        party: str = "",
        since: int = 0,
        until: int = 0,
        limit: int = 100,
        offset: int = 0,
        states: Sequence[str] = (),
        scope: Scope = EVERYTHING,  # with `authorities`: those of its codes
        also: Scope = EVERYTHING,  # within `scope`: what somebody looks for
        authorities: Authorities = NO_AUTHORITIES,
    ) -> tuple[int, Sequence[Application]]: ...
    async def application_totals(
        self,
        *,
        scope: Scope = EVERYTHING,
        also: Scope = EVERYTHING,
        authorities: Authorities = NO_AUTHORITIES,
    ) -> Sequence[CaseTotal]: ...
    async def trace(self, app_no: str) -> Sequence[TraceStep]: ...
    async def contract(self, no: str) -> Contract | None: ...
    async def find_object(self, kind: str, key: str) -> BusinessObject | None: ...
    async def objects(
        self, kind: str
    ) -> Sequence[BusinessObject]: ...  # all of a kind, by their messages' order
    async def object_messages(
        self, kind: str
    ) -> Sequence[str]: ...  # the messages that made them, in that order

    # tickets, nonces, attachments
    async def issue_ticket(self, ticket: TicketRow) -> None: ...
    async def redeem_ticket(
        self, hash: str, platform: str, at: int, client_ip: str = ""
    ) -> TicketRow | None: ...  # once; None when unknown, used, late, or bound to another address
    async def return_ticket(self, hash: str) -> None: ...  # by whom it was redeemed: as if it had not been
    # False: seen before. `at` in ms; a nonce is remembered for 10 minutes
    async def use_nonce(self, platform: str, nonce: str, at: int) -> bool: ...
    async def start_attachment(self, row: AttachmentRow) -> AttachmentRow: ...
    async def attachment(self, digest: str) -> AttachmentRow | None: ...
    async def grant(self, digest: str, platform: str) -> None: ...
    async def may_read(self, digest: str, platform: str) -> bool: ...
