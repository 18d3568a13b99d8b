"""A copy of a PostgreSQL database, table by table in one REPEATABLE READ transaction, and the way back from it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway import clock
from gateway.store.contract import StoreUnavailable
from gateway.store.migrate import migrate_postgres
from gateway.store.months import Month
from gateway.store.partitions import parts_of
from gateway.store.postgres_connection import PostgresConnection, Unreachable, answered
from gateway.store.postgres_link import connect
from gateway.store.postgres_opening import SHAPING
from gateway.store.restored import hold
from gateway.store.snapshots import HEADS, POSTGRESQL, NotRestored, Snapshot, heads_of, sync_file
from gateway.store.transaction import Transaction

_LONG_S = 6 * 3600.0
_TABLES = (
    "SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_class AS c JOIN pg_attribute AS a"
    " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p')"
    " AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'"
    " GROUP BY c.relname ORDER BY c.relname"
)
_PARTS = "SELECT relname FROM pg_class WHERE relispartition AND relname ~ '^message_20[0-9]{2}_[0-9]{2}$' ORDER BY 1"
_SEQUENCES = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'"


async def copy_postgres(url: str, folder: Path) -> Snapshot:
    """One compressed file a table, in COPY's binary form. StoreUnavailable, OSError."""
    async with _connected(url) as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            revision = await answered(connection.fetchval("SELECT version_num FROM alembic_version"))
            tables = {name: list(columns) for name, columns in await answered(connection.fetch(_TABLES))}
            parts = tuple(row[0].removeprefix("message_") for row in await answered(connection.fetch(_PARTS)))
            rows = {
                name: await _copy_table(connection, name, columns, folder / f"{name}.copy.gz")
                for name, columns in tables.items()
            }
            heads = heads_of(await answered(connection.fetch(HEADS)))
        # Read last: a number that was given before the snapshot is not above these.
        sequences = {row[0]: row[1] for row in await answered(connection.fetch(_SEQUENCES))}
    files = tuple(f"{name}.copy.gz" for name in tables)
    return Snapshot(POSTGRESQL, str(revision), rows, heads, files, parts, tables, sequences)


async def _copy_table(connection: Any, name: str, columns: Sequence[str], path: Path) -> int:
    with gzip.GzipFile(path, "wb", mtime=0) as packed:

        async def write(data: bytes) -> None:
            packed.write(data)

        query = f"SELECT {', '.join(columns)} FROM {name}"
        done = await answered(
            connection.copy_from_query(query, output=write, format="binary", timeout=_LONG_S)
        )
    sync_file(path)
    return int(done.rpartition(" ")[2])


async def is_empty(url: str) -> bool:
    """Has the database no tables? StoreUnavailable where it is away."""
    async with _connected(url) as connection:
        return not await answered(connection.fetch(_TABLES))


async def place_postgres(
    url: str, folder: Path, told: Snapshot, suffix: str, actor: str, reason: str
) -> Snapshot:
    """Into a database without tables: the schema at the copy's revision, the rows, then what is newer of the schema.
    Everything is paused, and the evidence logs go on under `suffix`, before any gateway can open it. NotRestored,
    StoreUnavailable, ConfigError."""
    async with _connected(url) as connection:
        await answered(connection.execute("SELECT pg_advisory_lock($1)", SHAPING))
        if await answered(connection.fetch(_TABLES)):
            raise NotRestored("the database is not empty; restore into a new one")
        await migrate_postgres(url, told.revision)
        async with connection.transaction():
            for part in told.parts:
                await _make_part(connection, Month.parse(part.replace("_", "-")))
            for name, columns in told.columns.items():
                await _fill(connection, name, columns, folder / f"{name}.copy.gz", told.rows[name])
            for name, last in told.sequences.items():
                await answered(
                    connection.execute("SELECT setval($1::regclass, $2, $3)", name, max(last, 1), last > 0)
                )
            found = heads_of(await answered(connection.fetch(HEADS)))
        await migrate_postgres(url)
        async with connection.transaction():
            await _hold(connection, suffix, actor, reason)
    return replace(told, heads=found)


async def _make_part(connection: Any, month: Month) -> None:
    for table, first, after in parts_of(month):
        part = f"{table}_{month.name}"
        bounds = f"FOR VALUES FROM ({first}) TO ({after})"
        await answered(connection.execute(f"CREATE TABLE {part} PARTITION OF {table} {bounds}"))


async def _fill(connection: Any, name: str, columns: Sequence[str], path: Path, rows: int) -> None:
    with gzip.open(path, "rb") as packed:
        copied = connection.copy_to_table(
            name, source=packed, columns=columns, format="binary", timeout=_LONG_S
        )
        done = int((await answered(copied)).rpartition(" ")[2])
    if done != rows:
        raise NotRestored(f"{name}: {done} rows of {rows}")


async def _hold(connection: Any, suffix: str, actor: str, reason: str) -> None:
    work = Transaction(PostgresConnection(connection), clock.now_ms(), 0, 0.0, "restore")
    await hold(work, suffix, actor, reason)
    await work.finish()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    try:
        connection = await connect(url)
        try:
            yield connection
        finally:
            await connection.close(timeout=2.0)
    except Unreachable as error:
        raise StoreUnavailable(f"the database is away: {error}") from error
