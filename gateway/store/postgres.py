"""The store on PostgreSQL: any number of processes and nodes on one database.

Three writers a process, each with a connection of its own: what is accepted, what is recorded, what is
claimed. So no transaction takes the locks of two of them, and their waits for the disk overlap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import structlog

from gateway import clock
from gateway.errors import ConfigError, Finding
from gateway.measures import WriterMeasures
from gateway.store.batching import run_units
from gateway.store.contract import Evidence, StoreUnavailable
from gateway.store.engine import EngineStore
from gateway.store.gathering import Batch, Unit
from gateway.store.months import Month
from gateway.store.postgres_connection import (
    Broken,
    PostgresConnection,
    PostgresReader,
    Unreachable,
    answered,
    borrowed,
)
from gateway.store.postgres_hints import Hints
from gateway.store.postgres_link import COMMAND_S, CONNECT_S, SETTINGS, Link, close, connect
from gateway.store.postgres_opening import look_after, prepare
from gateway.store.postgres_purge import drop_month, has_parts
from gateway.store.postgres_words import PostgresWords
from gateway.store.postgres_writer import PostgresWriter
from gateway.store.statements import Connection
from gateway.store.transaction import Transaction
from gateway.store.wordindex import WordIndex

log = structlog.get_logger("store")
_LOOK_AFTER_S = 6 * 3600.0  # there is always room for two months
_CLOSE_S = 2.0
_SETTLE_S = 1.0
_MOST_READERS = 4
_LANES = ("accept", "record", "claim")
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


class PostgresStore(EngineStore):
    """`url` as libpq reads it: `postgresql://user:password@host/database`."""

    def __init__(self, url: str, evidence: Evidence | None = None):
        super().__init__(evidence)
        self._url = url
        self._writers: dict[str, PostgresWriter] = {}
        self._pool: Any = None
        self._read: PostgresReader | None = None
        self._looking: asyncio.Task[None] | None = None
        self._indexed: PostgresWords | None = None

    async def open(self) -> None:
        """Checks the server, migrates, connects. ConfigError where it must not be used, StoreUnavailable
        where it is away."""
        try:
            connection = await connect(self._url)
            try:
                await prepare(connection, self._url)
            finally:
                await close(connection)
            hints = Hints(self._url, self._tell)
            await hints.connect()
            self._pool = await answered(
                asyncpg.create_pool(
                    self._url, min_size=0, max_size=_MOST_READERS, reset=_keep_as_it_is, timeout=CONNECT_S,
                    command_timeout=COMMAND_S, statement_cache_size=512, max_cached_statement_lifetime=0,
                    server_settings=SETTINGS,
                )
            )  # fmt: skip
        except Unreachable as error:
            raise StoreUnavailable(f"the database is away: {error}") from error
        except Broken as error:  # unknown user or database, no right to make tables, a URL that is none
            finding = Finding("config/gateway.yaml", 0, 0, "store_url", str(error), "config.store")
            raise ConfigError([finding]) from error
        self._read = PostgresReader(self._pool, CONNECT_S)
        self._indexed = PostgresWords(self._url, self._read)
        await self._name_log(self._evidence)
        self._writers = {lane: self._writer(lane) for lane in _LANES}
        self._words = hints
        self._words.start()
        self._looking = asyncio.create_task(self._look_after())

    async def close(self) -> None:
        """Writes what waits; later calls are refused."""
        writers, self._writers = self._writers, {}
        await asyncio.gather(*(writer.close() for writer in writers.values()))
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._words is not None:
            await self._words.close()
        if self._indexed is not None:
            await self._indexed.close()
            self._indexed = None
        if self._pool is not None:
            try:
                await answered(asyncio.wait_for(self._pool.close(), _CLOSE_S))
            except (Unreachable, Broken):
                self._pool.terminate()
        self._words = self._pool = self._read = None

    async def _look_after(self) -> None:
        await asyncio.sleep(_SETTLE_S)  # a command is over by then
        while True:
            try:
                await look_after(self._url)
            except Unreachable as error:
                log.warning("months are not looked after", cause=str(error))
            await asyncio.sleep(_LOOK_AFTER_S)

    def is_busy(self) -> bool:
        writer = self._writers.get("accept")
        return writer is None or writer.is_full or writer.is_away

    def writers(self) -> Mapping[str, WriterMeasures]:
        return {lane: writer.measured() for lane, writer in self._writers.items()}

    def _writer(self, lane: str) -> PostgresWriter:
        log_id = self._evidence.log_id if self._evidence else "-"

        async def run(connection: PostgresConnection, units: Sequence[Unit]) -> Batch:
            now_s = float(await answered(connection.raw.fetchval(_NOW)))
            work = Transaction(connection, clock.now_ms(), int(now_s * 1000), now_s, f"{log_id} {lane}")
            results, _ = await run_units(work, units, self._evidence)
            settled, has_work = work.settled, work.has_work
            return Batch(units, results, lambda: self._spread(settled, has_work))

        return PostgresWriter(Link(self._url), run)

    def _submit(self, kind: str, payload: Any, size_bytes: int = 0) -> asyncio.Future[Any]:
        writer = self._writers.get(kind if kind in _LANES else "accept")
        if writer is None:
            raise StoreUnavailable("the store is not open")
        return writer.submit(kind, payload, size_bytes)

    @property
    def _reader(self) -> Connection:
        if self._read is None:
            raise StoreUnavailable("the store is not open")
        return self._read

    async def _parts(self, month: Month) -> range:
        if self._pool is None:
            raise StoreUnavailable("the store is not open")
        try:
            async with borrowed(self._pool, CONNECT_S) as connection:
                return month.numbers if await has_parts(connection, month) else range(0)
        except Unreachable as error:
            raise StoreUnavailable(f"the database is away: {error}") from error

    async def end_purge(self, month: Month) -> int:
        dropped = await drop_month(self._url, month)
        await super().end_purge(month)
        return dropped

    @property
    def _word_index(self) -> WordIndex:
        if self._indexed is None:
            raise StoreUnavailable("the store is not open")
        return self._indexed

    async def _now(self) -> tuple[int, float]:
        if self._pool is None:
            raise StoreUnavailable("the store is not open")
        try:
            async with borrowed(self._pool, CONNECT_S) as connection:
                now_s = float(await answered(connection.fetchval(_NOW)))
        except Unreachable as error:
            raise StoreUnavailable(f"the database is away: {error}") from error
        return int(now_s * 1000), now_s


async def _keep_as_it_is(connection: Any) -> None:
    """A reader changes nothing of its session: there is nothing to reset."""
