"""SOAP: a sealed envelope as the whole call, and sealed bytes inside the operation Submit."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from lxml import etree

from gateway.client import Refused
from gateway.endpoints.soap import NAMESPACE
from gateway.formats import formats
from gateway.message import Claims
from gateway.standard import Standard
from tests.acceptance.partners import ROOT, identity, partner
from tests.acceptance.running import Running, running
from tests.acceptance.test_endpoints_signed import GENERAL, PROCUREMENT, heartbeat

SOAP11, SOAP12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
MEDIA = {SOAP11: "text/xml", SOAP12: "application/soap+xml"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with running(folder) as started:
        yield started


async def test_a_refusal_comes_back_as_a_sealed_fault_with_every_error(gateway: Running) -> None:
    client = gateway.client(PROCUREMENT)
    nonsense = b"<Message><PURCHASE_CONTRACT><A>1</A></PURCHASE_CONTRACT></Message>"
    with pytest.raises(Refused) as caught:
        await client.submit_soap(nonsense, type="2003", idem_key=secrets.token_hex(16))
    error = caught.value
    assert error.sealed
    assert error.status == 422
    assert error.errors
    assert all(one["message"]["zh"] and one["message"]["en"] for one in error.errors)


async def test_a_body_that_was_moved_out_of_its_seal_is_refused(gateway: Running) -> None:
    own = partner(PROCUREMENT)
    claims = Claims(PROCUREMENT, "GW", "2003", "k", int(time.time()), secrets.token_hex(8), "application/xml")
    sealed = own.suite.seal(b"<A/>", claims, identity(PROCUREMENT), own.gateway)
    root = etree.fromstring(sealed)
    body = root.find(f"{{{SOAP12}}}Body")
    assert body is not None
    body.append(etree.fromstring("<Evil/>"))
    headers = {"Content-Type": "application/soap+xml"}
    async with gateway.session.post(
        f"{gateway.url}/soap/v1", data=etree.tostring(root), headers=headers
    ) as answer:
        text = await answer.read()
        assert answer.status == 401
    assert next(etree.fromstring(text).iter("Result")).text == "20001"


async def submit(gateway: Running, namespace: str, suite: str, sealed: bytes) -> tuple[int, etree._Element]:
    call = (
        f'<s:Envelope xmlns:s="{namespace}"><s:Body><Submit xmlns="{NAMESPACE}"><Suite>{suite}</Suite>'
        f"<Sealed>{base64.encodebytes(sealed).decode()}</Sealed></Submit></s:Body></s:Envelope>"
    )
    async with gateway.session.post(
        f"{gateway.url}/soap/v1", data=call.encode(), headers={"Content-Type": MEDIA[namespace]}
    ) as answer:
        root = etree.fromstring(await answer.read())
        body = root.find(f"{{{namespace}}}Body")
        assert body is not None
        return answer.status, body[0]


@pytest.mark.parametrize("namespace", [SOAP11, SOAP12], ids=["1.1", "1.2"])
async def test_sealed_bytes_of_another_suite_go_through_submit(gateway: Running, namespace: str) -> None:
    own = partner(GENERAL)
    payload, key = heartbeat(Standard.load(ROOT / "schemas"))

    def seal() -> bytes:
        claims = Claims(
            GENERAL, "GW", "9001", key, int(time.time()), secrets.token_hex(8), "application/json"
        )
        return own.suite.seal(payload, claims, identity(GENERAL), own.gateway)

    status, reply = await submit(gateway, namespace, "jose", seal())
    assert (status, reply.tag) == (200, f"{{{NAMESPACE}}}SubmitResponse")
    assert reply.findtext("{*}Status") == "202"
    opened = own.open(base64.b64decode(reply.findtext("{*}Sealed") or ""))
    assert opened.claims.idem_key == key
    document = orjson.loads(opened.payload)
    assert document["Body"]["Result"] == "00000"
    assert document["Receipt"]["message"]["sender"] == GENERAL
    _, again = await submit(gateway, namespace, "jose", seal())
    assert again.findtext("{*}Replayed") == "1"


async def envelope(
    gateway: Running, namespace: str, data: bytes, number: str, key: str
) -> tuple[int, str, etree._Element, bytes]:
    """A sealed envelope of a version as the call: (status, media type, the answer's envelope, its payload)."""
    own = partner(PROCUREMENT)
    version = "1.1" if namespace == SOAP11 else "1.2"
    peer = replace(own.gateway, algorithms={**own.gateway.algorithms, "soap": version})
    claims = Claims(PROCUREMENT, "GW", number, key, int(time.time()), secrets.token_hex(8), "application/xml")
    sealed = own.suite.seal(data, claims, identity(PROCUREMENT), peer)
    async with gateway.session.post(
        f"{gateway.url}/soap/v1", data=sealed, headers={"Content-Type": MEDIA[namespace]}
    ) as answer:
        text = await answer.read()
        return answer.status, answer.content_type, etree.fromstring(text), own.open(text).payload


@pytest.mark.parametrize("namespace", [SOAP11, SOAP12], ids=["1.1", "1.2"])
async def test_a_sealed_envelope_is_answered_in_its_own_version(gateway: Running, namespace: str) -> None:
    form = formats.get(gateway.settings.platforms[PROCUREMENT].format)
    case = ROOT / "mappings" / "procurement" / "cases" / "MarketSubjectSync.in"
    good = sorted(case.glob("*.input.xml"))[0].read_bytes()
    key = form.decode(good).head.get("IdemKey") or secrets.token_hex(16)
    status, media, root, payload = await envelope(gateway, namespace, good, "1001", key)
    assert (status, media, root.tag) == (200, MEDIA[namespace], f"{{{namespace}}}Envelope")
    assert etree.fromstring(payload).tag == "SubmitReply"
    status, media, root, payload = await envelope(gateway, namespace, b"<A/>", "1001", "refused")
    assert (media, root.tag) == (MEDIA[namespace], f"{{{namespace}}}Envelope")
    assert status == (500 if namespace == SOAP11 else 422)
    assert etree.fromstring(payload).tag == f"{{{namespace}}}Fault"


@pytest.mark.parametrize(
    ("suite", "sealed", "result"),
    [("wss", b"x", "10001"), ("jose", b"x", "20001"), ("gm", b"\x30\x00", "20001")],
)
async def test_what_is_not_sealed_by_its_suite_is_a_fault(
    gateway: Running, suite: str, sealed: bytes, result: str
) -> None:
    _, fault = await submit(gateway, SOAP12, suite, sealed)
    assert fault.tag == f"{{{SOAP12}}}Fault"
    assert next(fault.iter("Result")).text == result
