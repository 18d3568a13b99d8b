"""What anybody may call, and what is refused before anybody is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree

from gateway.endpoints.world import WORLD
from gateway.errors import ConfigError
from tests.acceptance.running import Running, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with running(folder, GATEWAY_MAX_BODY_BYTES="65536", GATEWAY_READ_S="0.5") as started:
        yield started


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ask(gateway: Running, method: str, path: str, **options: Any) -> tuple[int, Any, dict[str, str]]:
    async with gateway.session.request(method, gateway.url + path, **options) as answer:
        is_json = answer.content_type.endswith("json")
        return (
            answer.status,
            await (answer.json(content_type=None) if is_json else answer.text()),
            dict(answer.headers),
        )


async def test_health_readiness_and_metrics(gateway: Running) -> None:
    status, alive, _ = await ask(gateway, "GET", "/healthz")
    assert (status, alive) == (200, {"status": "ok"})
    status, ready, _ = await ask(gateway, "GET", "/readyz")
    assert (status, ready["status"]) == (200, "ready")
    status, text, _ = await ask(gateway, "GET", "/metrics")
    assert status == 200
    assert "gateway_messages 0.0" in text
    assert 'gateway_http_requests_total{method="GET",route="/readyz",status="200"}' in text


async def test_readiness_says_what_is_wrong(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        inner = gateway.gateway.runner.app[WORLD]
        _, ready, _ = await ask(gateway, "GET", "/readyz")
        assert ready["wrong"] == [] and ready["warnings"] == []
        inner.pressure.is_disk_low, inner.pressure.full = True, frozenset({"CZ-ZFPT-310000"})
        status, ready, _ = await ask(gateway, "GET", "/readyz")
        assert (status, ready["status"]) == (503, "not ready")
        assert [one.split(":")[0] for one in ready["wrong"]] == ["disk.low"]
        assert [one.split(":")[0] for one in ready["warnings"]] == ["receiver.backlog"]
        _, text, _ = await ask(gateway, "GET", "/metrics")
        assert 'gateway_pressure{cause="disk"} 1.0' in text and 'gateway_pressure{cause="store"} 0.0' in text
        await gateway.store.close()
        status, ready, _ = await ask(gateway, "GET", "/readyz")
        assert (status, [one.split(":")[0] for one in ready["wrong"]]) == (503, ["store.unavailable"])


async def test_from_elsewhere_nobody_hears_how_much_is_exchanged(gateway: Running) -> None:
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=elsewhere) as session:
        async with session.get(f"{gateway.url}/readyz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ready"})
        async with session.get(f"{gateway.url}/metrics") as answer:
            assert answer.status == 403


async def test_a_taken_port_is_a_finding(gateway: Running, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{gateway.gateway.port}"):
        async with running(tmp_path, GATEWAY_PORT=str(gateway.gateway.port)):
            raise AssertionError("two gateways on one port")


async def test_the_interface_describes_itself(gateway: Running) -> None:
    _, document, _ = await ask(gateway, "GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert "3001" in document["paths"]["/v1/messages/{type}"]["post"]["parameters"][0]["schema"]["enum"]
    status, page, headers = await ask(gateway, "GET", "/docs")
    assert status == 200
    assert "/v1/messages/{type}" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_every_described_call_exists_and_every_call_is_described(gateway: Running) -> None:
    _, document, _ = await ask(gateway, "GET", "/openapi.json")
    described = {
        (method.upper(), path) for path, operations in document["paths"].items() for method in operations
    }
    routes = {
        (route.method, route.resource.canonical)
        for route in gateway.gateway.runner.app.router.routes()
        if route.resource is not None
    }
    exempt = {"/metrics", "/openapi.json", "/docs", "/docs.css", "/console", "/soap/v1"}
    served = {
        (method, path) for method, path in routes if path not in exempt and not path.startswith("/console/")
    }
    with_heads = described | {("HEAD", path) for method, path in described if method == "GET"}
    assert described - routes == set()
    assert {call for call in served if call[0] != "*"} - with_heads == set()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": "application/json", "Idempotency-Key": "k"}, 415, "http.content-type"),
        ({"Content-Type": "application/jose"}, 400, "key.missing"),
        ({"Content-Type": "application/jose", "Idempotency-Key": "a b"}, 400, "key.malformed"),
        ({"Content-Type": "application/jose", "Idempotency-Key": '"k"', "Content-Encoding": "gzip"}, 415, "http.content-encoding"),
        ({"Content-Type": "application/jose", "Idempotency-Key": '"k"'}, 401, "seal.invalid"),
        ({"Content-Type": "application/pkcs7-mime", "Idempotency-Key": "k"}, 401, "seal.invalid"),
    ],
)  # fmt: skip
async def test_a_submission_is_refused_before_anything_is_believed(
    gateway: Running, headers: dict[str, str], status: int, code: str
) -> None:
    got, problem, sent = await ask(gateway, "POST", "/v1/messages/3001", data=b"nonsense", headers=headers)
    assert (got, problem["code"]) == (status, code)
    assert sent["Content-Type"] == "application/problem+json"


async def test_an_oversized_body_is_refused_while_it_arrives(gateway: Running) -> None:
    headers = {"Content-Type": "application/jose", "Idempotency-Key": "k"}

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    for body in (b"x" * 70_000, endless()):
        got, problem, _ = await ask(gateway, "POST", "/v1/messages/3001", data=body, headers=headers)
        assert (got, problem["code"], problem["result"]) == (413, "http.too-large", "10002")


@pytest.mark.parametrize(
    ("target", "media"),
    [("/v1/messages/1001", "application/jose"), ("/soap/v1", "application/soap+xml")],
)
async def test_who_stops_in_the_middle_of_a_body_is_not_waited_for(
    gateway: Running, target: str, media: str
) -> None:
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {target} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {media}\r\nIdempotency-Key: k"
    writer.write(f"{head}\r\nContent-Length: 100\r\n\r\nx".encode())
    async with asyncio.timeout(20):
        assert (await reader.readline()).split()[1] == b"408"
    writer.close()


async def test_the_wsdl_is_xml_whatever_the_host_is_called(gateway: Running) -> None:
    _, text, _ = await ask(gateway, "GET", "/soap/v1?wsdl", headers={"Host": 'a"/><script>'})
    places = [str(one.get("location")) for one in etree.fromstring(text.encode()).iter("{*}address")]
    assert places == ['http://a"/><script>/soap/v1'] * 2


async def test_the_wsdl_is_given_to_a_host_of_no_letters(gateway: Running) -> None:
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"GET /soap/v1?wsdl HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/v1/tickets", 405), ("GET", "/v1/messages", 404)],
)
async def test_what_is_not_there_is_a_problem_too(
    gateway: Running, method: str, path: str, status: int
) -> None:
    got, problem, _ = await ask(gateway, method, path)
    assert (got, problem["status"]) == (status, status)
    assert problem["errors"][0]["message"]["zh"]


SEALED = ("POST", "/v1/messages/{type}")  # its body carries the seal
GIVEN = {"{id}": "01J", "{no}": "SQ-1", "{digest}": "sm3:" + "0" * 64}


async def test_every_call_without_a_seal_needs_a_signature(gateway: Running) -> None:
    """By the router: a call that is added later is asked here too. `/v1/ops` is for people, by their own tokens."""
    asked = set()
    for route in gateway.gateway.runner.app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if not path.startswith("/v1/") or path.startswith("/v1/ops") or (route.method, path) == SEALED:
            continue
        asked.add((route.method, path))
        for name, value in GIVEN.items():
            path = path.replace(name, value)
        data = None if route.method in ("GET", "HEAD") else b"{}"
        got, problem, _ = await ask(gateway, route.method, path, data=data)
        assert got == 401, (route.method, path)
        assert route.method == "HEAD" or problem["result"] == "20001"
    assert asked >= {
        ("GET", "/v1/messages/{id}"), ("POST", "/v1/tickets"), ("POST", "/v1/inbox/lease"),
        ("POST", "/v1/inbox/confirm"), ("HEAD", "/v1/attachments/{digest}"), ("PUT", "/v1/attachments/{digest}"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("media", "namespace", "status"),
    [
        ("text/xml", "http://schemas.xmlsoap.org/soap/envelope/", 500),
        ("application/soap+xml", "http://www.w3.org/2003/05/soap-envelope", 401),
    ],
)
async def test_an_unsealed_soap_message_gets_a_fault_of_its_own_version(
    gateway: Running, media: str, namespace: str, status: int
) -> None:
    body = f'<s:Envelope xmlns:s="{namespace}"><s:Body><A/></s:Body></s:Envelope>'
    got, text, headers = await ask(
        gateway, "POST", "/soap/v1", data=body.encode(), headers={"Content-Type": media}
    )
    fault = etree.fromstring(text.encode()).find(f"{{{namespace}}}Body/{{{namespace}}}Fault")
    assert fault is not None
    assert next(fault.iter("Result")).text == "20001"
    assert (got, headers["Content-Type"].partition(";")[0]) == (status, media)


async def test_a_dtd_is_refused_in_soap(gateway: Running) -> None:
    body = b'<!DOCTYPE a [<!ENTITY x "y">]><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>'
    _, text, _ = await ask(
        gateway, "POST", "/soap/v1", data=body, headers={"Content-Type": "application/soap+xml"}
    )
    assert next(etree.fromstring(text.encode()).iter("Result")).text == "10001"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_zeep_reads_the_wsdl_at_its_own_address(gateway: Running) -> None:
    zeep = pytest.importorskip("zeep")
    status, text, _ = await ask(gateway, "GET", "/soap/v1?wsdl")
    assert status == 200
    assert f"{gateway.url}/soap/v1" in text
    client = zeep.Client(_as_file(text))
    assert "Submit" in dir(client.service)


def _as_file(text: str) -> Any:
    import io

    return io.BytesIO(text.encode())


async def test_soap_without_wsdl_is_not_a_page(gateway: Running) -> None:
    got, _, _ = await ask(gateway, "GET", "/soap/v1")
    assert got == 405
