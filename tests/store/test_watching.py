"""What is watched: messages in a span of time, errors by minute, what waits longest, receipts that are overdue."""

from __future__ import annotations

import asyncio

import pytest

from gateway import clock
from gateway.message import DeliveryState
from gateway.store.contract import ErrorCount, Store
from gateway.store.watching import KEPT_MINUTES, count_errors
from gateway.store.watchingrows import FAILED, MINUTE_MS, REFUSED
from tests.store.samples import accept_id, claim_one, ended, message, says, to

T = 1_790_000_000_000


async def test_messages_are_counted_by_sender_within_a_span(store: Store) -> None:
    for at, sender in ((T - 1, "A"), (T, "A"), (T + 999, "B"), (T + 999, "A"), (T + 1000, "A")):
        await accept_id(store, message(str(at), received_at=at, sender=sender))
    assert await store.received(T, T + 1000) == {"A": 2, "B": 1}
    assert await store.received(T + 5000, T + 6000) == {}


async def test_refusals_and_failed_attempts_are_counted_where_they_happen(store: Store) -> None:
    minute = clock.now_ms() // MINUTE_MS
    for _ in range(2):
        await store.note_refusal("A", "3001", T, [], {})
    for line, state in (("a", DeliveryState.READY), ("b", DeliveryState.DEAD), ("c", DeliveryState.DONE)):
        await accept_id(store, message(judge=says(to(line=line))))
        await store.record(ended(await claim_one(store), state, "delivery.timeout", retry_in_s=600))
    found = await store.errors(minute)
    told = {(one.node, one.kind): 0 for one in found}
    for one in found:  # a minute may end meanwhile
        told[one.node, one.kind] += one.count
    assert told == {("A", REFUSED): 2, ("CZ", FAILED): 2}
    assert await store.errors(minute + 5) == []


async def test_errors_of_more_than_a_week_ago_are_forgotten(store: Store) -> None:
    from collections import Counter

    async def at(minute: int) -> None:
        await store._do(  # type: ignore[attr-defined]
            lambda work: count_errors(work.connection, minute * MINUTE_MS, Counter({("A", REFUSED): 3}), "w")
        )

    await at(100_000)
    await at(100_000)
    assert await store.errors(0) == [ErrorCount(100_000, "A", REFUSED, 6)]
    await at(100_001 + KEPT_MINUTES)
    assert [one.minute for one in await store.errors(0)] == [100_001 + KEPT_MINUTES]


async def test_what_waits_longest_is_told_by_when_its_message_was_made(store: Store) -> None:
    ids = [clock.first_id(T + number) for number in range(3)]
    for place, id_ in enumerate(ids):
        await accept_id(store, message(judge=says(to(line=str(place))), message_id=id_))
    assert await store.oldest_ready() == {"CZ": T}
    await store.record(ended(await claim_one(store)))
    assert await store.oldest_ready() == {"CZ": T + 1}
    await store.record(ended(await claim_one(store), DeliveryState.DEAD, "delivery.refused"))
    assert await store.oldest_ready() == {"CZ": T + 2}


async def test_overdue_receipts_are_counted_by_receiver(store: Store) -> None:
    for line in ("a", "b"):
        await accept_id(store, message(judge=says(to(line=line))))
        await store.record(ended(await claim_one(store), receipt_within_s=0.001))
    assert await store.receipt_lags() == {}
    await asyncio.sleep(0.01)
    due = [one.due_at for one in await store.alarm_receipts()]
    (lag,) = (await store.receipt_lags()).items()
    assert (lag[0], lag[1].count, lag[1].since) == ("CZ", 2, min(due))


@pytest.mark.parametrize("name", ["_RECEIVED", "_OLDEST_READY", "_LAGS", "_ERRORS"])
async def test_nothing_that_is_watched_reads_a_whole_table(
    sqlite_only: None, store: Store, name: str
) -> None:
    from gateway.store import watching

    statement = getattr(watching, name)
    plans = store._write.execute(  # type: ignore[attr-defined]
        "EXPLAIN QUERY PLAN " + statement.sql, [0 for _ in statement.names]
    ).fetchall()
    of_parts = ("SCAN first", "SCAN overdue")  # what was found by index before
    assert [
        plan
        for *_, plan in plans
        if plan.startswith("SCAN") and " USING " not in plan and plan not in of_parts
    ] == []
