"""Turns at what one process should do at a time."""

from __future__ import annotations

from pathlib import Path

from gateway.store import Store
from gateway.turns import Turn
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


def turn(store: Store, folder: Path) -> Turn:
    return Turn(store, "poll A", "n1", folder)


async def test_a_worker_and_the_one_that_replaces_it_never_hold_a_turn_at_once(
    make_store: OpenStore, tmp_path: Path
) -> None:
    stores = make_store(), make_store()
    for store in stores:
        await store.open()
    old, new = (turn(store, tmp_path) for store in stores)
    assert await old.hold() and not await new.hold() and await old.hold()
    await new.give_back()
    assert await old.hold() and not await new.hold(), "it was not its own to give back"
    await old.give_back()
    assert await new.hold() and not await old.hold(), "at once"
    await new.give_back()
    for store in stores:
        await store.close()


async def test_gateways_of_one_name_with_folders_of_their_own_do_not_hold_it_at_once(
    store: Store, tmp_path: Path
) -> None:
    one, other = turn(store, tmp_path / "one"), turn(store, tmp_path / "other")
    assert await one.hold() and not await other.hold()
    (tmp_path / "copy/turns").mkdir(parents=True)
    for token in (tmp_path / "one/turns").iterdir():
        (tmp_path / "copy/turns" / token.name).write_bytes(token.read_bytes())
    assert not await turn(store, tmp_path / "copy").hold()
    await one.give_back()
    assert await other.hold()
    await other.give_back()


async def test_a_process_that_comes_back_does_not_wait_for_the_one_that_died(
    store: Store, tmp_path: Path
) -> None:
    died, back = turn(store, tmp_path), turn(store, tmp_path)
    assert await died.hold() and not await back.hold()
    died.token.give_back()  # as the kernel does it
    assert await back.hold()
    await back.give_back()
