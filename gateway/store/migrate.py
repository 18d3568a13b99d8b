"""Brings a database to the newest schema, one migration after the other, each in its transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool


def migrate(url: str) -> None:
    """Runs what is missing up to `HEAD`. A database of a newer gateway raises alembic's CommandError."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def migration_config() -> Config:
    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
