"""A worker that stops: what is in flight is finished or given back, within its bound, and no lease stays behind."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.connectors import Answer, Parcel
from gateway.delivery import DeliveryWorker
from gateway.message import DeliveryState
from gateway.parts import keep_running
from gateway.store import Store, open_store
from gateway.store.contract import AttemptRow, Wish
from tests.postgres import clean_database, the_server
from tests.store.samples import accept_id, claim_one, message, new_log, says, to

from .partners import settings
from .running import running as gateway_running
from .test_polling import translator

NODE = "CZ-ZFPT-310000"
STOP_S = 1.0
GIVE_BACK_S = 2.0
TAKEN = Answer(orjson.dumps({"EVS": "EVS000", "text": ""}), 200)


class Receiver:
    """Answers `after_s`; knows whether it was reached."""

    knows_keys = False

    def __init__(self, after_s: float = 0.0):
        self.after_s = after_s
        self.reached = asyncio.Event()

    async def send(self, parcel: Parcel) -> Answer:
        self.reached.set()
        await asyncio.sleep(self.after_s)
        return TAKEN

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError

    async def close(self) -> None: ...


class StopsWhileItIsServed(DeliveryWorker):
    """Told to stop when a batch has claimed along, and before that is durable."""

    is_due = False

    def wish(self) -> Wish | None:
        wish = super().wish()
        if wish is not None and self.is_due:
            self.is_due = False
            asyncio.get_running_loop().call_soon(self.stop)
        return wish


def work(store: Store, receiver: Receiver, made: type[DeliveryWorker] = DeliveryWorker) -> DeliveryWorker:
    own = settings()
    own = replace(own, gateway=own.gateway.model_copy(update={"stop_s": STOP_S}))
    return made(
        own, store, translator(), {NODE: receiver}, translator().standard.catalogue,
        lambda claimed, code, text: None, name="w",
    )  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Each store, without a gateway around it."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    if request.param == "postgres":
        url = await clean_database(the_server())
    opened = open_store(url, tmp_path, evidence=new_log())
    await opened.open()
    yield opened
    await opened.close()


async def leased(store: Store) -> int:
    return (await store.counts()).deliveries.get(DeliveryState.LEASED, 0)


async def last_attempt(store: Store, message_id: str) -> AttemptRow:
    (row,) = await store.deliveries(message_id)
    return (await store.attempts(row.id))[-1]


async def test_what_takes_too_long_is_given_back_at_once_with_its_doubt(both: Store) -> None:
    message_id = await accept_id(both, message("a", type="4002", judge=says(to(NODE))))
    receiver = Receiver(after_s=60.0)
    worker = work(both, receiver)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(receiver.reached.wait(), 10)
    worker.stop()
    await asyncio.wait_for(running, STOP_S + GIVE_BACK_S)
    assert (await last_attempt(both, message_id)).code == "delivery.interrupted"
    claimed = await claim_one(both)  # at once, and not when its lease would have been over
    assert claimed.outcome_unknown and claimed.crashes == 0


async def test_what_is_answered_in_time_is_finished(both: Store) -> None:
    message_id = await accept_id(both, message("a", type="4002", judge=says(to(NODE))))
    receiver = Receiver(after_s=STOP_S / 4)
    worker = work(both, receiver)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(receiver.reached.wait(), 10)
    worker.stop()
    await running
    assert (await last_attempt(both, message_id)).state == DeliveryState.DONE


async def test_a_stop_under_load_leaves_no_lease(both: Store) -> None:
    worker = work(both, Receiver(after_s=0.002))
    running = asyncio.create_task(worker.run())

    async def send(sender: int) -> None:
        for number in range(30):
            line = f"{sender}-{number}"
            await both.accept(message(line, type="2001", judge=says(to(NODE, line))))

    sending = [asyncio.create_task(send(sender)) for sender in range(6)]
    while (await both.counts()).deliveries.get(DeliveryState.DONE, 0) < 20:  # noqa: ASYNC110 - counted in the store alone
        await asyncio.sleep(0.01)
    worker.stop()
    await running
    assert await leased(both) == 0
    await asyncio.gather(*sending)
    assert await leased(both) == 0


async def test_what_a_commit_had_claimed_along_when_it_stopped_is_finished_too(store: Store) -> None:
    worker = work(store, Receiver(), StopsWhileItIsServed)
    assert isinstance(worker, StopsWhileItIsServed)
    running = asyncio.create_task(worker.run())
    first = await accept_id(store, message("a", judge=says(to(NODE, "a"))))
    await store.wait_settled(first, 10)
    worker.is_due = True
    last = await accept_id(store, message("b", judge=says(to(NODE, "b"))))
    await running
    assert (await last_attempt(store, last)).state == DeliveryState.DONE


async def test_a_store_that_takes_nothing_holds_up_no_stop(store: Store, tmp_path: Path) -> None:
    await accept_id(store, message("a", type="4002", judge=says(to(NODE))))
    receiver = Receiver(after_s=60.0)
    worker = work(store, receiver)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(receiver.reached.wait(), 10)
    other = sqlite3.connect(tmp_path / "x.db")
    other.execute("BEGIN IMMEDIATE")
    began_s = time.monotonic()
    try:
        worker.stop()
        await asyncio.wait_for(running, 10)
        assert time.monotonic() - began_s < STOP_S + GIVE_BACK_S + 1.0
    finally:
        other.rollback()
        other.close()


async def test_a_worker_whose_store_never_came_stops_all_the_same(tmp_path: Path) -> None:
    worker = work(open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path), Receiver())
    stopping = asyncio.Event()
    running = asyncio.create_task(keep_running("delivery", worker, stopping))
    await asyncio.sleep(0)
    stopping.set()
    worker.stop()
    await asyncio.wait_for(running, STOP_S + 1.0)


async def test_requests_and_parts_that_take_too_long_have_one_bound_together(tmp_path: Path) -> None:
    async with gateway_running(tmp_path, GATEWAY_STOP_S="2.0") as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.gateway.port)
        writer.write(b"POST /v1/messages/3001 HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\n")
        writer.write(b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\nhalf")
        assert b" 100 " in await reader.readline()  # it is being read
        there.gateway.tasks.append(asyncio.create_task(asyncio.sleep(2.0)))
        began_s = time.monotonic()
        await there.gateway.stop()
        took_s = time.monotonic() - began_s
        writer.close()
    assert 1.9 < took_s < 3.8
