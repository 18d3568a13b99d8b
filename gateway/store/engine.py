"""What both stores have in common: every call of the contract, over a reader and the writers' queues."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gateway.errors import Fault
from gateway.measures import WriterMeasures
from gateway.message import MessageState
from gateway.payments.authorities import NO_AUTHORITIES, Authorities
from gateway.payments.ground import Application, BusinessObject, Contract, Ground, Needs, TraceStep
from gateway.rights import EVERYTHING, Scope
from gateway.store import cases, claiming, entrances, queries
from gateway.store.accepting import accept_all
from gateway.store.accounts_engine import AccountsEngine
from gateway.store.alarms_engine import AlarmsEngine
from gateway.store.contract import (
    COMMAND_LINE,
    Arrival,
    AttachmentRow,
    AttemptResult,
    AttemptRow,
    CaseTotal,
    Claimed,
    Claimer,
    Counts,
    DeliveryRow,
    EventRow,
    Evidence,
    MakeNotice,
    MessageFilter,
    MessagePage,
    MessageRow,
    NewDelivery,
    Outcome,
    RefusalRow,
    TicketRow,
)
from gateway.store.grounding import load_ground
from gateway.store.keeping_engine import KeepingEngine
from gateway.store.mappingerrors import ErrorDay, mapping_errors
from gateway.store.parking import close_parked
from gateway.store.refusing import note_refusal
from gateway.store.resolving import Act, resolve
from gateway.store.scoping import within
from gateway.store.searching import search_page
from gateway.store.statements import Connection
from gateway.store.steering_engine import SteeringEngine
from gateway.store.transaction import Transaction
from gateway.store.watching_engine import WatchingEngine
from gateway.store.wordindex import WordIndex
from gateway.store.words import Words

_LOOK_AGAIN_S = 0.5
_RECORD_BYTES = 1024
_FORM_BYTES = 256


class _Foreseen(Exception):
    def __init__(self, row: DeliveryRow):
        self.row = row
        super().__init__("undone")


class EngineStore(SteeringEngine, AccountsEngine, KeepingEngine, WatchingEngine, AlarmsEngine, ABC):
    """`evidence`: the log that what is accepted is bound into; None for tools that accept nothing."""

    def __init__(self, evidence: Evidence | None):
        self._evidence = evidence
        self._words: Words | None = None
        self._wakes: list[Callable[[], None]] = []
        self._waiters: dict[str, list[asyncio.Future[None]]] = defaultdict(list)

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def is_busy(self) -> bool: ...

    @abstractmethod
    def _submit(self, kind: str, payload: Any, size_bytes: int = 0) -> asyncio.Future[Any]:
        """The future of a write. StoreUnavailable where the store is not open."""

    @property
    @abstractmethod
    def _reader(self) -> Connection:
        """For statements that only read; StoreUnavailable where the store is not open."""

    @property
    @abstractmethod
    def _word_index(self) -> WordIndex:
        """StoreUnavailable where the store is not open."""

    @abstractmethod
    async def _now(self) -> tuple[int, float]:
        """Steady milliseconds for due times, seconds for leases."""

    def _do(self, act: Callable[[Transaction], Coroutine[Any, Any, Any]]) -> asyncio.Future[Any]:
        return self._submit("act", act)

    def _spread(self, settled: Sequence[str], has_work: bool) -> None:
        """After a commit: here, and as a hint to the other processes."""
        self._tell(settled, has_work)
        if self._words is not None and (settled or has_work):
            self._words.say(settled, has_work)

    def _tell(self, settled: Sequence[str], has_work: bool) -> None:
        """After a commit: who waits for these messages, and who looks for work, may look."""
        for message_id in settled:
            for waiter in self._waiters.pop(message_id, ()):
                if not waiter.done():
                    waiter.set_result(None)
        if has_work:
            for wake in self._wakes:
                wake()

    # messages
    async def accept(self, arrival: Arrival) -> Outcome:
        size = len(arrival.original) + len(arrival.body) + len(arrival.head) + len(arrival.answer)
        outcome: Outcome = await self._submit("accept", arrival, size)
        return outcome

    async def find_by_key(self, sender: str, idem_key: str) -> MessageRow | None:
        return await queries.find_by_key(self._reader, sender, idem_key)

    async def is_token_seen(self, sender: str, jti: str) -> bool:
        return await queries.is_token_seen(self._reader, sender, jti)

    async def get_message(self, message_id: str) -> MessageRow | None:
        return await queries.find_message_row(self._reader, message_id)

    async def find_message(self, sender: str, type: str, biz_key: str) -> MessageRow | None:
        return await queries.find_newest(self._reader, sender, type, biz_key)

    async def search(self, wanted: MessageFilter) -> Sequence[MessageRow]:
        return (await search_page(self._reader, self._word_index, wanted)).rows

    async def search_page(self, wanted: MessageFilter) -> MessagePage:
        return await search_page(self._reader, self._word_index, wanted)

    async def index_words(self) -> int:
        return await self._word_index.follow()

    async def events(self, message_id: str) -> Sequence[EventRow]:
        return await queries.events_of(self._reader, message_id)

    async def note_event(self, message_id: str, stage: str, detail: Mapping[str, Any]) -> None:
        async def note(work: Transaction) -> None:
            work.note(message_id, stage, detail)

        await self._do(note)

    async def note_refusal(
        self, sender: str, type: str, at: int, faults: Sequence[Fault], detail: Mapping[str, Any]
    ) -> None:
        told = [asdict(fault) for fault in faults]
        await self._do(lambda work: note_refusal(work, sender, type, at, told, detail))

    async def refusals(self, limit: int = 50, sender: str = "") -> Sequence[RefusalRow]:
        return await queries.refusals(self._reader, limit, sender)

    async def mapping_errors(self, since_ms: int) -> Sequence[ErrorDay]:
        return await mapping_errors(self._reader, since_ms)

    # deliveries
    async def claim(
        self,
        worker: str,
        limit: int,
        lease_s: float,
        *,
        rooms: Mapping[str, int] | None = None,
        make_notice: MakeNotice | None = None,
    ) -> list[Claimed]:
        wanted = (worker, limit, lease_s, rooms, make_notice)
        claimed: list[Claimed] = await self._submit("claim", wanted)
        return claimed

    async def record(self, result: AttemptResult) -> bool:
        kept: bool = await self._submit("record", result, len(result.answer) + _RECORD_BYTES)
        return kept

    async def next_due_in_s(self, receivers: Collection[str] | None = None) -> float | None:
        due = await claiming.due_in_ms(self._reader, *await self._now(), receivers)
        return None if due is None else due / 1000

    async def delivery(self, delivery_id: int) -> DeliveryRow | None:
        return await queries.find_delivery(self._reader, delivery_id)

    async def deliveries(self, message_id: str) -> Sequence[DeliveryRow]:
        return await queries.deliveries_of(self._reader, message_id)

    async def attempts(self, delivery_id: int) -> Sequence[AttemptRow]:
        return await queries.attempts_of(self._reader, delivery_id)

    async def dead_letters(self, limit: int = 100) -> Sequence[DeliveryRow]:
        return await queries.stuck_deliveries(self._reader, limit)

    async def resolve(
        self,
        delivery_id: int,
        action: str,
        actor: str,
        reason: str,
        renewed: NewDelivery | None = None,
        *,
        notice: Arrival | None = None,
        sure: bool = False,
        origin: str = COMMAND_LINE,
        dry: bool = False,
    ) -> DeliveryRow:
        act = Act(delivery_id, action, actor, reason, renewed, notice, sure, origin)

        def do(work: Transaction) -> Coroutine[Any, Any, DeliveryRow]:
            return resolve(work, act, lambda arrivals: accept_all(work, arrivals, self._evidence))

        if dry:
            return await self._foresee(do)
        row: DeliveryRow = await self._do(do)
        return row

    async def _foresee(self, do: Callable[[Transaction], Coroutine[Any, Any, DeliveryRow]]) -> DeliveryRow:
        """What an act would answer: it is done, and undone with its savepoint (batching.py)."""

        async def foresee(work: Transaction) -> None:
            raise _Foreseen(await do(work))

        try:
            await self._do(foresee)
        except _Foreseen as seen:
            return seen.row
        raise AssertionError("an act that was to be undone was kept")

    async def close_parked(
        self,
        message_id: str,
        actor: str,
        reason: str,
        told_again: str = "",
        *,
        origin: str = COMMAND_LINE,
    ) -> MessageRow:
        row: MessageRow = await self._do(
            lambda work: close_parked(work, message_id, actor, reason, told_again, origin)
        )
        return row

    async def wait_settled(self, message_id: str, timeout_s: float) -> MessageRow | None:
        """The message once it is delivered, answered or stuck; as it is when the time is over. None if unknown."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while await queries.find_state(self._reader, message_id) == MessageState.ACCEPTED:
            left = ends - loop.time()
            if left <= 0:
                break
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters[message_id].append(waiter)
            # Another process may settle it, and its word does not come here: look again now and then.
            await asyncio.wait([waiter], timeout=min(left, _LOOK_AGAIN_S))
            self._forget(message_id, waiter)
        return await self.get_message(message_id)

    def _forget(self, message_id: str, waiter: asyncio.Future[None]) -> None:
        waiting = self._waiters.get(message_id)
        if waiting is not None and waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self._waiters[message_id]

    @abstractmethod
    def writers(self) -> Mapping[str, WriterMeasures]: ...

    async def oldest_due_s(self) -> Mapping[str, float]:
        steady_ms, _ = await self._now()
        return await claiming.oldest_due_s(self._reader, steady_ms)

    async def size_bytes(self) -> int:
        ((size,),) = await queries.SIZE.rows(self._reader)
        return int(size)

    async def counts(self) -> Counts:
        return await queries.counts(self._reader)

    def claim_along(self, claimer: Claimer) -> bool:
        return False

    def on_work(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    # cases
    async def load_ground(self, needs: Needs) -> Ground:
        return await load_ground(self._reader, needs)

    async def application(self, no: str) -> Application | None:
        return await cases.find_application(self._reader, no)

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
        scope: Scope = EVERYTHING,
        also: Scope = EVERYTHING,
        authorities: Authorities = NO_AUTHORITIES,
    ) -> tuple[int, Sequence[Application]]:
        return await cases.search_applications(
            self._reader, contract_no=contract_no, deal=deal, party=party, since=since, until=until,
            limit=limit, offset=offset, states=states,
            bounds=[*within(scope, authorities), *within(also, authorities)],
        )  # fmt: skip

    async def application_totals(
        self,
        *,
        scope: Scope = EVERYTHING,
        also: Scope = EVERYTHING,
        authorities: Authorities = NO_AUTHORITIES,
    ) -> Sequence[CaseTotal]:
        bounds = [*within(scope, authorities), *within(also, authorities)]
        return await cases.totals(self._reader, bounds)

    async def trace(self, app_no: str) -> Sequence[TraceStep]:
        return await cases.trace_of(self._reader, app_no)

    async def contract(self, no: str) -> Contract | None:
        return await cases.find_contract(self._reader, no)

    async def find_object(self, kind: str, key: str) -> BusinessObject | None:
        return await cases.find_object(self._reader, kind, key)

    async def objects(self, kind: str) -> Sequence[BusinessObject]:
        return await cases.objects_of(self._reader, kind)

    async def object_messages(self, kind: str) -> Sequence[str]:
        return await cases.messages_of(self._reader, kind)

    # tickets, nonces, attachments
    async def issue_ticket(self, ticket: TicketRow) -> None:
        await self._do(lambda work: entrances.issue_ticket(work, ticket))

    async def redeem_ticket(self, hash: str, platform: str, at: int, client_ip: str = "") -> TicketRow | None:
        row: TicketRow | None = await self._do(
            lambda work: entrances.redeem_ticket(work, hash, platform, at, client_ip)
        )
        return row

    async def return_ticket(self, hash: str) -> None:
        await self._do(lambda work: entrances.return_ticket(work, hash))

    async def use_nonce(self, platform: str, nonce: str, at: int) -> bool:
        fresh: bool = await self._do(lambda work: entrances.use_nonce(work, platform, nonce, at))
        return fresh

    async def start_attachment(self, row: AttachmentRow) -> AttachmentRow:
        stored: AttachmentRow = await self._do(lambda work: entrances.start_attachment(work, row))
        return stored

    async def attachment(self, digest: str) -> AttachmentRow | None:
        return await entrances.find_attachment(self._reader, digest)

    async def grant(self, digest: str, platform: str) -> None:
        await self._do(lambda work: entrances.grant(work, digest, platform))

    async def may_read(self, digest: str, platform: str) -> bool:
        return await entrances.may_read(self._reader, digest, platform)
