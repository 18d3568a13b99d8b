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
_INDEXING_S = 3600.0
# With whether their texts have a whole index.
_MONTHS_OF_MESSAGES = """
SELECT part.relname, coalesce(pg_index.indisvalid, false) FROM pg_class AS part
LEFT JOIN pg_class AS texts ON texts.relname = part.relname || '_texts'
LEFT JOIN pg_index ON pg_index.indexrelid = texts.oid
WHERE part.relkind = 'r' AND part.relispartition AND part.relname ~ '^message_[0-9]+_[0-9]+$'
"""
_FIRST_YEAR = 2020
BY_ID = ("message", "event")
BY_NUMBER = ("content", "form", "attempt")
_OWNERS = {
    "content": "message ON message.seq = part.message_seq AND message.id",
    "form": "delivery ON delivery.id = part.delivery_id AND delivery.message_id",
    "attempt": "delivery ON delivery.id = part.delivery_id AND delivery.message_id",
}


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


async def index_texts(connection: Any, now: datetime) -> str:
    """Indexes the texts of the months that are over, each once, beside whatever is written: while messages
    come, it would cost a third of their acceptance (128 µs of 300, measured). The first id that is not covered."""
    this = Month.of(now)
    await answered(connection.execute("SET lock_timeout = 0"))
    parts = await answered(connection.fetch(_MONTHS_OF_MESSAGES))
    for part, is_whole in parts:
        if part >= f"message_{this.name}" or is_whole:
            continue
        # One that was interrupted is of no use, and in the way.
        await answered(connection.execute(f"DROP INDEX IF EXISTS {part}_texts"))
        await answered(
            connection.execute(
                f"CREATE INDEX CONCURRENTLY {part}_texts ON {part} USING gin (gateway_pairs(search))",
                timeout=_INDEXING_S,
            )
        )
    return this.first_id


async def drop_month(connection: Any, month: Month) -> bool:
    """Drops what belongs to a month's messages but for their keys, evidence and cases, all or nothing. False
    where a delivery of them is still open. Whoever calls has an archive of it."""
    after = Month(month.number + 1)
    async with connection.transaction():
        is_open = await answered(
            connection.fetchval(
                "SELECT 1 FROM delivery WHERE message_id >= $1 AND message_id < $2 AND is_open = 1 LIMIT 1",
                month.first_id, after.first_id,
            )
        )  # fmt: skip
        if is_open:
            return False
        await answered(
            connection.execute(
                "DELETE FROM delivery WHERE message_id >= $1 AND message_id < $2",
                month.first_id,
                after.first_id,
            )
        )
        for table in BY_ID:
            await answered(connection.execute(f"DROP TABLE IF EXISTS {table}_{month.name}"))
        for table, owner in _OWNERS.items():
            part = f"{table}_{month.name}"
            # At a month's end the gateway's clock and the database's may differ: what is a later message's
            # stays, in the part for what belongs nowhere.
            await answered(
                connection.execute(
                    f"CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT part.* FROM {part} AS part"
                    f" JOIN {owner} >= '{after.first_id}'"
                )
            )
            await answered(connection.execute(f"DROP TABLE {part}"))
            await answered(connection.execute(f"INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept"))
    return True


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
