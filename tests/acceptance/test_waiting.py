"""A sender that waits: for its receivers' outcomes, and for its own first request."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from gateway.store.contract import Arrival, Outcome

from .conftest import House

JSON = "application/json"


async def test_who_asks_to_wait_is_told_what_the_receivers_said(house: House) -> None:
    receivers = [one for one in house.sandbox.platforms.values() if one.node != house.general.node]
    for one in receivers:
        one.trouble.delay_s = 0.2
    try:
        told = []
        for name, wait_s in (("上海等待养护有限公司", 20.0), ("上海不等养护有限公司", 0.0)):
            key, data = house.message("1001", house.subject(name), str(len(told) + 11))
            said = await house.general.submit("1001", data, idem_key=key, content_type=JSON, wait_s=wait_s)
            told.append(said.settled)
        assert told == ["delivered", ""]
    finally:
        for one in receivers:
            one.trouble.delay_s = 0.0


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
    async with aiohttp.ClientSession() as session:

        async def post() -> tuple[int, str]:
            url = f"{house.url}/v1/messages/1001"
            async with session.post(url, data=sealed, headers=headers) as answer:
                await answer.read()
                return answer.status, answer.headers.get("Retry-After", "")

        first = asyncio.create_task(post())
        await asyncio.wait_for(writing.wait(), 10)
        assert await post() == (409, "1") and not first.done()
        go_on.set()
        assert await first == (202, "")
        assert await post() == (202, ""), "its first outcome"
