"""A receiver that is slow takes its own places and nobody else's."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import orjson

from gateway.connectors import Answer, Connector, Parcel
from gateway.delivery import DeliveryWorker
from gateway.message import MessageState
from gateway.store import Store, open_store
from tests.store.samples import accept_id, message, new_log, says, to

from .partners import settings
from .test_polling import translator

SLOW, QUICK = "GGZY-JSGC", "CZ-ZFPT-310000"
OK = Answer(orjson.dumps({"EVS": "EVS000", "text": "", "STATUS": "1"}), 200)
# A worker that hears of nothing looks again after so long.
REST_S = 5.0


class Unsteady:
    """Answers each after its own time, so that places come free while outcomes are being written."""

    knows_keys = True

    def __init__(self) -> None:
        self.dice = random.Random(7)

    async def send(self, parcel: Parcel) -> Answer:
        await asyncio.sleep(self.dice.uniform(0.0005, 0.004))
        return OK

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError

    async def close(self) -> None: ...


class Receiver:
    knows_keys = True

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.full = asyncio.Event()
        self.under_way = 0
        self.most = 0

    async def send(self, parcel: Parcel) -> Answer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way >= 8:
            self.full.set()
        await self.open.wait()
        self.under_way -= 1
        return OK

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError

    async def close(self) -> None: ...


def work(store: Store, connectors: dict[str, Connector]) -> DeliveryWorker:
    return DeliveryWorker(
        settings(), store, translator(), connectors, translator().standard.catalogue,
        lambda claimed, code, text: None, name="w",
    )  # fmt: skip


async def test_a_slow_receiver_of_bulk_does_not_hold_up_a_payment(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path, evidence=new_log())
    await store.open()
    slow, quick = Receiver(), Receiver()
    quick.open.set()
    worker = work(store, {SLOW: slow, QUICK: quick})
    bulk = [message(f"{n}", type="2001", judge=says(to(SLOW, f"b{n}", lane=2))) for n in range(60)]
    await asyncio.gather(*map(store.accept, bulk))
    running = asyncio.create_task(worker.run())
    try:
        await asyncio.wait_for(slow.full.wait(), 10)
        paid = await accept_id(store, message("p", type="4002", judge=says(to(QUICK, "p", lane=0))))
        row = await store.wait_settled(paid, 10)
        assert row is not None and row.state is MessageState.DELIVERED
        assert slow.most == settings().platforms[SLOW].connector.concurrency
    finally:
        slow.open.set()
        worker.stop()
        await running
        await store.close()


async def test_what_waits_for_a_platform_that_was_removed_takes_nobody_s_place(tmp_path: Path) -> None:
    """Neither the workers' places nor a try: it is there when the platform's file is."""
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path, evidence=new_log())
    await store.open()
    workers = settings().gateway.workers
    left = [message(f"{n}", type="2001", judge=says(to("GONE", f"b{n}", lane=0))) for n in range(workers + 8)]
    await asyncio.gather(*map(store.accept, left))
    worker = work(store, {QUICK: Unsteady()})
    running = asyncio.create_task(worker.run())
    try:
        for number in range(3):
            paid = await accept_id(
                store, message(f"p{number}", type="4002", judge=says(to(QUICK, f"p{number}", lane=0)))
            )
            row = await store.wait_settled(paid, 10)
            assert row is not None and row.state is MessageState.DELIVERED
        rows = [row for one in left for row in await store.deliveries(one.message_id)]
        assert {(row.state, row.attempts, row.crashes) for row in rows} == {("ready", 0, 0)}
    finally:
        worker.stop()
        await running
        await store.close()


async def test_a_burst_beyond_the_places_of_a_receiver_never_pauses(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path, evidence=new_log())
    await store.open()
    burst = [message(f"{n}", type="2001", judge=says(to(SLOW, f"b{n}", lane=2))) for n in range(400)]
    await asyncio.gather(*map(store.accept, burst))
    worker = work(store, {node: Unsteady() for node in settings().platforms})
    began = time.monotonic()
    running = asyncio.create_task(worker.run())
    try:
        for one in burst:
            row = await store.wait_settled(one.message_id, 60)
            assert row is not None and row.state is MessageState.DELIVERED
        assert time.monotonic() - began < REST_S
    finally:
        worker.stop()
        await running
        await store.close()
