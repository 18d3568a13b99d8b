"""The SDK against a server that plays the gateway's end of the wire: retries, time, refusals, files."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway import clock
from gateway.client import PlatformClient, Refused
from gateway.endpoints import problem
from gateway.errors import DeliveryError, MessageError
from gateway.formats import read_json, write_json
from gateway.message import GATEWAY_NODE, Claims
from gateway.sandbox.place import AGREEMENTS, GENERAL, PROCUREMENT, SandboxPlatform, make_client
from gateway.schedule import Schedule
from gateway.security import keys
from gateway.security.chunks import ChunkOpener, ChunkSealer, FileHeader, new_header, open_header, seal_header
from gateway.security.httpsig import verify_request
from gateway.security.suite import Peer, Unsealed, suites
from gateway.security.trust import Trust

QUICK = Schedule(first_s=0.01, factor=1.0, most_s=0.01, attempts=4)


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    kinds = {node: AGREEMENTS[node].key_kind for node in (GENERAL, PROCUREMENT)}
    keys.write_development_certificates(folder, {**kinds, GATEWAY_NODE: "all"})
    return folder


class Counterpart:
    """A server with the gateway's keys. `plan` holds what it does with the next calls, in order."""

    def __init__(self, certs: Path, node: str):
        agreement = AGREEMENTS[node]
        self.node = node
        self.suite = suites.get(agreement.suite)
        self.identity = keys.load_identity_from(GATEWAY_NODE, certs / GATEWAY_NODE / agreement.key_kind)
        encrypt = keys.load_certificate((certs / node / "encrypt.crt").read_bytes())
        self.peer = Peer(node, agreement.algorithms, encrypt)
        sign = keys.load_certificate((certs / node / "sign.crt").read_bytes())
        roots = [keys.load_certificate(path.read_bytes()) for path in certs.glob("root-*.crt")]
        self.trust = Trust({node: [sign]}, roots)
        self.plan: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = []
        self.seen: list[Unsealed] = []
        self.url = ""

    def seal(self, payload: bytes, key: str, media: str, *, age_s: int = 0) -> bytes:
        claims = Claims(
            GATEWAY_NODE, self.node, "8001", key, int(time.time()) - age_s, secrets.token_hex(16), media
        )
        return self.suite.seal(payload, claims, self.identity, self.peer)

    async def unseal(self, request: web.Request) -> Unsealed:
        found = self.suite.unseal(await request.read(), self.identity, self.trust, clock.now())
        self.seen.append(found)
        return found

    def respond(self, data: bytes, status: int = 202, **headers: str) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(
            body=data, status=status, headers={"Content-Type": self.suite.content_type, **named}
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await self.plan.pop(0)(request)

    # what it can do
    async def accept(self, request: web.Request) -> web.Response:
        found = await self.unseal(request)
        payload = write_json({"STATUS": "1", "Message": {"Id": "01A", "State": "accepted"}, "Receipt": {}})
        return self.respond(self.seal(payload, found.claims.idem_key, "application/json"))

    def refuse(self, error: MessageError) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def act(request: web.Request) -> web.Response:
            found = await self.unseal(request)
            sealed = self.seal(problem.problem(error), found.claims.idem_key, "application/problem+json")
            return self.respond(sealed, error.status)

        return act

    def fail(self, status: int) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def act(request: web.Request) -> web.Response:
            await self.unseal(request)
            return web.Response(status=status)

        return act

    async def drop(self, request: web.Request) -> web.Response:
        await self.unseal(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@pytest.fixture
async def server(certs: Path) -> AsyncIterator[Counterpart]:
    async for one in _serve(certs, GENERAL):
        yield one


@pytest.fixture
async def soap_server(certs: Path) -> AsyncIterator[Counterpart]:
    async for one in _serve(certs, PROCUREMENT):
        yield one


async def _serve(certs: Path, node: str) -> AsyncIterator[Counterpart]:
    counterpart = Counterpart(certs, node)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{rest:.*}", counterpart.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    counterpart.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield counterpart
    await runner.cleanup()


def client_of(server: Counterpart, certs: Path, session: aiohttp.ClientSession) -> PlatformClient:
    place = SandboxPlatform(server.node, 0, certs, certs, server.url)
    client = make_client(place, session)
    client.retry = QUICK
    return client


@pytest.fixture
async def client(server: Counterpart, certs: Path) -> AsyncIterator[PlatformClient]:
    async with aiohttp.ClientSession() as session:
        yield client_of(server, certs, session)


async def submit(client: PlatformClient) -> object:
    return await client.submit("3001", b'{"a":1}', idem_key="key-1", content_type="application/json")


async def test_every_try_is_sealed_afresh_under_the_same_key(
    server: Counterpart, client: PlatformClient
) -> None:
    server.plan = [server.fail(500), server.drop, server.fail(503), server.accept]
    reply = await client.submit("3001", b'{"a":1}', idem_key="key-1", content_type="application/json")
    assert (reply.message_id, reply.state, reply.status) == ("01A", "accepted", 202)
    assert {found.claims.idem_key for found in server.seen} == {"key-1"}
    assert len({found.claims.jti for found in server.seen}) == 4
    assert {found.payload for found in server.seen} == {b'{"a":1}'}


async def test_the_tries_are_bounded(server: Counterpart, client: PlatformClient) -> None:
    server.plan = [server.drop] * 9
    with pytest.raises(DeliveryError) as caught:
        await submit(client)
    assert caught.value.unknown
    assert len(server.seen) == QUICK.attempts


@pytest.mark.parametrize(("status", "unknown"), [(500, True), (503, False)])
async def test_a_gateway_that_keeps_failing_has_refused_nothing(
    server: Counterpart, client: PlatformClient, status: int, unknown: bool
) -> None:
    """A refusal would be final: the message is the sender's to send again, under the same key."""
    server.plan = [server.fail(status)] * 9
    with pytest.raises(DeliveryError) as caught:
        await submit(client)
    assert (caught.value.status, caught.value.unknown) == (status, unknown)
    assert len(server.seen) == QUICK.attempts


async def test_a_request_that_keeps_running_is_no_refusal(
    server: Counterpart, client: PlatformClient
) -> None:
    running = MessageError.of("key.in-progress", "处理中", "still running", result="90001")
    server.plan = [server.refuse(running)] * 9
    with pytest.raises(DeliveryError) as caught:
        await submit(client)
    assert not caught.value.unknown


async def test_a_refusal_is_not_tried_again(server: Counterpart, client: PlatformClient) -> None:
    error = MessageError.of("process.above-balance", "超过", "above", result="30011", path="AppAmount")
    server.plan = [server.refuse(error), server.accept]
    with pytest.raises(Refused) as caught:
        await submit(client)
    assert (caught.value.result, caught.value.sealed) == ("30011", True)
    assert caught.value.errors[0]["path"] == "AppAmount"
    assert len(server.seen) == 1


async def test_a_request_that_is_still_running_is_asked_again(
    server: Counterpart, client: PlatformClient
) -> None:
    running = MessageError.of("key.in-progress", "处理中", "still running", result="90001")
    server.plan = [server.refuse(running), server.accept]
    await submit(client)
    assert len(server.seen) == 2


async def test_a_stale_refusal_sets_the_clock_by_the_gateways_seal(
    server: Counterpart, client: PlatformClient
) -> None:
    client.offset_s = -4000  # our clock is more than an hour behind
    stale = MessageError.of("seal.stale", "过期", "stale", result="20005")
    server.plan = [server.refuse(stale), server.accept]
    await submit(client)
    late, fresh = (found.claims.issued_at for found in server.seen)
    assert abs(late - (time.time() - 4000)) < 10
    assert abs(fresh - time.time()) < 10


async def test_a_reply_that_is_not_the_gateways_is_not_believed(
    server: Counterpart, client: PlatformClient
) -> None:
    async def other_key(request: web.Request) -> web.Response:
        await server.unseal(request)
        return server.respond(server.seal(b"{}", "key-2", "application/json"))

    async def old(request: web.Request) -> web.Response:
        await server.unseal(request)
        return server.respond(server.seal(b"{}", "key-1", "application/json", age_s=900))

    async def plain(request: web.Request) -> web.Response:
        await server.unseal(request)
        return web.json_response({"Message": {"Id": "fake", "State": "accepted"}}, status=202)

    server.plan = [other_key, old, plain, server.accept]
    reply = await client.submit("3001", b"{}", idem_key="key-1", content_type="application/json")
    assert reply.message_id == "01A"
    assert len(server.seen) == 4


async def test_a_plain_problem_is_a_refusal_that_nobody_sealed(
    server: Counterpart, client: PlatformClient
) -> None:
    async def plain(request: web.Request) -> web.Response:
        error = MessageError.of("seal.invalid", "验签失败", "the seal does not hold", result="20001")
        return problem.response(error)

    server.plan = [plain]
    with pytest.raises(Refused) as caught:
        await submit(client)
    assert (caught.value.result, caught.value.sealed) == ("20001", False)


async def test_a_gateway_that_is_away_was_never_reached(certs: Path) -> None:
    async with aiohttp.ClientSession() as session:
        client = make_client(SandboxPlatform(GENERAL, 0, certs, certs, "http://127.0.0.1:9"), session)
        client.retry = QUICK
        with pytest.raises(DeliveryError) as caught:
            await submit(client)
    assert (caught.value.code, caught.value.unknown) == ("client.unreachable", False)


async def test_soap_replies_and_faults(soap_server: Counterpart, certs: Path) -> None:
    server = soap_server

    async def accept(request: web.Request) -> web.Response:
        found = await server.unseal(request)
        payload = (
            b"<SubmitReply><MessageId>01S</MessageId><State>accepted</State><Receipt></Receipt>"
            b"<Ack><ACK><STATUS>1</STATUS></ACK></Ack></SubmitReply>"
        )
        return server.respond(server.seal(payload, found.claims.idem_key, "application/xml"), 200)

    async def fault(request: web.Request) -> web.Response:
        found = await server.unseal(request)
        error = MessageError.of(
            "standard.missing-element", "缺少", "missing", result="10003", path="CONTRACT_NO"
        )
        return server.respond(
            server.seal(problem.fault(error), found.claims.idem_key, "application/xml"), error.status
        )

    async with aiohttp.ClientSession() as session:
        client = client_of(server, certs, session)
        server.plan = [accept, fault]
        xml = b"<PURCHASE_CONTRACT><A>1</A></PURCHASE_CONTRACT>"
        reply = await client.submit_soap(xml, type="2003", idem_key="k1")
        assert (reply.message_id, reply.payload) == ("01S", b"<ACK><STATUS>1</STATUS></ACK>")
        with pytest.raises(Refused) as caught:
            await client.submit_soap(xml, type="2003", idem_key="k2")
        assert (caught.value.result, caught.value.errors[0]["path"]) == ("10003", "CONTRACT_NO")
        assert [found.claims.msg_type for found in server.seen] == ["2003", "2003"]


async def test_a_call_without_a_sealed_body_is_signed_with_what_changes_its_meaning(
    server: Counterpart, client: PlatformClient
) -> None:
    async def answer(request: web.Request) -> web.Response:
        target = f"{request.scheme}://{request.host}{request.raw_path}"
        call = verify_request(request.method, target, request.headers, server.trust, clock.now())
        assert call.platform == GENERAL
        assert "on-behalf-of" in request.headers["Signature-Input"]
        sealed = server.seal(
            write_json({"Total": 0, "Path": request.raw_path}), call.nonce, "application/json"
        )
        return server.respond(sealed, 200)

    server.plan = [answer]
    found = await client.progress({"contract_no": "沪养合〔2026〕1号", "size": "5"}, "91310115T031010274")
    assert found["Total"] == 0
    assert "%E6%B2%AA" in found["Path"]


async def test_a_ticket_is_not_redeemed_twice_after_an_unknown_outcome(
    server: Counterpart, client: PlatformClient
) -> None:
    calls = []

    async def drop(request: web.Request) -> web.Response:
        calls.append(read_json(await request.read()))
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.plan = [drop, drop]
    with pytest.raises(DeliveryError):
        await client.redeem_ticket("T" * 32)
    assert len(calls) == 1


class Files:
    """The attachments' end of the wire: keeps the sealed stream, opens it when it is whole."""

    def __init__(self, server: Counterpart):
        self.server = server
        self.held = bytearray()
        self.plain = b""
        self.break_after = 0

    def _header(self, sealed: bytes) -> FileHeader:
        suite, trust = self.server.suite, self.server.trust
        return open_header(sealed, suite, self.server.identity, trust, clock.now())[0]

    async def put(self, request: web.Request) -> web.Response:
        verify_request(
            "PUT", f"http://{request.host}{request.raw_path}", request.headers, self.server.trust, clock.now()
        )
        first = request.headers.get("Content-Range", "bytes 0-").split()[1].split("-")[0]
        del self.held[int(first) :]
        async for piece in request.content.iter_chunked(50_000):
            self.held += piece
            if self.break_after and len(self.held) >= self.break_after:
                self.break_after = 0
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
        opener = ChunkOpener(self._header)
        self.plain = opener.feed(bytes(self.held))
        opener.finish()
        return web.Response(
            status=201, headers={"Upload-Complete": "?1", "Upload-Offset": str(len(self.held))}
        )

    async def head(self, request: web.Request) -> web.Response:
        return web.Response(headers={"Upload-Complete": "?0", "Upload-Offset": str(len(self.held))})

    def give(self, data: bytes, digest: str, *, cut: int = 0) -> Callable[..., Awaitable[web.Response]]:
        async def get(request: web.Request) -> web.Response:
            server = self.server
            header = new_header(digest, len(data))
            claims = Claims(GATEWAY_NODE, server.node, "attachment", digest, int(time.time()), "j" * 16)
            start = seal_header(header, claims, server.suite, server.identity, server.peer)
            sealer = ChunkSealer(header)
            body = start + sealer.feed(data) + sealer.finish()
            return web.Response(body=body[: len(body) - cut], content_type="application/octet-stream")

        return get


async def test_an_upload_goes_on_where_it_broke_off(
    server: Counterpart, client: PlatformClient, tmp_path: Path
) -> None:
    data = secrets.token_bytes(900_000)
    path = tmp_path / "scan.png"
    path.write_bytes(data)
    files = Files(server)
    files.break_after = 300_000
    sizes: list[int] = []

    async def note(request: web.Request) -> web.Response:
        sizes.append(len(files.held))
        return await files.head(request)

    server.plan = [files.put, note, files.put]
    digest = await client.upload(path, receivers=["GGZY-JSGC"])
    assert digest == "sm3:" + hashlib.new("sm3", data).hexdigest()
    assert files.plain == data
    assert sizes and sizes[0] >= 300_000


async def test_an_upload_begins_anew_where_another_stream_lies(
    server: Counterpart, client: PlatformClient
) -> None:
    data = secrets.token_bytes(900_000)
    files = Files(server)
    files.break_after = 300_000

    async def mixed(request: web.Request) -> web.Response:
        assert request.headers["Content-Range"].startswith("bytes 3")
        error = MessageError.of("attachment.changed", "附件数据被改动", "changed", result="30010")
        return problem.response(error)

    server.plan = [files.put, files.head, mixed, files.head, files.put]
    await client.upload(data)
    assert files.plain == data and server.plan == []


async def test_the_last_piece_comes_only_when_the_digest_held(
    server: Counterpart, client: PlatformClient
) -> None:
    digest = "sm3:" + hashlib.new("sm3", b"other").hexdigest()
    server.plan = [Files(server).give(secrets.token_bytes(3_000_000), digest)]
    came = 0
    with pytest.raises(DeliveryError, match="digest"):
        async for piece in client.download(digest):
            came += len(piece)
    assert 0 < came < 3_000_000


async def test_a_download_is_verified_to_its_end(server: Counterpart, client: PlatformClient) -> None:
    data = secrets.token_bytes(700_000)
    digest = "sm3:" + hashlib.new("sm3", data).hexdigest()
    files = Files(server)
    server.plan = [files.give(data, digest), files.give(data, digest, cut=70_000), files.give(b"x", digest)]
    assert b"".join([piece async for piece in client.download(digest)]) == data
    with pytest.raises(DeliveryError):
        [piece async for piece in client.download(digest)]


async def test_a_file_that_we_may_not_read_is_refused(server: Counterpart, client: PlatformClient) -> None:
    async def unknown(request: web.Request) -> web.Response:
        error = MessageError.of("attachment.unknown", "不存在", "no such file", result="30010", status=404)
        return problem.response(error)

    server.plan = [unknown]
    with pytest.raises(Refused) as caught:
        [piece async for piece in client.download("sm3:" + "0" * 64)]
    assert (caught.value.status, caught.value.result) == (404, "30010")
