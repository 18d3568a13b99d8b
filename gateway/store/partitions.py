"""The monthly parts of PostgreSQL's tables: made ahead of time, dropped whole by retention.

A month is one of Shanghai. Messages and their events are parted by message id (a ULID begins with its time),
contents, forms and attempts by number (a number begins with its month). Key tables are parted by hash and
never purged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gateway.store.months import Month
from gateway.store.postgres_connection import answered

AHEAD = 2
BY_ID = ("message", "event")
BY_NUMBER = ("content", "form", "attempt")


def parts_of(month: Month) -> Iterator[tuple[str, str, str]]:
    """(table, from, to) as SQL literals."""
    for table in BY_ID:
        yield table, f"'{month.first_id}'", f"'{month.next.first_id}'"
    for table in BY_NUMBER:
        yield table, str(month.numbers.start), str(month.numbers.stop)


async def make_months(connection: Any, now: datetime) -> None:
    """The parts of this month and of the next ones, so far as they are not there."""
    month = Month.of(now).number
    for number in range(month, month + AHEAD + 1):
        one = Month(number)
        if await answered(connection.fetchval("SELECT to_regclass($1)", f"message_{one.name}")):
            continue
        async with connection.transaction():
            for table, first, after in parts_of(one):
                await answered(
                    connection.execute(
                        f"CREATE TABLE IF NOT EXISTS {table}_{one.name} PARTITION OF {table}"
                        f" FOR VALUES FROM ({first}) TO ({after})"
                    )
                )
