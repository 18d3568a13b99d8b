"""Statements in SQLAlchemy Core, compiled once, run on the raw driver.

`given` stands for the rows that a batch asks for: one JSON array as a single parameter on SQLite, so that
one compiled statement serves a batch of any size (`unnest` of arrays will do the same on PostgreSQL).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Subquery, Table, bindparam, func, literal_column, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.elements import TextClause as TextClause

_SQLITE = sqlite.dialect(paramstyle="qmark")


class Statement:
    """SQL text with the names of its parameters in the order of its question marks."""

    __slots__ = ("_fixed", "names", "sql")

    def __init__(self, clause: ClauseElement):
        compiled = clause.compile(dialect=_SQLITE)
        self.sql = str(compiled)
        self.names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def values(self, given: dict[str, Any]) -> list[Any]:
        """The parameters in the order of the question marks; KeyError where one is not given."""
        known = {**self._fixed, **given} if self._fixed else given
        return [known[name] for name in self.names]

    def run(self, connection: sqlite3.Connection, **given: Any) -> sqlite3.Cursor:
        return connection.execute(self.sql, self.values(given))

    def rows(self, connection: sqlite3.Connection, **given: Any) -> list[Any]:
        return connection.execute(self.sql, self.values(given)).fetchall()

    def many(self, connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> int:
        """Runs once a row, its values in the order of the question marks; returns how many rows changed."""
        return connection.executemany(self.sql, rows).rowcount if rows else 0


def given(*columns: str, name: str = "given") -> Subquery:
    """The rows of a JSON array of arrays as a subquery with these columns."""
    each = func.json_each(bindparam(name)).table_valued("value", name=f"each_{name}")
    return select(
        *(
            func.json_extract(each.c.value, literal_column(f"'$[{place}]'")).label(column)
            for place, column in enumerate(columns)
        )
    ).subquery(name)


def is_given(column: ColumnElement[Any], name: str = "given") -> ColumnElement[bool]:
    """Is the column's value in a JSON array of plain values?"""
    each = func.json_each(bindparam(name)).table_valued("value", name=f"each_{name}")
    return column.in_(select(each.c.value))


def as_given(rows: Iterable[Any]) -> str:
    """The parameter for `given` and `is_given`."""
    return orjson.dumps(list(rows)).decode()


def insert_into(table: Table, *, without: Sequence[str] = ()) -> Statement:
    """Inserts rows whose values stand in the order of the table's columns."""
    names = [column.name for column in table.columns if column.name not in without]
    return Statement(sqlite_insert(table).values({name: bindparam(name) for name in names}))


def put_into(table: Table) -> Statement:
    """Inserts a whole row, or replaces what stands under its primary key."""
    statement = sqlite_insert(table).values({column.name: bindparam(column.name) for column in table.columns})
    keys = [column.name for column in table.primary_key]
    rest = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    return Statement(
        statement.on_conflict_do_update(index_elements=keys, set_=rest)
        if rest
        else statement.on_conflict_do_nothing()
    )
