"""After an unknown outcome the worker asks before it sends again, and does not forget that it must."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import orjson
import pytest
from aiohttp import web

from gateway.connectors import Answer, Connector, Parcel, connectors
from gateway.delivery import DeliveryWorker
from gateway.errors import DeliveryError
from gateway.message import DeliveryState
from gateway.settings import RetrySettings
from gateway.store import Store
from gateway.store.contract import Arrival, Claimed
from tests.store.samples import accept_id, message, says, to

from .partners import partner, serve, settings
from .test_polling import translator

NODE = "CZ-ZFPT-310000"
UNDER_WAY = (DeliveryState.READY, DeliveryState.LEASED)
LOST = DeliveryError("delivery.timeout", "no answer", unknown=True)
AWAY = DeliveryError("delivery.unreachable", "connection refused")
REFUSED = DeliveryError("receiver.EVS700", "no", status=500, permanent=True)
TAKEN = Answer(orjson.dumps({"EVS": "EVS000", "text": ""}), 200)
Says = Answer | DeliveryError | None


class Receiver:
    """A receiver that answers by a list, and remembers what it was asked."""

    def __init__(self, *says: Says, can_ask: bool = True, knows_keys: bool = True):
        self.says = list(says)
        self.is_asked = can_ask
        self.knows_keys = knows_keys
        self.calls: list[str] = []

    async def send(self, parcel: Parcel) -> Answer:
        self.calls.append("send")
        answer = self._next()
        assert answer is not None
        return answer

    def can_ask(self, number: str) -> bool:
        return self.is_asked

    async def ask(self, parcel: Parcel) -> Answer | None:
        self.calls.append("ask")
        return self._next()

    def _next(self) -> Answer | None:
        said = self.says.pop(0)
        if isinstance(said, DeliveryError):
            raise said
        return said

    async def close(self) -> None: ...


class Notices:
    def __init__(self) -> None:
        self.made: list[str] = []

    def make(self, claimed: Claimed, code: str, text: str) -> Arrival | None:
        self.made.append(code)
        return None


@asynccontextmanager
async def delivering(
    store: Store, receiver: Connector, *, attempts: int = 12, notices: Notices | None = None
) -> AsyncIterator[None]:
    quick = RetrySettings(first_s=0.01, factor=1.0, most_s=0.01, attempts=attempts)
    own = settings()
    own = replace(own, gateway=own.gateway.model_copy(update={"retry": quick}))
    worker = DeliveryWorker(
        own, store, translator(), {NODE: receiver}, translator().standard.catalogue,
        (notices or Notices()).make, name="w",
    )  # fmt: skip
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await running


async def state(store: Store, message_id: str) -> DeliveryState:
    return (await store.deliveries(message_id))[0].state


async def leave(store: Store, message_id: str, *states: DeliveryState) -> None:
    """Waits until its delivery is in another state than these."""
    ends = time.monotonic() + 10
    while await state(store, message_id) in states:
        assert time.monotonic() < ends, "not left in time"
        await asyncio.sleep(0.01)


async def run(store: Store, receiver: Receiver, number: str = "4002", **more: object) -> str:
    """One message of this type, delivered until it rests; its id."""
    message_id = await accept_id(store, message("a", type=number, judge=says(to(NODE))))
    async with delivering(store, receiver, **more):  # type: ignore[arg-type]
        await leave(store, message_id, *UNDER_WAY)
    return message_id


async def test_it_asks_again_until_it_has_an_answer(store: Store) -> None:
    receiver = Receiver(LOST, AWAY, AWAY, TAKEN)
    message_id = await run(store, receiver)
    assert receiver.calls == ["send", "ask", "ask", "ask"]
    assert await state(store, message_id) is DeliveryState.DONE


async def test_what_certainly_did_not_arrive_is_sent_again_and_may_fail_without_a_doubt(store: Store) -> None:
    receiver = Receiver(LOST, None, AWAY, AWAY, TAKEN)
    await run(store, receiver)
    assert receiver.calls == ["send", "ask", "send", "send", "send"]


async def test_a_doubt_stays_where_the_type_cannot_be_asked_for(store: Store) -> None:
    """A voucher store tells no status of a withdrawal: that nothing is asked says nothing of what arrived."""
    answers = iter([(200, "<html>welcome</html>"), (429, ""), (429, "")])
    calls = []

    async def handle(request: web.Request) -> web.Response:
        calls.append(request.headers["SOAPAction"].rpartition("/")[2].strip('"'))
        status, text = next(answers)
        return web.Response(status=status, text=text)

    delivery = to(NODE, rendered=b'<MOF><VoucherBody StYear="2026" VtCode="9402" VoucherNo="1"/></MOF>')
    message_id = await accept_id(store, message("a", type="3004", judge=says(delivery)))
    async with serve(handle) as url, aiohttp.ClientSession() as session:
        vouchers = connectors.get("voucher")(partner(NODE).world(session, url))
        async with delivering(store, vouchers, attempts=3):
            await leave(store, message_id, *UNDER_WAY)
    assert calls == ["discardVoucher"] * 3
    row = (await store.deliveries(message_id))[0]
    assert row.state is DeliveryState.DEAD
    with pytest.raises(Exception, match="outcome-unknown"):
        await store.resolve(row.id, "new-effect", "li", "x", to(NODE, delivery_key="key-2", effect_no=2))


async def test_a_receiver_that_knows_the_key_settles_the_doubt_by_its_refusal(store: Store) -> None:
    receiver = Receiver(LOST, AWAY, REFUSED, can_ask=False)
    message_id = await run(store, receiver)
    assert await state(store, message_id) is DeliveryState.DEAD
    row = (await store.deliveries(message_id))[0]
    renewed = to(NODE, delivery_key="key-2", effect_no=2)
    assert (await store.resolve(row.id, "new-effect", "li", "mended", renewed)).effect_no == 2


async def test_giving_up_in_doubt_is_no_dead_letter_where_money_moves(store: Store) -> None:
    """Nobody is told that it failed: it may have taken effect. A person decides."""
    receiver, notices = Receiver(LOST, AWAY, AWAY, can_ask=False), Notices()
    message_id = await run(store, receiver, attempts=3, notices=notices)
    assert await state(store, message_id) is DeliveryState.UNKNOWN and notices.made == []


async def test_giving_up_in_doubt_still_forbids_a_new_effect(store: Store) -> None:
    receiver, notices = Receiver(LOST, AWAY, AWAY, can_ask=False), Notices()
    message_id = await run(store, receiver, "2001", attempts=3, notices=notices)
    assert await state(store, message_id) is DeliveryState.DEAD and notices.made == ["delivery.unreachable"]
    row = (await store.deliveries(message_id))[0]
    with pytest.raises(Exception, match="outcome-unknown"):
        await store.resolve(row.id, "new-effect", "li", "x", to(NODE, delivery_key="key-2", effect_no=2))


async def test_where_nobody_can_be_asked_a_person_decides_and_is_obeyed(store: Store) -> None:
    receiver = Receiver(LOST, TAKEN, can_ask=False, knows_keys=False)
    message_id = await run(store, receiver)
    assert await state(store, message_id) is DeliveryState.UNKNOWN and receiver.calls == ["send"]
    row = (await store.deliveries(message_id))[0]
    await store.resolve(row.id, "replay", "li", "telephoned: they have nothing")
    async with delivering(store, receiver):
        await leave(store, message_id, DeliveryState.UNKNOWN, *UNDER_WAY)
    assert receiver.calls == ["send", "send"]


async def test_an_outcome_is_recorded_once_the_store_takes_it_again(store: Store) -> None:
    """A full disk for a moment must not make a crash of what was delivered."""
    connection = store._write  # type: ignore[attr-defined]

    class Filling(Receiver):
        async def send(self, parcel: Parcel) -> Answer:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
            asyncio.get_running_loop().call_later(
                0.3, lambda: connection.execute("PRAGMA max_page_count = 1000000")
            )
            return await super().send(parcel)

    big = Answer(orjson.dumps({"EVS": "EVS000", "text": "x" * 60_000}), 200)
    receiver = Filling(big)
    message_id = await run(store, receiver)
    assert await state(store, message_id) is DeliveryState.DONE and receiver.calls == ["send"]
