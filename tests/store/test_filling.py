"""What the benchmark fills in bulk is what the store writes: the same tables, columns, types and sizes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway import clock
from gateway.bench.filling import MODEL, Filler, Postgres, Sqlite, grow_log
from gateway.store.contract import MessageFilter
from gateway.store.tables import metadata
from tests.store.conftest import OpenStore
from tests.store.samples import accept_id, claim_one, ended, message, says, to

KEY = "A03-12310000425010220N-20240318"
FILLED = 3
# One a batch, a log or a state, not one a message.
SHARED = {"checkpoint", "evidence_log", "tally", "note"}


@asynccontextmanager
async def the_database(url: str) -> AsyncIterator[Sqlite | Postgres]:
    database = (
        Sqlite(Path(url.removeprefix("sqlite:///")))
        if url.startswith("sqlite")
        else await Postgres.connect(url)
    )
    try:
        yield database
    finally:
        await database.close()


async def accepted_and_delivered(make_store: OpenStore) -> str:
    store = make_store()
    await store.open()
    arrival = message(
        idem_key="k" * 64,
        jti="j" * 32,
        biz_key=KEY,
        search=f"{KEY} 上海市政养护工程有限公司 {KEY}",
        judge=says(to(line=KEY, delivery_key="d" * 64)),
    )
    message_id = await accept_id(store, arrival)
    await store.record(ended(await claim_one(store), code="00000"))
    await store.close()
    return message_id


async def rows_of(database: Sqlite | Postgres, table: str, message_id: str) -> list[dict[str, Any]]:
    where = MODEL[table].format(id=database.parameter(1, ""))
    rows = await database.rows(f"SELECT * FROM {table} WHERE {where}", message_id)
    return sorted(rows, key=lambda row: row.get("id", 0))


def shape(row: dict[str, Any]) -> dict[str, Any]:
    """Types, and the sizes of what has one; what is a number is only a number."""
    return {
        name: (type(value), len(value) if isinstance(value, str | bytes) else 0)
        for name, value in row.items()
    }


@pytest.fixture
def filled_ids(store_url: str, make_store: OpenStore) -> Any:
    async def fill() -> tuple[str, list[str]]:
        model = await accepted_and_delivered(make_store)
        async with the_database(store_url) as database:
            await Filler(database, model).fill(100, FILLED, clock.now_ms() - 1000)
            await grow_log(database, 110)
            rows = await database.rows("SELECT id FROM message ORDER BY seq")
        return model, [row["id"] for row in rows if row["id"] != model]

    return fill


async def test_a_filled_message_has_the_rows_of_an_accepted_one(store_url: str, filled_ids: Any) -> None:
    model, ids = await filled_ids()
    assert len(set(ids)) == FILLED
    async with the_database(store_url) as database:
        for table in MODEL:
            wanted = [shape(row) for row in await rows_of(database, table, model)]
            for id_ in ids:
                assert [shape(row) for row in await rows_of(database, table, id_)] == wanted, table


async def test_no_table_that_the_store_writes_is_left_out(store_url: str, filled_ids: Any) -> None:
    await filled_ids()
    async with the_database(store_url) as database:
        for table in metadata.tables:
            (row,) = await database.rows(f"SELECT count(*) AS held FROM {table}")
            if row["held"] and table not in SHARED:
                assert row["held"] % (FILLED + 1) == 0 and table in MODEL, table


async def test_the_store_finds_and_accepts_beside_what_was_filled(
    make_store: OpenStore, filled_ids: Any
) -> None:
    model, ids = await filled_ids()
    store = make_store()
    await store.open()
    try:
        assert [row.id for row in await store.search(MessageFilter())] == [*reversed(ids), model][:4]
        stored = await store.get_message(ids[0])
        assert stored is not None and stored.biz_key[:4] == KEY[:4] and stored.biz_key != KEY
        assert [row.stage for row in await store.events(ids[0])] == ["accepted", "delivered"]
        assert await accept_id(store, message())
    finally:
        await store.close()
