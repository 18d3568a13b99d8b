"""Who waits: a sender for its receivers' outcomes and for its own first request, a delivery for its receiver."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from gateway import clock
from gateway.sandbox.trouble import BUSY, LATE
from gateway.store.contract import Arrival, DeliveryRow, Outcome

from .conftest import House
from .test_dead_letters import until

JSON = "application/json"


async def test_who_asks_to_wait_is_told_what_the_receivers_said(house: House) -> None:
    late = house.sandbox.construction
    late.trouble.delay_s = 0.3
    told, took_s = [], []
    for number, (name, wait_s) in enumerate((("上海等待养护有限公司", 20.0), ("上海不等养护有限公司", 0.0))):
        late.trouble.order(LATE)
        key, data = house.message("1001", house.subject(name), str(number + 11))
        began = time.monotonic()
        said = await house.general.submit("1001", data, idem_key=key, content_type=JSON, wait_s=wait_s)
        took_s.append(time.monotonic() - began)
        told.append(said.settled)
    assert told == ["delivered", ""] and took_s[0] >= 0.3


async def test_a_key_whose_first_request_is_not_answered_yet_is_told_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, data = house.message("1001", house.subject("上海先后养护有限公司"), "21")
    sealed = house.general.seal(data, "1001", key, JSON)
    headers = {"Content-Type": "application/jose", "Idempotency-Key": key}
    store, writing, go_on = house.gateway.intake.store, asyncio.Event(), asyncio.Event()
    accept = store.accept

    async def slowly(arrival: Arrival) -> Outcome:
        writing.set()
        await go_on.wait()
        return await accept(arrival)

    monkeypatch.setattr(store, "accept", slowly)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:

        async def post() -> tuple[int, str, str]:
            """(status, Retry-After, the result under the gateway's seal)"""
            url = f"{house.url}/v1/messages/1001"
            async with session.post(url, data=sealed, headers=headers) as answer:
                client, body = house.general, await answer.read()
                told = json.loads(
                    client.suite.unseal(body, client.identity, client.trust, clock.now()).payload
                )
                result = told.get("result") or told["Body"]["Result"]
                return answer.status, answer.headers.get("Retry-After", ""), result

        first = asyncio.create_task(post())
        await asyncio.wait_for(writing.wait(), 10)
        assert await post() == (409, "1", "90001") and not first.done()
        go_on.set()
        assert await first == (202, "", "00000")
        assert await post() == (202, "", "00000"), "its first outcome"


async def test_what_a_busy_receiver_refused_is_not_due_before_the_time_it_asked_for(house: House) -> None:
    busy = house.sandbox.construction  # nobody polls it, so that the delivery is what meets its trouble
    busy.trouble.retry_after_s = 120
    busy.trouble.order(BUSY)
    key, data = house.message("1001", house.subject("上海缓送养护有限公司"), "31")
    said = await house.general.submit("1001", data, idem_key=key, content_type=JSON)
    store = house.gateway.store

    async def tried() -> list[DeliveryRow]:
        rows = await store.deliveries(said.message_id)
        return [row for row in rows if row.receiver == busy.node and row.last_code]

    await until(tried, 10)
    (row,) = await tried()
    (attempt,) = await store.attempts(row.id)
    assert (row.state, attempt.status) == ("ready", 503)
    assert row.due_at >= attempt.started_at + 120_000
