"""The monthly parts of PostgreSQL's tables: made ahead of time, dropped whole by retention.

A month is one of Shanghai. Messages and their events are parted by message id (a ULID begins with its time),
contents, forms and attempts by number (a number begins with its month). Key tables are parted by hash and
never purged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway import clock
from gateway.store.postgres_connection import answered
from gateway.store.tables import NUMBERS_A_MONTH

AHEAD = 2
_FIRST_YEAR = 2020
BY_ID = ("message", "event")
BY_NUMBER = ("content", "form", "attempt")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """`number` counts from January 2020, as gateway_month() of the database does."""

    number: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        local = moment.astimezone(clock.SHANGHAI)
        return cls((local.year - _FIRST_YEAR) * 12 + local.month - 1)

    @property
    def name(self) -> str:
        return f"{_FIRST_YEAR + self.number // 12}_{self.number % 12 + 1:02}"

    @property
    def first_id(self) -> str:
        """What every ULID of the month and later is not below."""
        start = datetime(_FIRST_YEAR + self.number // 12, self.number % 12 + 1, 1, tzinfo=clock.SHANGHAI)
        return clock.first_id(int(start.timestamp() * 1000))

    def parts(self) -> Iterator[tuple[str, str, str]]:
        """(table, from, to) as SQL literals."""
        after = Month(self.number + 1)
        for table in BY_ID:
            yield table, f"'{self.first_id}'", f"'{after.first_id}'"
        for table in BY_NUMBER:
            yield table, str(self.number * NUMBERS_A_MONTH), str(after.number * NUMBERS_A_MONTH)


async def make_months(connection: Any, now: datetime) -> None:
    """The parts of this month and of the next ones, so far as they are not there."""
    month = Month.of(now).number
    for number in range(month, month + AHEAD + 1):
        one = Month(number)
        if await answered(connection.fetchval("SELECT to_regclass($1)", f"message_{one.name}")):
            continue
        async with connection.transaction():
            for table, first, after in one.parts():
                await answered(
                    connection.execute(
                        f"CREATE TABLE IF NOT EXISTS {table}_{one.name} PARTITION OF {table}"
                        f" FOR VALUES FROM ({first}) TO ({after})"
                    )
                )
