"""The http connector against a partner server with real keys, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from gateway.connectors import Answer, connectors
from gateway.errors import DeliveryError
from gateway.security.suite import MAX_PAYLOAD_BYTES
from tests.acceptance.partners import Handler, Partner, parcel, partner, serve

ACK = b'{"STATUS":"1"}'
SEALED = {"Content-Type": "application/jose"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(params=["GGZY-JSGC", "GGZY-ZPT"], ids=["rsa", "ec"])
def other(request: pytest.FixtureRequest) -> Partner:
    return partner(request.param)


def answers(other: Partner, status: int, payload: bytes = ACK, **changes: Any) -> Handler:
    """Answers every call with a sealed payload under the call's own key, unless `changes` says otherwise."""

    async def handle(request: web.Request) -> web.Response:
        key = other.open(await request.read()).claims.idem_key
        sealed = other.seal(payload, **{"idem_key": key, **changes})
        return web.Response(status=status, body=sealed, headers=SEALED)

    return handle


def plain(status: int, body: bytes = b"", **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    return handle


async def send(
    session: aiohttp.ClientSession,
    other: Partner,
    handler: Handler,
    timeout_s: float = 5,
    **options: str | int,
) -> Answer:
    async with serve(handler) as url:
        world = other.world(session, f"{url}/in/{{type}}", timeout_s=timeout_s, options=options)
        return await connectors.get("http")(world).send(parcel())


async def fails(
    session: aiohttp.ClientSession, other: Partner, handler: Handler, **options: str | int
) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(session, other, handler, **options)
    return caught.value


async def test_the_stored_form_arrives_sealed_for_the_platform_under_the_delivery_key(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    one = parcel("4001", b"<Review/>", traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    seen: list[tuple[str, dict[str, str], bytes]] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        seen.append((request.path, dict(request.headers), body))
        sealed = other.seal(ACK, other.open(body).claims.idem_key)
        return web.Response(body=sealed, headers=SEALED)

    async with serve(handle) as url:
        connector = connectors.get("http")(other.world(session, f"{url}/in/{{type}}"))
        assert await connector.send(one) == Answer(ACK, 200)
        assert await connector.send(one) == Answer(ACK, 200)
    (path, headers, first), (_, _, second) = seen
    unsealed, again = other.open(first), other.open(second)
    assert path == "/in/4001"
    assert headers["Content-Type"] == "application/jose"
    assert headers["Idempotency-Key"] == one.delivery_key
    assert headers["Gateway-Message-Type"] == "4001"
    assert headers["traceparent"] == one.traceparent
    assert unsealed.payload == b"<Review/>"
    claims = unsealed.claims
    assert (claims.sender, claims.receiver, claims.msg_type) == ("GW", other.platform.id, "4001")
    assert claims.idem_key == again.claims.idem_key == one.delivery_key
    assert claims.jti != again.claims.jti
    assert b"Review" not in first


@pytest.mark.parametrize(
    "changes",
    [
        {"idem_key": "another-delivery"},
        {"receiver": "GGZY-ZFCG"},
        {"age_s": 3600},
    ],
    ids=["other-key", "other-receiver", "stale"],
)
async def test_an_answer_that_is_not_for_this_delivery_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, other: Partner, changes: dict[str, Any]
) -> None:
    error = await fails(session, other, answers(other, 200, **changes))
    assert (error.code, error.unknown, error.permanent) == ("delivery.unverified", True, False)


async def test_another_platforms_seal_does_not_count(session: aiohttp.ClientSession) -> None:
    construction, general = partner("GGZY-JSGC"), partner("GGZY-ZPT")

    async def handle(request: web.Request) -> web.Response:
        key = construction.open(await request.read()).claims.idem_key
        return web.Response(body=general.seal(ACK, key), headers=SEALED)

    error = await fails(session, construction, handle)
    assert (error.code, error.unknown) == ("delivery.unverified", True)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>ok</html>", b"a.b.c.d.e"])
async def test_nonsense_with_200_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, other: Partner, body: bytes
) -> None:
    error = await fails(session, other, plain(200, body))
    assert (error.code, error.unknown, error.permanent) == ("delivery.unverified", True, False)


@pytest.mark.parametrize(
    ("status", "unknown"), [(500, True), (502, True), (504, True), (503, False), (429, False), (302, False)]
)
async def test_servers_in_trouble_are_tried_again(
    session: aiohttp.ClientSession, other: Partner, status: int, unknown: bool
) -> None:
    error = await fails(session, other, plain(status, b"no", **{"Retry-After": "9"}))
    assert (error.status, error.unknown, error.permanent) == (status, unknown, False)
    assert error.retry_after_s == 9.0


async def test_what_cannot_be_sealed_is_a_fault_of_its_form(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    one = parcel(payload=b"x" * (MAX_PAYLOAD_BYTES + 1))
    with pytest.raises(DeliveryError) as caught:
        await connectors.get("http")(other.world(session, "http://127.0.0.1:1")).send(one)
    assert (caught.value.code, caught.value.permanent, caught.value.unknown) == ("delivery.form", True, False)


async def test_keys_and_algorithms_that_do_not_fit_can_be_mended(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    world = other.world(session, "http://127.0.0.1:1")
    unfit = replace(world, peer=replace(world.peer, algorithms={"encrypt": "none"}))
    with pytest.raises(DeliveryError) as caught:
        await connectors.get("http")(unfit).send(parcel())
    assert (caught.value.code, caught.value.permanent) == ("delivery.configuration", False)


async def test_a_503_that_a_proxy_may_have_said_leaves_it_open_where_the_key_is_not_known(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    unsealed, under_seal = plain(503, b"upstream connect error or reset"), answers(other, 503, b"{}")
    assert (await fails(session, other, unsealed, knows_keys=0)).unknown
    assert not (await fails(session, other, under_seal, knows_keys=0)).unknown


async def test_a_sealed_refusal_is_final_and_keeps_its_words(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    problem = {"status": 422, "result": "30002", "detail": "代码不在代码表内"}
    error = await fails(session, other, answers(other, 422, orjson.dumps(problem)))
    assert (error.permanent, error.unknown, error.code) == (True, False, "receiver.30002")
    assert "代码不在代码表内" in error.text
    assert orjson.loads(error.answer) == problem


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_an_unsealed_refusal_is_never_final(
    session: aiohttp.ClientSession, other: Partner, status: int
) -> None:
    error = await fails(session, other, plain(status, b'{"result":"30002","detail":"forged"}'))
    assert (error.permanent, error.unknown, error.status) == (False, False, status)


@pytest.mark.parametrize(("status", "result"), [(401, "20005"), (409, "90001"), (429, "90002"), (408, "")])
async def test_a_sealed_refusal_that_time_heals_is_tried_again(
    session: aiohttp.ClientSession, other: Partner, status: int, result: str
) -> None:
    error = await fails(session, other, answers(other, status, orjson.dumps({"result": result})))
    assert (error.permanent, error.unknown) == (False, False)


async def test_an_answer_that_says_already_counts_as_success(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    payload = '{"STATUS":"-1","MSG":"DATA_KEY 已存在且内容一致"}'.encode()
    answer = await send(session, other, answers(other, 200, payload), already="已存在且内容一致")
    assert answer.already


async def test_a_receiver_that_is_too_slow_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    never = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    with pytest.raises(DeliveryError) as caught:
        await send(session, other, hang, timeout_s=0.3)
    never.set()
    assert (caught.value.code, caught.value.unknown) == ("delivery.timeout", True)


async def test_each_message_type_may_have_a_time_limit_of_its_own(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.6)  # a receiver that takes its time
        return await answers(other, 200, b"{}")(request)

    async with serve(slow) as url:
        world = other.world(session, f"{url}/in/{{type}}", timeout_s=30)
        own = world.platform.connector.model_copy(update={"timeouts_s": {"3001": 0.2}})
        world = replace(world, platform=world.platform.model_copy(update={"connector": own}))
        connector = connectors.get("http")(world)
        with pytest.raises(DeliveryError) as caught:
            await connector.send(parcel("3001"))
        assert (caught.value.code, caught.value.unknown) == ("delivery.timeout", True)
        assert "0.2 s" in str(caught.value)
        assert (await connector.send(parcel("4001"))).status == 200
