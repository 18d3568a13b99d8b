"""A worker's heads are leased by the transaction that made them ready, where the store does so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.store.contract import Arrival, Claimed, Store, Wish
from gateway.store.transaction import Transaction
from tests.store.samples import accept_id, claim_one, ended, message, says, to


class Worker:
    """Takes what it is given, while it has room."""

    def __init__(self, room: int = 10, rooms: dict[str, int] | None = None):
        self.room = room
        self.rooms = dict.fromkeys(("A", "B", "CZ"), 99) if rooms is None else rooms
        self.taken: list[Claimed] = []
        self.expects_more = False

    def wish(self) -> Wish | None:
        return Wish("w", self.room, 60.0, self.rooms) if self.room else None

    def take(self, claimed: Sequence[Claimed]) -> None:
        self.room -= len(claimed)
        self.taken += claimed


@pytest.fixture
def worker(store: Store) -> Worker:
    one = Worker()
    if not store.claim_along(one):
        pytest.skip("this store does not claim along")
    return one


async def test_what_is_accepted_is_leased_at_once(store: Store, worker: Worker) -> None:
    woken: list[int] = []
    store.on_work(lambda: woken.append(1))
    message_id = await accept_id(store, message("a", judge=says(to(), to("B"))))
    assert [(one.message_id, one.receiver) for one in worker.taken] == [(message_id, "CZ"), (message_id, "B")]
    assert not woken and await store.claim("w", 10, 60.0) == []
    assert await store.record(ended(worker.taken[0]))


async def test_the_outcome_of_a_head_leases_the_next_of_its_line(store: Store, worker: Worker) -> None:
    await accept_id(store, message("a", judge=says(to())))
    await accept_id(store, message("b", judge=says(to())))
    assert len(worker.taken) == 1
    await store.record(ended(worker.taken[0]))
    assert len(worker.taken) == 2


async def test_a_worker_without_room_is_woken_instead(store: Store, worker: Worker) -> None:
    worker.room = 0
    woken: list[int] = []
    store.on_work(lambda: woken.append(1))
    await accept_id(store, message("a", judge=says(to())))
    assert woken == [1] and worker.taken == []
    assert (await claim_one(store)).receiver == "CZ"


async def test_what_found_no_room_is_leased_with_the_next_outcome(store: Store, worker: Worker) -> None:
    worker.room = 1
    await asyncio.gather(*(store.accept(message(f"m{n}", judge=says(to(line=f"l{n}")))) for n in range(3)))
    assert len(worker.taken) == 1
    worker.room, worker.expects_more = 1, True
    await store.record(ended(worker.taken[0]))
    assert len(worker.taken) == 2
    worker.room, worker.expects_more = 1, False
    await store.record(ended(worker.taken[1]))  # it says that nothing is left: nobody looks
    assert len(worker.taken) == 2


async def test_each_carries_its_own_form_whether_it_was_written_now_or_before(
    store: Store, worker: Worker
) -> None:
    def forms(*names: str) -> list[Arrival]:
        return [
            message(one, judge=says(to(line=one, rendered=one.encode(), files=b"of " + one.encode())))
            for one in names
        ]

    worker.room = 1
    await asyncio.gather(*map(store.accept, forms("a", "b", "c")))
    worker.room = 9
    await asyncio.gather(*map(store.accept, forms("d", "e")))
    lines = {one.id: one.line for row in worker.taken for one in await store.deliveries(row.message_id)}
    taken = [(lines[one.delivery_id], one.rendered, one.files) for one in worker.taken]
    assert sorted(taken) == [(one, one.encode(), b"of " + one.encode()) for one in "abcde"]


def test_forms_of_what_was_undone_are_forgotten() -> None:
    """Its numbers are given to the next deliveries of the same transaction."""
    connection: Any = None
    work = Transaction(connection, 0, 0, 0.0)
    mark = work.mark()
    work.forms[7] = (b"", b"undone")
    work.rewind(mark)
    assert work.forms == {}


async def test_a_claim_of_its_own_and_one_along_never_get_the_same(store: Store, worker: Worker) -> None:
    arrivals = [message(f"m{n}", judge=says(to(line=f"l{n}"))) for n in range(30)]
    *_, own = await asyncio.gather(*map(store.accept, arrivals), store.claim("v", 5, 60.0))
    own += await store.claim("v", 50, 60.0)
    ids = [one.delivery_id for one in [*own, *worker.taken]]
    assert len(ids) == len(set(ids)) == 30


async def test_rooms_hold_for_what_is_claimed_along(store: Store, worker: Worker) -> None:
    worker.rooms = {"A": 2}
    arrivals = [message(f"m{n}", judge=says(to("A", f"l{n}"))) for n in range(5)]
    await asyncio.gather(*map(store.accept, arrivals))
    assert len(worker.taken) == 2


async def test_who_is_not_named_is_not_claimed_for_along(store: Store, worker: Worker) -> None:
    worker.rooms = {"A": 2}
    await accept_id(store, message("a", judge=says(to("GONE"), to("A"))))
    assert [one.receiver for one in worker.taken] == ["A"]


async def test_a_fault_of_the_claim_is_its_own(
    store: Store, worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: object) -> list[Claimed]:
        raise LookupError("no form")

    monkeypatch.setattr("gateway.store.batching.claim", breaks)
    message_id = await accept_id(store, message("a", judge=says(to())))
    assert await store.get_message(message_id) is not None and worker.taken == []
    assert "nothing could be claimed along" in caplog.text
    monkeypatch.undo()
    assert (await claim_one(store)).message_id == message_id
