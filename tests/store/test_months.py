"""PostgreSQL alone: a month's parts are dropped whole, and take nothing along that is another month's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from gateway.store import Store
from gateway.store.contract import NotPurged
from gateway.store.partitions import make_months, parts_of
from tests.store.samples import accept_id, message
from tests.store.test_keeping import MARCH, OLD, archived, delivered, old_message


@pytest_asyncio.fixture
async def database(store_url: str) -> AsyncIterator[asyncpg.Connection]:
    """With parts for March 2023 and the months after it, as if the gateway had run then."""
    if store_url.startswith("sqlite"):
        pytest.skip("of PostgreSQL alone")
    connection = await asyncpg.connect(store_url)
    await make_months(connection, OLD)
    yield connection
    for number in range(3):
        month = MARCH if number == 0 else MARCH.next if number == 1 else MARCH.next.next
        for table, _, _ in parts_of(month):
            await connection.execute(f"DROP TABLE IF EXISTS {table}_{month.name}")
    await connection.close()


async def test_a_months_parts_are_dropped_once_all_of_it_is_archived(
    database: asyncpg.Connection, store: Store
) -> None:
    ids = [await delivered(store, content) for content in ("one", "two")]
    today = await accept_id(store, message("of today"))
    with pytest.raises(NotPurged):
        await store.end_purge(MARCH)
    assert (await store.purge_batch(MARCH, await archived(store))).purged == 2
    assert await database.fetchval(f"SELECT count(*) FROM message_{MARCH.name}") == 2
    assert await store.end_purge(MARCH) == 5 and await store.end_purge(MARCH) == 0
    assert await database.fetchval("SELECT to_regclass($1)", f"message_{MARCH.name}") is None
    for table in ("message", "event", "content", "form", "attempt", "delivery"):
        left = 1 if table in ("message", "event", "content") else 0
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == left, table
    found = await store.get_message(ids[0])
    assert found is not None and found.original_digest and (await store.get_message(today)) is not None


async def test_what_lies_in_a_part_for_another_months_message_stays(
    database: asyncpg.Connection, store: Store
) -> None:
    """A number that was given before midnight, an id that was made after it."""
    await delivered(store, "one")
    other = await accept_id(store, message("of another month"))
    await database.execute(
        "UPDATE content SET message_seq = $1 WHERE message_seq = (SELECT seq FROM message WHERE id = $2)",
        MARCH.numbers.start + 7, other,
    )  # fmt: skip
    await database.execute("UPDATE message SET seq = $1 WHERE id = $2", MARCH.numbers.start + 7, other)
    await store.purge_batch(MARCH, await archived(store))
    assert await store.end_purge(MARCH) == 5
    found = await store.get_message(other)
    assert found is not None and found.body == b"of another month"


async def test_a_message_that_came_after_the_batches_keeps_the_parts(
    database: asyncpg.Connection, store: Store
) -> None:
    await delivered(store, "one")
    await store.purge_batch(MARCH, await archived(store))
    late = await accept_id(store, old_message("late"))
    with pytest.raises(NotPurged, match=late):
        await store.end_purge(MARCH)
    found = await store.get_message(late)
    assert found is not None and found.body == b"late"
