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
_INDEXING_S = 3600.0
# With whether their texts have a whole index.
_MONTHS_OF_MESSAGES = """
SELECT part.relname, coalesce(pg_index.indisvalid, false) FROM pg_class AS part
LEFT JOIN pg_class AS texts ON texts.relname = part.relname || '_texts'
LEFT JOIN pg_index ON pg_index.indexrelid = texts.oid
WHERE part.relkind = 'r' AND part.relispartition AND part.relname ~ '^message_[0-9]+_[0-9]+$'
"""
BY_ID = ("message", "event")
BY_NUMBER = ("content", "form", "attempt")


def parts_of(month: Month) -> Iterator[tuple[str, str, str]]:
    """(table, from, to) as SQL literals."""
    for table in BY_ID:
        yield table, f"'{month.first_id}'", f"'{month.next.first_id}'"
    for table in BY_NUMBER:
        yield table, str(month.numbers.start), str(month.numbers.stop)


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
