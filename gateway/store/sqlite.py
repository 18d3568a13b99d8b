"""The store on SQLite: one file in WAL with synchronous=FULL, one writer a process, any number of readers."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway import clock
from gateway.errors import Fault
from gateway.message import MessageState
from gateway.payments.ground import Application, BusinessObject, Contract, Ground, Needs, TraceStep
from gateway.store import cases, claiming, entrances, queries
from gateway.store.accepting import accept_all
from gateway.store.batching import run_units
from gateway.store.bootclock import SteadyClock, boot_s
from gateway.store.contract import (
    NO_BOUNDS,
    Arrival,
    AttachmentRow,
    AttemptResult,
    AttemptRow,
    Claimed,
    Claimer,
    Counts,
    DeliveryRow,
    EventRow,
    MakeNotice,
    MessageFilter,
    MessageRow,
    NewDelivery,
    Outcome,
    RefusalRow,
    SealBatch,
    StoreUnavailable,
    TicketRow,
)
from gateway.store.grounding import load_ground
from gateway.store.opening import connect, prepare
from gateway.store.refusing import note_refusal
from gateway.store.resolving import Act, resolve
from gateway.store.searching import search
from gateway.store.sqlite_steering import SqliteSteering
from gateway.store.transaction import Transaction
from gateway.store.writer import Batch, Unit, Writer

# A waiting thread may ask for the GIL this often; the default of 5 ms starves the writer (writer.py).
_SWITCH_INTERVAL_S = 0.0001
_LOOK_AGAIN_S = 0.5
_RECORD_BYTES = 1024


class SqliteStore(SqliteSteering):
    """`path` is the database file. Reads run where they are called, on the thread that opened the store."""

    def __init__(self, path: Path, data_dir: Path, seal_batch: SealBatch | None = None):
        self._path = path
        self._data_dir = data_dir
        self._seal_batch = seal_batch
        self._steady = SteadyClock.started_now()
        self._writer: Writer | None = None
        self._write: sqlite3.Connection | None = None
        self._read: sqlite3.Connection | None = None
        self._wakes: list[Callable[[], None]] = []
        self._claimer: Claimer | None = None
        self._waiters: dict[str, list[asyncio.Future[None]]] = defaultdict(list)

    async def open(self) -> None:
        """Migrates, opens writer and reader. OSError or sqlite3.Error where the file cannot be used."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock_path = self._path.with_name(self._path.name + ".lock")
        self._steady = await asyncio.to_thread(prepare, self._path, lock_path)
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
        self._write = connect(self._path)
        self._read = connect(self._path, read_only=True)
        self._writer = Writer(self._write, lock_path, self._run)

    async def close(self) -> None:
        """Writes what waits; later calls are refused."""
        if self._writer is None:
            return
        await self._writer.close()
        for connection in (self._read, self._write):
            if connection is not None:
                connection.close()
        self._writer = self._write = self._read = None

    # the writer's side
    def _submit(self, kind: str, payload: Any, size_bytes: int = 0) -> asyncio.Future[Any]:
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer.submit(kind, payload, size_bytes)

    def _do(self, act: Callable[[Transaction], Any]) -> asyncio.Future[Any]:
        return self._submit("act", act)

    def _run(self, units: Sequence[Unit]) -> Batch:
        if self._write is None:
            raise StoreUnavailable("the store is not open")
        work = Transaction(self._write, clock.now_ms(), self._steady.now_ms(), boot_s())
        results, along = run_units(work, units, self._seal_batch, self._claimer)
        settled, has_work = work.settled, work.has_work
        return Batch(units, results, lambda: self._tell(settled, has_work, along))

    def _tell(self, settled: Sequence[str], has_work: bool, along: Sequence[Claimed]) -> None:
        if along and self._claimer is not None:
            self._claimer.take(along)
        for message_id in settled:
            for waiter in self._waiters.pop(message_id, ()):
                if not waiter.done():
                    waiter.set_result(None)
        if has_work:
            for wake in self._wakes:
                wake()

    @property
    def _reader(self) -> sqlite3.Connection:
        if self._read is None:
            raise StoreUnavailable("the store is not open")
        return self._read

    def is_busy(self) -> bool:
        return self._writer is None or self._writer.is_full

    # messages
    async def accept(self, arrival: Arrival) -> Outcome:
        size = len(arrival.original) + len(arrival.body) + len(arrival.head) + len(arrival.answer)
        outcome: Outcome = await self._submit("accept", arrival, size)
        return outcome

    async def find_by_key(self, sender: str, idem_key: str) -> MessageRow | None:
        return queries.find_by_key(self._reader, sender, idem_key)

    async def is_token_seen(self, sender: str, jti: str) -> bool:
        return queries.is_token_seen(self._reader, sender, jti)

    async def get_message(self, message_id: str) -> MessageRow | None:
        return queries.find_message_row(self._reader, message_id)

    async def find_message(self, sender: str, type: str, biz_key: str) -> MessageRow | None:
        return queries.find_newest(self._reader, sender, type, biz_key)

    async def search(self, wanted: MessageFilter) -> Sequence[MessageRow]:
        return search(self._reader, wanted)

    async def events(self, message_id: str) -> Sequence[EventRow]:
        return queries.events_of(self._reader, message_id)

    async def note_event(self, message_id: str, stage: str, detail: Mapping[str, Any]) -> None:
        await self._do(lambda work: work.note(message_id, stage, detail))

    async def note_refusal(
        self, sender: str, type: str, at: int, faults: Sequence[Fault], detail: Mapping[str, Any]
    ) -> None:
        told = [asdict(fault) for fault in faults]
        await self._do(lambda work: note_refusal(work, sender, type, at, told, detail))

    async def refusals(self, limit: int = 50, sender: str = "") -> Sequence[RefusalRow]:
        return queries.refusals(self._reader, limit, sender)

    # deliveries
    async def claim(
        self,
        worker: str,
        limit: int,
        lease_s: float,
        *,
        skip: Sequence[str] = (),
        rooms: Mapping[str, int] = NO_BOUNDS,
        make_notice: MakeNotice | None = None,
    ) -> list[Claimed]:
        wanted = (worker, limit, lease_s, skip, rooms, make_notice)
        claimed: list[Claimed] = await self._submit("claim", wanted)
        return claimed

    async def record(self, result: AttemptResult) -> bool:
        kept: bool = await self._submit("record", result, len(result.answer) + _RECORD_BYTES)
        return kept

    async def next_due_in_s(self, *, skip: Sequence[str] = ()) -> float | None:
        due = claiming.due_in_ms(self._reader, self._steady.now_ms(), boot_s(), skip)
        return None if due is None else due / 1000

    async def delivery(self, delivery_id: int) -> DeliveryRow | None:
        return queries.find_delivery(self._reader, delivery_id)

    async def deliveries(self, message_id: str) -> Sequence[DeliveryRow]:
        return queries.deliveries_of(self._reader, message_id)

    async def attempts(self, delivery_id: int) -> Sequence[AttemptRow]:
        return queries.attempts_of(self._reader, delivery_id)

    async def dead_letters(self, limit: int = 100) -> Sequence[DeliveryRow]:
        return queries.stuck_deliveries(self._reader, limit)

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
    ) -> DeliveryRow:
        act = Act(delivery_id, action, actor, reason, renewed, notice, sure)
        row: DeliveryRow = await self._do(
            lambda work: resolve(
                work,
                act,
                lambda arrivals: accept_all(work, arrivals, self._seal_batch, queries.find_message_row),
            )
        )
        return row

    async def wait_settled(self, message_id: str, timeout_s: float) -> MessageRow | None:
        """The message once it is delivered, answered or stuck; as it is when the time is over. None if unknown."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while queries.find_state(self._reader, message_id) == MessageState.ACCEPTED:
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

    async def counts(self) -> Counts:
        return queries.counts(self._reader)

    def claim_along(self, claimer: Claimer) -> bool:
        self._claimer = claimer
        return True

    def on_work(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    # cases
    async def load_ground(self, needs: Needs) -> Ground:
        return load_ground(self._reader, needs)

    async def application(self, no: str) -> Application | None:
        return cases.find_application(self._reader, no)

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
    ) -> tuple[int, Sequence[Application]]:
        return cases.search_applications(
            self._reader, contract_no=contract_no, deal=deal, party=party, since=since, until=until,
            limit=limit, offset=offset,
        )  # fmt: skip

    async def trace(self, app_no: str) -> Sequence[TraceStep]:
        return cases.trace_of(self._reader, app_no)

    async def contract(self, no: str) -> Contract | None:
        return cases.find_contract(self._reader, no)

    async def find_object(self, kind: str, key: str) -> BusinessObject | None:
        return cases.find_object(self._reader, kind, key)

    async def objects(self, kind: str) -> Sequence[BusinessObject]:
        return cases.objects_of(self._reader, kind)

    async def object_messages(self, kind: str) -> Sequence[str]:
        return cases.messages_of(self._reader, kind)

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

    async def complete_attachment(self, digest: str) -> None:
        await self._do(lambda work: entrances.complete_attachment(work, digest))

    async def attachment(self, digest: str) -> AttachmentRow | None:
        return entrances.find_attachment(self._reader, digest)

    async def grant(self, digest: str, platform: str) -> None:
        await self._do(lambda work: entrances.grant(work, digest, platform))

    async def may_read(self, digest: str, platform: str) -> bool:
        return entrances.may_read(self._reader, digest, platform)
