"""Dropping a month's parts on PostgreSQL, on a connection of its own: this may take long, and holds locks for short.

What lies in a part but belongs to a message of another month (its number was given after midnight, or a person
made a new effect later) is found before anything is locked, and stays, in the part that takes the rest.
"""

from __future__ import annotations

from typing import Any

from gateway.store.contract import StoreUnavailable
from gateway.store.keepingrows import NotPurged
from gateway.store.months import Month
from gateway.store.partitions import BY_ID, BY_NUMBER
from gateway.store.postgres_connection import Unreachable, answered
from gateway.store.postgres_link import connect

_LONG_S = 3600.0
_NUMBER_OF = {"content": "message_seq", "form": "delivery_id", "attempt": "delivery_id"}


async def has_parts(connection: Any, month: Month) -> bool:
    """Has the month parts of its own?"""
    return bool(await answered(connection.fetchval("SELECT to_regclass($1)", f"message_{month.name}")))


async def drop_month(url: str, month: Month) -> int:
    """How many parts were dropped; 0 where the month has none. NotPurged, StoreUnavailable."""
    try:
        connection = await connect(url)
        try:
            if not await has_parts(connection, month):
                return 0
            await _check(connection, month)
            stay = {table: await _stay(connection, table, month) for table in BY_NUMBER}
            async with connection.transaction():
                return await _drop(connection, month, stay)
        finally:
            await connection.close(timeout=2.0)
    except Unreachable as error:
        raise StoreUnavailable(f"the month's parts were not dropped: {error}") from error


async def _check(connection: Any, month: Month) -> None:
    left = await _ask(
        connection,
        f"SELECT m.id FROM message_{month.name} AS m WHERE NOT EXISTS"
        " (SELECT 1 FROM purged_message AS p WHERE p.id = m.id) LIMIT 1",
    )
    if left:
        raise NotPurged(f"message {left[0][0]} is in no archive")


async def _stay(connection: Any, table: str, month: Month) -> list[int]:
    """Numbers of the part whose message or delivery is of another month."""
    name = _NUMBER_OF[table]
    owner = (
        "message AS o WHERE o.seq = one.number"
        if table == "content"
        else "delivery AS o WHERE o.id = one.number"
    )
    ours = f"AND NOT (o.id >= '{month.first_id}' AND o.id < '{month.next.first_id}')"
    found = await _ask(
        connection,
        f"SELECT one.number FROM (SELECT DISTINCT {name} AS number FROM {table}_{month.name}) AS one"
        f" WHERE EXISTS (SELECT 1 FROM {owner} {ours if table == 'content' else ''})",
    )
    return [row[0] for row in found]


async def _drop(connection: Any, month: Month, stay: dict[str, list[int]]) -> int:
    for table in (*BY_ID, *BY_NUMBER):
        part = f"{table}_{month.name}"
        await answered(connection.execute(f"ALTER TABLE {table} DETACH PARTITION {part}"))
        if stay.get(table):
            kept = f"SELECT * FROM {part} WHERE {_NUMBER_OF[table]} = ANY($1::bigint[])"
            await answered(connection.execute(f"INSERT INTO {table} {kept}", stay[table], timeout=_LONG_S))
        await answered(connection.execute(f"DROP TABLE {part}"))
    return len(BY_ID) + len(BY_NUMBER)


async def _ask(connection: Any, query: str) -> list[Any]:
    found: list[Any] = await answered(connection.fetch(query, timeout=_LONG_S))
    return found
