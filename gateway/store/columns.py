"""How columns, keys and partial indexes are written in the tables; the one metadata of them all."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy import text as sql_text

metadata = MetaData()
# Compared by code points, whatever the database's own order: so prefixes are found by index, as on SQLite.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
SERIAL = BigInteger().with_variant(Integer, "sqlite")  # an alias of SQLite's rowid


def text(name: str) -> Column[str]:
    return Column(name, TEXT, nullable=False)


def integer(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def blob(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def partial(name: str, table: Table, condition: str, *columns: str) -> Index:
    """An index of the rows that hold `condition` alone."""
    return Index(
        name,
        *(table.c[column] for column in columns),
        sqlite_where=sql_text(condition),
        postgresql_where=sql_text(condition),
    )
