"""The soap connector against a partner server that speaks WS-Security, on real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.connectors import Answer, connectors
from gateway.endpoints import problem
from gateway.errors import DeliveryError, MessageError
from tests.acceptance.partners import Handler, Partner, parcel, partner, serve

ACK = b"<Ack><STATUS>1</STATUS></Ack>"
MEDIA = {"Content-Type": "application/soap+xml; charset=utf-8"}
REFUSAL = MessageError.of("standard.unknown-code", "代码不在代码表内", "not in its table", result="30002")
STALE = MessageError.of("seal.stale", "时间偏差", "too old", result="20005")
BUSY = MessageError.of("gateway.busy", "忙", "busy", result="90002", retry_after_s=3)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def other() -> Partner:
    return partner("GGZY-ZFCG")


def sealed(other: Partner, payload: bytes, status: int = 200, **changes: Any) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        key = other.open(await request.read()).claims.idem_key
        body = other.seal(payload, **{"idem_key": key, "content_type": "application/xml", **changes})
        return web.Response(status=status, body=body, headers=MEDIA)

    return handle


def plain(status: int, body: bytes) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=MEDIA)

    return handle


async def send(
    session: aiohttp.ClientSession, other: Partner, handler: Handler, **options: str | int
) -> Answer:
    async with serve(handler) as url:
        world = other.world(session, f"{url}/soap", options=options)
        return await connectors.get("soap")(world).send(parcel())


async def fails(
    session: aiohttp.ClientSession, other: Partner, handler: Handler, **options: str | int
) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(session, other, handler, **options)
    return caught.value


async def test_the_envelope_is_the_body_and_the_answer_is_opened(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    one = parcel("3001", b"<Message><Head/></Message>")
    seen: list[tuple[str, bytes]] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        seen.append((request.headers["Content-Type"], body))
        answer = other.seal(ACK, other.open(body).claims.idem_key, content_type="application/xml")
        return web.Response(body=answer, headers=MEDIA)

    async with serve(handle) as url:
        answer = await connectors.get("soap")(other.world(session, f"{url}/soap")).send(one)
    assert answer == Answer(ACK, 200)
    [(media, body)] = seen
    assert media == "application/soap+xml; charset=utf-8"
    unsealed = other.open(body)
    assert unsealed.payload == b"<Message><Head></Head></Message>"
    assert (unsealed.claims.idem_key, unsealed.claims.msg_type) == (one.delivery_key, "3001")
    assert b"Message" not in body


@pytest.mark.parametrize("status", [400, 422, 500, 200])
async def test_a_sealed_fault_that_blames_us_is_final(
    session: aiohttp.ClientSession, other: Partner, status: int
) -> None:
    error = await fails(session, other, sealed(other, problem.fault(REFUSAL), status))
    assert (error.permanent, error.unknown, error.code) == (True, False, "receiver.30002")
    assert "代码不在代码表内" in error.text


@pytest.mark.parametrize("refusal", [STALE, BUSY])
async def test_a_sealed_fault_that_time_heals_is_tried_again(
    session: aiohttp.ClientSession, other: Partner, refusal: MessageError
) -> None:
    error = await fails(session, other, sealed(other, problem.fault(refusal), refusal.status))
    assert not error.permanent


async def test_a_fault_of_the_receiver_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    ours = MessageError.of("gateway.incident", "内部错误", "internal error", result="99999")
    error = await fails(session, other, sealed(other, problem.fault(ours), 500))
    assert (error.permanent, error.unknown) == (False, True)


async def test_a_503_that_a_proxy_may_have_said_leaves_it_open_where_the_key_is_not_known(
    session: aiohttp.ClientSession, other: Partner
) -> None:
    fault = problem.fault(BUSY)
    for handler in (plain(503, b"<html>no healthy upstream</html>"), plain(503, fault)):
        assert (await fails(session, other, handler, knows_keys=0)).unknown
        assert not (await fails(session, other, handler)).unknown
    assert not (await fails(session, other, sealed(other, fault, 503), knows_keys=0)).unknown


@pytest.mark.parametrize("namespace", [problem.SOAP11, problem.SOAP12])
@pytest.mark.parametrize("status", [400, 500])
async def test_an_unsealed_fault_is_never_final(
    session: aiohttp.ClientSession, other: Partner, namespace: str, status: int
) -> None:
    error = await fails(session, other, plain(status, problem.envelope(REFUSAL, namespace)))
    assert (error.permanent, error.code) == (False, "receiver.30002")
    assert error.status == status


@pytest.mark.parametrize("changes", [{"idem_key": "other"}, {"age_s": 3600}, {"receiver": "GGZY-ZPT"}])
async def test_an_answer_that_is_not_for_this_delivery_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, other: Partner, changes: dict[str, Any]
) -> None:
    error = await fails(session, other, sealed(other, ACK, **changes))
    assert (error.code, error.unknown) == ("delivery.unverified", True)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html/>"), (200, b""), (502, b"bad"), (404, b"none")])
async def test_nonsense_is_never_a_success(
    session: aiohttp.ClientSession, other: Partner, status: int, body: bytes
) -> None:
    error = await fails(session, other, plain(status, body))
    assert not error.permanent
    assert error.unknown is (status in (200, 502))
