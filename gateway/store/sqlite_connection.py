"""The door to SQLite: nothing in it waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, func, select

from gateway.store import tables
from gateway.store.statements import Statement

_LAST = {
    table.name: Statement(select(func.max(column)))
    for table, column in ((tables.message, tables.message.c.seq), (tables.delivery, tables.delivery.c.id))
}


Result = TypeVar("Result")


class SqliteConnection:
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    alone = True

    def __init__(self, raw: sqlite3.Connection):
        self.raw = raw

    async def rows(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
        return self.raw.execute(statement.sql, statement.values(given)).fetchall()

    async def run(self, statement: Statement, given: Mapping[str, Any]) -> int:
        return self.raw.execute(statement.sql, statement.values(given)).rowcount

    async def many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> int:
        return self.raw.executemany(statement.sql, rows).rowcount if rows else 0

    async def command(self, sql: str) -> None:
        self.raw.execute(sql)

    async def lock(self, kind: str, names: Iterable[Sequence[str]]) -> None:
        """Nothing to do: there is one writer at a time."""

    async def new_numbers(self, table: Table, count: int) -> Sequence[int]:
        if not count:
            return ()
        last = self.raw.execute(_LAST[table.name].sql).fetchone()[0] or 0
        return range(last + 1, last + 1 + count)


def finish_now(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that waits for nothing; RuntimeError where it waits after all."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    raise RuntimeError("a statement of the file's transaction waited")
