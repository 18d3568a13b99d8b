"""Brings a database to the newest schema, one migration after the other, each in its transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from gateway.errors import ConfigError, Finding


def migrate(url: str) -> None:
    """Runs what is missing up to `HEAD`. ConfigError where the database is a newer gateway's."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            text = f"the database belongs to a newer gateway: {error}"
            raise ConfigError([Finding("config/gateway.yaml", 0, 0, "store_url", text)]) from error
    engine.dispose()


def migration_config() -> Config:
    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
