"""Brings a database to the newest schema: all that is missing, in one transaction.

So a process that is killed in the middle leaves the old schema, whole. Python's sqlite3 begins no
transaction before DDL by itself; therefore it is begun by hand there.
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


def migrate(url: str) -> None:
    """Runs what is missing up to `HEAD`. ConfigError where the database is a newer gateway's."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            text = f"the database belongs to a newer gateway: {error}"
            raise ConfigError([Finding("config/gateway.yaml", 0, 0, "store_url", text)]) from error
    engine.dispose()


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
