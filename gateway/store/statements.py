"""Statements in SQLAlchemy Core, written once and compiled for the database that runs them; and the door to it.

The store's transaction is written once over `Connection` (accepting.py and what it uses). On SQLite nothing
in it ever waits, so a whole batch runs in one go; on PostgreSQL it waits for the network.

`given` stands for the rows that a batch asks for: one JSON array as a single parameter, so that one
compiled statement serves a batch of any size. A statement that is run for many rows is repeated by the
driver on SQLite; on PostgreSQL it becomes one statement over arrays (postgres_forms.py).
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson
from sqlalchemy import BigInteger, ColumnElement, Select, Table, Text, bindparam, column, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import (
    insert,  # SQLite's compiler reads it too, and not the other way round
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.elements import TextClause as TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

_SQLITE = sqlite.dialect(paramstyle="qmark")


class Conflicted(Exception):
    """Another process was quicker: undo the batch and run it again on what it left."""


class Connection(Protocol):
    """One connection. `errors`: what the driver raises where the database, and not its caller, is to blame."""

    errors: tuple[type[Exception], ...]
    alone: bool  # nobody else writes while its transaction lasts

    async def rows(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]: ...

    # how many rows changed
    async def run(self, statement: Statement, given: Mapping[str, Any]) -> int: ...

    # `rows`: values in the order of `Statement.names`; how many changed. Conflicted where a plain insert finds
    # its key taken by another process.
    async def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int: ...

    # of transactions: SAVEPOINT, RELEASE, ROLLBACK TO
    async def command(self, sql: str) -> None: ...

    # Until the transaction ends nobody else has these names. One call a transaction and kind, or two
    # transactions could wait for each other. Nothing to do where there is one writer at a time.
    async def lock(self, kind: str, names: Iterable[Sequence[str]]) -> None: ...

    # Numbers for new rows of a table, rising, that nobody else gets.
    async def new_numbers(self, table: Table, count: int) -> Sequence[int]: ...


class Statement:
    """`names` are its parameters in the order of SQLite's question marks. `postgresql` is another wording
    where that database has to be asked in other words."""

    __slots__ = ("_fixed", "_names", "_sql", "clause", "postgres_forms", "postgresql")

    def __init__(self, clause: ClauseElement, postgresql: ClauseElement | None = None):
        self.clause = clause
        self.postgresql = clause if postgresql is None else postgresql
        self.postgres_forms: dict[str, Any] = {}  # kept for postgres_forms.py
        self._sql = ""
        self._names: tuple[str, ...] = ()
        self._fixed: dict[str, Any] = {}

    def _compile(self) -> None:
        compiled = self.clause.compile(dialect=_SQLITE)
        self._names = tuple(getattr(compiled, "positiontup", None) or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._sql = str(compiled)

    @property
    def sql(self) -> str:
        """SQLite's text."""
        if not self._sql:
            self._compile()
        return self._sql

    @property
    def names(self) -> tuple[str, ...]:
        if not self._sql:
            self._compile()
        return self._names

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order of `names`; KeyError where one is not given."""
        if not self._sql:
            self._compile()
        known = {**self._fixed, **given} if self._fixed else given
        return [known[name] for name in self._names]

    def run(self, connection: Connection, **given: Any) -> Coroutine[Any, Any, int]:
        """How many rows it changed."""
        return connection.run(self, given)

    def rows(self, connection: Connection, **given: Any) -> Coroutine[Any, Any, list[Any]]:
        return connection.rows(self, given)

    def many(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> Coroutine[Any, Any, int]:
        """Runs for each row, its values in the order of `names`; how many rows changed."""
        return connection.many(self, rows)


class _Given(FunctionElement[Any]):
    """The rows of a JSON array of arrays (or of plain values), to select from."""

    inherit_cache = False

    def __init__(self, parameter: str, columns: Sequence[str], numbers: Collection[str], *, plain: bool):
        super().__init__(bindparam(parameter))
        self.columns_named = columns
        self.numbers = numbers
        self.plain = plain


@compiles(_Given, "sqlite")
def _given_on_sqlite(element: _Given, compiler: Any, **options: Any) -> str:
    items = (
        f"{'value' if element.plain else f'''json_extract(value, '$[{place}]')'''} AS {name}"
        for place, name in enumerate(element.columns_named)
    )
    return f"(SELECT {', '.join(items)} FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(_Given, "postgresql")
def _given_on_postgresql(element: _Given, compiler: Any, **options: Any) -> str:
    items = (
        f"CAST({'item' if element.plain else f'item ->> {place}'} AS"
        f" {'BIGINT' if name in element.numbers else 'TEXT'}) AS {name}"
        for place, name in enumerate(element.columns_named)
    )
    items_of = "jsonb_array_elements_text" if element.plain else "jsonb_array_elements"
    array = f"CAST({compiler.process(element.clauses, **options)} AS JSONB)"
    return f"(SELECT {', '.join(items)} FROM {items_of}({array}) AS each(item))"


def given(*columns: str, numbers: Collection[str] = (), name: str = "given") -> TableValuedAlias:
    """The rows of a JSON array of arrays with these columns; `numbers` are those that hold integers."""
    typed = [column(one, BigInteger if one in numbers else Text) for one in columns]
    return _Given(name, columns, numbers, plain=False).table_valued(*typed, name=name)


def given_values(name: str = "given", of: TypeEngine[Any] | None = None) -> Select[Any]:
    """The plain values of a JSON array, texts unless `of` is a number's type."""
    type_ = of or Text()
    numbers = ("value",) if isinstance(type_, BigInteger) else ()
    each = _Given(name, ("value",), numbers, plain=True).table_valued(
        column("value", type_), name=f"each_{name}"
    )
    return select(each.c.value)


def is_given(of: ColumnElement[Any], name: str = "given") -> ColumnElement[bool]:
    """Is the column's value in a JSON array of plain values?"""
    return of.in_(given_values(name, of.type))


def as_given(rows: Iterable[Any]) -> str:
    """The parameter for `given` and `is_given`."""
    return orjson.dumps(list(rows)).decode()


def insert_into(table: Table, *, without: Sequence[str] = ()) -> Statement:
    """Inserts rows whose values stand in the order of the table's columns."""
    names = [column.name for column in table.columns if column.name not in without]
    return Statement(_insert(table, names))


def add_to(table: Table) -> Statement:
    """Inserts whole rows where their key is free; what stands there already stays."""
    return Statement(_insert(table, [column.name for column in table.columns]).on_conflict_do_nothing())


def put_into(table: Table) -> Statement:
    """Inserts a whole row, or replaces what stands under its primary key."""
    statement = _insert(table, [column.name for column in table.columns])
    keys = [column.name for column in table.primary_key]
    rest = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    return Statement(statement.on_conflict_do_update(index_elements=keys, set_=rest))


def _insert(table: Table, names: Sequence[str]) -> Any:
    return insert(table).values({name: bindparam(name) for name in names})


__all__ = [
    "Conflicted", "Connection", "Statement", "TextClause", "add_to", "as_given", "given", "given_values", "insert", "insert_into", "is_given",
    "put_into",
]  # fmt: skip
