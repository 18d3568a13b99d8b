"""Brings a database to the newest schema.

On SQLite all that is missing in one transaction: a process that is killed in the middle leaves the old schema, whole.
Python's sqlite3 begins no transaction before DDL by itself; therefore it is begun by hand there.

On PostgreSQL each revision in one of its own, and whoever comes next goes on behind the last: other nodes work
meanwhile, and what one revision locks must not wait for what another one builds.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from gateway.errors import ConfigError, Finding


def migrate_sqlite(path: Path) -> None:
    """Runs what is missing up to `HEAD`. ConfigError where the database is a newer gateway's."""
    engine = create_engine(f"sqlite:///{path.absolute()}", poolclass=NullPool)
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        _upgrade(connection)
    engine.dispose()


async def migrate_postgres(url: str, revision: str = "head") -> None:
    """The same, or up to a revision, one by one; `url` as asyncpg reads it."""
    # Imported here: SQLite is migrated without them.
    import asyncpg
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(url)
    )
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, revision)
    await engine.dispose()


def _upgrade(connection: Connection, revision: str = "head") -> None:
    config = migration_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        text = f"the database belongs to a newer gateway: {error}"
        raise ConfigError([Finding("config/gateway.yaml", 0, 0, "store_url", text)]) from error


def _leave_transactions_to_us(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migration_config() -> Config:
    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
