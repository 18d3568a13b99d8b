"""Opening a PostgreSQL database: is it one that keeps its word, and is it of this gateway's shape?"""

from __future__ import annotations

from typing import Any

from gateway import clock
from gateway.errors import ConfigError, Finding
from gateway.store.migrations import HEAD
from gateway.store.partitions import make_months
from gateway.store.postgres_connection import answered
from gateway.store.postgres_link import close, connect

_OLDEST = 140_000
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
SHAPING = 0x6761_7465  # the advisory lock under which one process at a time migrates


async def prepare(connection: Any, url: str) -> None:
    """Refuses a server that may lose what it acknowledged, then migrates and makes the parts of the months.
    ConfigError says why."""
    await _check(connection)
    await answered(connection.execute("SELECT pg_advisory_lock($1)", SHAPING))
    try:
        if await _revision(connection) != HEAD:
            # Imported here: a database that is up to date starts without Alembic.
            from gateway.store.migrate import migrate_postgres

            await migrate_postgres(url)
        await make_months(connection, clock.now())
    finally:
        await answered(connection.execute("SELECT pg_advisory_unlock($1)", SHAPING))


async def look_after(url: str) -> None:
    """The parts of the months to come, made by whoever looks first. Unreachable where the database is away."""
    connection = await connect(url)
    try:
        await answered(connection.execute("SELECT pg_advisory_lock($1)", SHAPING))
        await make_months(connection, clock.now())
    finally:
        await close(connection)  # which gives the lock back


async def _check(connection: Any) -> None:
    names = ("server_version_num", "transaction_read_only", "server_encoding", *_DURABLE)
    found = {name: await answered(connection.fetchval(f"SHOW {name}")) for name in names}
    faults = [
        f"{name} is off: what is acknowledged could be lost (DESIGN.md promise 1); set it on"
        for name in _DURABLE
        if found[name] == "off"
    ]
    if int(found["server_version_num"]) < _OLDEST:
        faults.append(f"PostgreSQL 14 or newer is needed, found {found['server_version_num']}")
    if found["transaction_read_only"] == "on":
        faults.append("the server takes no writes: it is a standby, or read-only")
    if found["server_encoding"] != "UTF8":
        faults.append(f"the database's encoding must be UTF8, found {found['server_encoding']}")
    if faults:
        raise ConfigError(
            [Finding("config/gateway.yaml", 0, 0, "store_url", text, "config.store") for text in faults]
        )


async def _revision(connection: Any) -> str:
    known = await answered(connection.fetchval("SELECT to_regclass('alembic_version')"))
    found = await answered(connection.fetchval("SELECT version_num FROM alembic_version")) if known else None
    return str(found or "")
