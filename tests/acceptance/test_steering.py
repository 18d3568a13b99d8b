"""A receiver that is away is left alone, probed by one delivery, and not flooded when it is back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
from structlog.testing import capture_logs

from gateway import clock
from gateway.connectors import Answer, Parcel
from gateway.delivery import DeliveryWorker
from gateway.errors import DeliveryError
from gateway.operating import BreakerSettings, MaintenanceWindow
from gateway.receiptwatch import ReceiptWatch, answered
from gateway.settings import RetrySettings
from gateway.steering import Steering
from gateway.store import Store
from gateway.store.contract import ALL_RECEIVERS
from tests.store.samples import accept_id, message, says, to

from .partners import settings
from .test_polling import translator

NODE, OTHER = "CZ-ZFPT-310000", "CZ-ZFPT-310115"
LIMIT = 8


Look = Callable[[Store], Awaitable[object]]


class Receiver:
    """Away until it is set up; remembers how many calls it had at once, one number a call."""

    knows_keys = True

    def __init__(self) -> None:
        self.is_up = False
        self.calls = 0
        self.under_way = 0
        self.at_once: list[int] = []
        self.keys: list[str] = []

    async def send(self, parcel: Parcel) -> Answer:
        self.calls += 1
        if not self.is_up:
            raise DeliveryError("delivery.unreachable", "connection refused")
        self.under_way += 1
        self.at_once.append(self.under_way)
        await asyncio.sleep(0.005)
        self.under_way -= 1
        self.keys.append(parcel.delivery_key)
        return Answer(orjson.dumps({"EVS": "EVS000", "text": ""}), 200)

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError

    async def close(self) -> None: ...


class Moment:
    """A clock that a test may set."""

    def __init__(self) -> None:
        self.at = clock.now()

    def __call__(self) -> datetime:
        return self.at


@asynccontextmanager
async def delivering(
    store: Store,
    receiver: Receiver,
    *,
    windows: list[MaintenanceWindow] | None = None,
    receipt_within_s: dict[str, float] | None = None,
    moment: Moment | None = None,
) -> AsyncIterator[Steering]:
    own = settings()
    gateway = own.gateway.model_copy(
        update={
            "retry": RetrySettings(first_s=0.01, factor=1.0, most_s=0.01, attempts=1000),
            "breaker": BreakerSettings(failures=4, first_s=0.1, most_s=0.2),
        }
    )
    platform = own.platforms[NODE]
    connector = platform.connector.model_copy(update={"concurrency": LIMIT})
    platform = platform.model_copy(
        update={
            "connector": connector,
            "maintenance": windows or [],
            "receipt_within_s": receipt_within_s or {},
        }
    )
    own = replace(own, gateway=gateway, platforms={**own.platforms, NODE: platform})
    steering = Steering(own, store, moment=moment or Moment())
    worker = DeliveryWorker(
        own, store, translator(), {NODE: receiver}, translator().standard.catalogue,
        lambda claimed, code, text: None, name="w", steering=steering,
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    try:
        yield steering
    finally:
        worker.stop()
        await running


async def send(store: Store, count: int) -> list[str]:
    return [await accept_id(store, message(f"{n}", judge=says(to(NODE, f"line-{n}")))) for n in range(count)]


async def health(store: Store) -> str:
    return next((row.state for row in await store.health() if row.receiver == NODE), "up")


async def done(store: Store) -> int:
    return (await store.counts()).by_receiver.get(NODE, {}).get("done", 0)


async def dead(store: Store) -> int:
    return (await store.counts()).by_receiver.get(NODE, {}).get("dead", 0)


async def reached(value: object, store: Store, look: Look, limit_s: float = 15) -> None:
    ends = time.monotonic() + limit_s
    while await look(store) != value:
        assert time.monotonic() < ends, "not reached in time"
        await asyncio.sleep(0.01)


async def test_an_open_breaker_lets_one_probe_through_and_growing_rooms_after_it(store: Store) -> None:
    receiver = Receiver()
    await send(store, 80)
    async with delivering(store, receiver):
        await reached("open", store, health)
        calls = receiver.calls
        assert calls <= 4 + LIMIT  # those that were under way when it opened, and none of the other 68
        await asyncio.sleep(1.5)  # one second between looks: at least one probe, each a single delivery
        assert 1 <= receiver.calls - calls <= 3
        receiver.is_up = True
        await reached(80, store, done)
        await reached("up", store, health)
    first = receiver.at_once[:8]
    assert first[0] == 1 and max(first) <= 4, receiver.at_once
    assert max(receiver.at_once) == LIMIT
    assert len(set(receiver.keys)) == len(receiver.keys) == 80


async def test_only_one_of_two_workers_makes_the_probe(store: Store) -> None:
    receiver = Receiver()
    await send(store, 40)
    async with delivering(store, receiver), delivering(store, receiver):
        await reached("open", store, health)
        await asyncio.sleep(0.3)  # whatever was claimed by either is through
        calls = receiver.calls
        await asyncio.sleep(2.2)
        assert 1 <= receiver.calls - calls <= 3


async def test_a_paused_receiver_gets_nothing_and_no_attempt_is_counted(store: Store) -> None:
    receiver = Receiver()
    receiver.is_up = True
    await store.pause_receiver(NODE, "li", "their weekend")
    sent = await send(store, 3)
    async with delivering(store, receiver):
        await asyncio.sleep(0.3)
        assert receiver.calls == 0
        assert [(await store.deliveries(one))[0].attempts for one in sent] == [0, 0, 0]
        await store.resume_receiver(NODE, "li", "monday")
        await reached(3, store, done, 5)


async def test_a_pause_of_all_holds_everybody(store: Store) -> None:
    receiver = Receiver()
    receiver.is_up = True
    await store.pause_receiver(ALL_RECEIVERS, "restore", "restored from a backup")
    await send(store, 2)
    async with delivering(store, receiver):
        await asyncio.sleep(0.3)
        assert receiver.calls == 0
        await store.resume_receiver(ALL_RECEIVERS, "li", "compared with the receivers")
        await reached(2, store, done, 5)


async def test_nothing_is_sent_in_a_maintenance_window(store: Store) -> None:
    receiver, moment = Receiver(), Moment()
    receiver.is_up = True
    begins, ends = moment.at - timedelta(minutes=1), moment.at + timedelta(minutes=1)
    window = MaintenanceWindow(begins=begins.time(), ends=ends.time())
    sent = await send(store, 2)
    async with delivering(store, receiver, windows=[window], moment=moment):
        await asyncio.sleep(0.3)
        assert receiver.calls == 0 and (await store.deliveries(sent[0]))[0].attempts == 0
        moment.at += timedelta(minutes=2)
        await reached(2, store, done, 5)


async def test_what_the_receiver_itself_refuses_opens_no_breaker(store: Store) -> None:
    class Refusing(Receiver):
        async def send(self, parcel: Parcel) -> Answer:
            self.calls += 1
            raise DeliveryError("receiver.EVS700", "no", status=500, permanent=True)

    receiver = Refusing()
    await send(store, 20)
    async with delivering(store, receiver):
        await reached(20, store, dead)
    assert await health(store) == "up"


async def test_a_push_that_is_taken_over_owes_its_receipt_and_the_alarm_is_told_once(store: Store) -> None:
    receiver = Receiver()
    receiver.is_up = True
    watch = ReceiptWatch(store)
    sent = await accept_id(store, message("a", type="4002", judge=says(to(NODE, "a"))))
    other = await accept_id(store, message("b", type="1001", judge=says(to(NODE, "b"))))
    async with delivering(store, receiver, receipt_within_s={"4002": 0.3}):
        await reached(2, store, done)
    assert [one.message_id for one in await store.receipts_due()] == [sent] and other
    with capture_logs() as logs:
        await watch.look()  # in time still
        assert logs == []
        await asyncio.sleep(0.4)
        await watch.look()
        await watch.look()
    assert [(one["event"], one["receiver"], one["message"]) for one in logs] == [
        ("receipt overdue", NODE, sent)
    ]


def test_a_receipt_ends_the_wait_for_what_its_platform_owes() -> None:
    platform = settings().platforms[NODE]
    said = {"OriMsgNo": "4002", "BizKey": "PA-1", "BizVersion": "2", "ReceiptStatus": "3"}
    assert answered(platform, "8002", said) == ("4002", "PA-1", 2)
    assert answered(platform, "8002", {**said, "OriMsgNo": "1001"}) == ()
    assert answered(platform, "4003", said) == ()
    assert answered(settings().platforms["GGZY-ZPT"], "8002", said) == ()


async def test_a_receiver_whose_answers_take_long_is_told_as_slow_until_they_do_not(store: Store) -> None:
    steering = Steering(settings(), store)
    slow_s = settings().platforms[NODE].connector.slow_s
    moves = [steering.judge(NODE, True, slow_s * 3, "", "") for _ in range(4)]
    (slow,) = [move for move in moves if move is not None]
    await steering.tell(slow)
    assert (
        await health(store) == "slow"
        and steering.room(NODE) == settings().platforms[NODE].connector.concurrency
    )
    back = [move for _ in range(20) if (move := steering.judge(NODE, True, 0.01, "", "")) is not None]
    assert [move.new for move in back] == ["up"]
    await steering.tell(back[0])
    assert await health(store) == "up"


async def test_what_one_process_found_out_holds_for_the_others_at_their_next_look(store: Store) -> None:
    seconds = iter(range(0, 1000, 2))
    one, other = (Steering(settings(), store, now_s=lambda: float(next(seconds))) for _ in range(2))
    failures = settings().gateway.breaker.failures
    found = [one.judge(NODE, False, 1.0, "delivery.timeout", "no answer") for _ in range(failures)][-1]
    assert found is not None and one.held == {NODE} and other.held == frozenset()
    await one.tell(found)
    await other.look()
    assert other.held == {NODE}
    await store.move_health(NODE, ("open",), "recovering")
    await other.look()
    assert other.held == frozenset() and other.room(NODE) == 1
