"""The store on SQLite: one file in WAL with synchronous=FULL, one writer a process, any number of readers."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway import clock
from gateway.measures import WriterMeasures
from gateway.store.batching import run_units
from gateway.store.bootclock import SteadyClock, boot_s
from gateway.store.contract import Claimed, Claimer, Evidence, StoreUnavailable
from gateway.store.engine import EngineStore
from gateway.store.gathering import Batch, Unit
from gateway.store.neighbours import Neighbours
from gateway.store.opening import connect, prepare
from gateway.store.sqlite_connection import SqliteConnection, finish_now
from gateway.store.sqlite_words import SqliteWords
from gateway.store.sqlite_writer import SqliteWriter
from gateway.store.statements import Connection
from gateway.store.transaction import Transaction
from gateway.store.wordindex import WordIndex

# A waiting thread may ask for the GIL this often. The default of 5 ms makes each commit of a busy process wait that
# much longer; ten times as often costs 1 % of the CPU, as each change of threads empties the loop's caches.
_SWITCH_INTERVAL_S = 0.001


class SqliteStore(EngineStore):
    """`path` is the database file. `neighbours`: where other workers of this machine are told of work. Reads run where they are called, on the thread that opened the store."""

    def __init__(
        self,
        path: Path,
        data_dir: Path,
        evidence: Evidence | None = None,
        neighbours: socket.socket | None = None,
    ):
        super().__init__(evidence)
        self._neighbours = neighbours
        self._path = path
        self._data_dir = data_dir
        self._steady = SteadyClock.started_now()
        self._writer: SqliteWriter | None = None
        self._write: sqlite3.Connection | None = None
        self._read: sqlite3.Connection | None = None
        self._writing: SqliteConnection | None = None
        self._reading: SqliteConnection | None = None
        self._claimer: Claimer | None = None
        self._indexed: SqliteWords | None = None

    async def open(self) -> None:
        """Migrates, opens writer and reader. OSError or sqlite3.Error where the file cannot be used."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock_path = self._path.with_name(self._path.name + ".lock")
        self._steady = await asyncio.to_thread(prepare, self._path, lock_path)
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
        self._write = connect(self._path)
        self._read = connect(self._path, read_only=True)
        self._writing, self._reading = SqliteConnection(self._write), SqliteConnection(self._read)
        await self._name_log(self._evidence)
        self._writer = SqliteWriter(self._write, lock_path, self._run)
        self._indexed = SqliteWords(self._path)
        if self._neighbours is not None:
            self._words = Neighbours(self._neighbours, self._tell)
            self._words.start()

    async def close(self) -> None:
        """Writes what waits; later calls are refused."""
        if self._writer is None:
            return
        await self._writer.close()
        if self._words is not None:
            await self._words.close()
            self._words = self._neighbours = None
        if self._indexed is not None:
            await self._indexed.close()
            self._indexed = None
        for connection in (self._read, self._write):
            if connection is not None:
                connection.close()
        self._writer = self._write = self._read = self._writing = self._reading = None

    def is_busy(self) -> bool:
        return self._writer is None or self._writer.is_full

    def writers(self) -> Mapping[str, WriterMeasures]:
        return {} if self._writer is None else {"store": self._writer.measured()}

    def _submit(self, kind: str, payload: Any, size_bytes: int = 0) -> asyncio.Future[Any]:
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return self._writer.submit(kind, payload, size_bytes)

    def _run(self, units: Sequence[Unit]) -> Batch:
        if self._writing is None:
            raise StoreUnavailable("the store is not open")
        work = Transaction(self._writing, clock.now_ms(), self._steady.now_ms(), boot_s())
        results, along = finish_now(run_units(work, units, self._evidence, self._claimer))
        settled, has_work = work.settled, work.has_work
        return Batch(units, results, lambda: self._tell_all(settled, has_work, along))

    def _tell_all(self, settled: Sequence[str], has_work: bool, along: Sequence[Claimed] | None) -> None:
        if along is not None and self._claimer is not None:
            self._claimer.take(along)
        self._spread(settled, has_work)

    def claim_along(self, claimer: Claimer) -> bool:
        self._claimer = claimer
        return True

    @property
    def _reader(self) -> Connection:
        if self._reading is None:
            raise StoreUnavailable("the store is not open")
        return self._reading

    @property
    def _word_index(self) -> WordIndex:
        if self._indexed is None:
            raise StoreUnavailable("the store is not open")
        return self._indexed

    async def _now(self) -> tuple[int, float]:
        return self._steady.now_ms(), boot_s()
