"""The door to PostgreSQL: one connection of asyncpg. What fails there is `Unreachable`, `Conflicted` or a fault."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Table

from gateway.store.contract import StoreUnavailable
from gateway.store.postgres_forms import columns_of, form_for_many, form_of
from gateway.store.statements import Conflicted, Statement
from gateway.store.tables import NUMBERS_A_MONTH

Result = TypeVar("Result")

# Of months, in the zone that the gateway's days are counted in; the numbers of a month start with it.
_NUMBERS = "SELECT gateway_month() * {span} + nextval('{name}_number') FROM generate_series(1, $1::bigint)"
_LOCK = "SELECT pg_advisory_xact_lock(name) FROM unnest($1::bigint[]) AS given(name)"
_PASSING = (
    asyncpg.SerializationError,  # 40001
    asyncpg.DeadlockDetectedError,  # 40P01
)
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalServerError,
    asyncpg.CannotConnectNowError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)


class Unreachable(Exception):
    """The database is away, full, or takes too long: it may pass."""


class Broken(Exception):
    """The database refused a statement: our own fault, and the transaction is lost with it."""


class Unfit(Broken):
    """What was given cannot stand in the database: a NUL, half a character, a number that is too large."""


class PostgresConnection:
    errors: tuple[type[Exception], ...] = (Unreachable, Broken)
    alone = False

    def __init__(self, raw: Any):
        self.raw = raw

    async def rows(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
        form = form_of(statement)
        found = await answered(self.raw.fetch(form.sql, *form.values(given)))
        return [tuple(row) for row in found]

    async def run(self, statement: Statement, given: Mapping[str, Any]) -> int:
        form = form_of(statement)
        return _count(await answered(self.raw.execute(form.sql, *form.values(given))))

    async def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        if not rows:
            return 0
        form = form_for_many(statement)
        values = form.values(columns_of(statement, form, rows))
        changed = _count(await answered(self.raw.execute(form.sql, *values)))
        if form.is_insert and changed != len(rows):
            raise Conflicted(f"a key is taken: {form.sql.partition('(')[0]}")
        return changed

    async def command(self, sql: str) -> None:
        await answered(self.raw.execute(sql))

    async def lock(self, kind: str, names: Iterable[Sequence[str]]) -> None:
        """By hash, in the order of the hashes. Two names of one hash only wait for each other needlessly."""
        hashes = sorted({_hash(kind, name) for name in names})
        try:
            if hashes:
                await answered(self.raw.fetch(_LOCK, hashes))
        except Unreachable as error:
            if isinstance(error.__cause__, asyncpg.OutOfMemoryError):
                # More than max_locks_per_transaction has room for: one by one they fit.
                raise Broken(f"{len(hashes)} names cannot be locked at once: {error}") from error
            raise

    async def new_numbers(self, table: Table, count: int) -> Sequence[int]:
        if not count:
            return ()
        query = _NUMBERS.format(span=NUMBERS_A_MONTH, name=table.name)
        return [row[0] for row in await answered(self.raw.fetch(query, count))]


class PostgresReader(PostgresConnection):
    """Each statement on its own, on any connection of a pool. StoreUnavailable where it is away."""

    def __init__(self, pool: Any, wait_s: float):
        super().__init__(pool)
        self._wait_s = wait_s

    async def rows(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
        form = form_of(statement)
        try:
            async with borrowed(self.raw, self._wait_s) as connection:
                found = await answered(connection.fetch(form.sql, *form.values(given)))
        except Unfit:
            return []  # so nothing there is equal to it
        except Unreachable as error:
            raise StoreUnavailable(f"the database is away: {error}") from error
        return [tuple(row) for row in found]


@asynccontextmanager
async def borrowed(pool: Any, wait_s: float) -> AsyncIterator[Any]:
    """A connection of the pool. Unreachable where none can be had in time."""
    connection = await answered(pool.acquire(timeout=wait_s))
    try:
        yield connection
    finally:
        await answered(pool.release(connection))


async def answered(work: Awaitable[Result]) -> Result:
    """What the driver answers; its errors by what is to be done about them."""
    try:
        return await work
    except _PASSING as error:
        raise Conflicted(str(error)) from error
    except _AWAY as error:
        if isinstance(error, ValueError):  # it could not be encoded
            raise Unfit(f"{type(error).__name__}: {error}") from error
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    except asyncpg.DataError as error:
        raise Unfit(f"{type(error).__name__}: {error}") from error
    except asyncpg.PostgresError as error:
        raise Broken(f"{type(error).__name__}: {error}") from error


def _count(status: str) -> int:
    """Of a command's tag: `UPDATE 3`, `INSERT 0 3`."""
    return int(status.rpartition(" ")[2])


def _hash(kind: str, name: Sequence[str]) -> int:
    digest = hashlib.blake2b("\0".join((kind, *name)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
