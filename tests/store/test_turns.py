"""Turns at what one process should do at a time."""

from __future__ import annotations

from gateway.store import Store
from tests.store.conftest import OpenStore


async def test_a_turn_is_one_holders_until_it_is_over_or_given_back(make_store: OpenStore) -> None:
    one, other = make_store(), make_store()
    for store in (one, other):
        await store.open()
    assert await one.take_turn("poll A", "n1", 60.0)
    assert await one.take_turn("poll A", "n1", 60.0), "again"
    assert not await other.take_turn("poll A", "n2", 60.0)
    assert await other.take_turn("poll B", "n2", 60.0), "another thing"
    await other.give_turn_back("poll A", "n2")
    assert not await other.take_turn("poll A", "n2", 60.0), "it was not its own to give back"
    await one.give_turn_back("poll A", "n1")
    assert await other.take_turn("poll A", "n2", -1.0)
    assert await one.take_turn("poll A", "n1", 60.0), "it is over"
    for store in (one, other):
        await store.close()


async def test_a_turn_that_a_clock_put_far_away_is_over(store: Store) -> None:
    assert await store.take_turn("poll A", "n1", 3600.0)
    assert await store.take_turn("poll A", "n2", 10.0)
