"""Attachments: streamed up and down, resumed, refused; by real clients of each suite."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web

from gateway.client import PlatformClient, Refused, attachments
from gateway.endpoints.uploads import place_of
from gateway.errors import DeliveryError
from gateway.schedule import Schedule
from gateway.security.httpsig import sign_request
from gateway.store.contract import AttachmentRow, StoreUnavailable
from tests.acceptance import attaching
from tests.acceptance.attaching import CITY, CONSTRUCTION, GENERAL, MIB, PROCUREMENT, download, stream
from tests.acceptance.partners import identity, serve
from tests.acceptance.running import Running, running

MOST = 5_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with running(
        folder, GATEWAY_MAX_ATTACHMENT_BYTES=str(MOST), GATEWAY_READ_S="2", GATEWAY_UPLOADS="3"
    ) as started:
        yield started


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def put(gateway: Running, node: str, digest: str, body: bytes, **more: Any) -> tuple[int, str, str]:
    return await attaching.put(gateway.session, gateway.url, node, digest, body, **more)


async def offset(gateway: Running, node: str, digest: str) -> tuple[int, str, str]:
    return await attaching.offset(gateway.session, gateway.url, node, digest)


def stored(gateway: Running, digest: str) -> list[Path]:
    """Every file in the data folder that belongs to the digest, complete or partial."""
    folder, value = gateway.settings.data_dir / "attachments", digest.partition(":")[2]
    places = [place_of(platform, digest) for platform in gateway.settings.platforms.values()]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(name in path.parts for name in (value, *places))
    ]


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 4_500_000])
async def test_a_file_goes_up_and_comes_down_sealed_for_each_receiver(gateway: Running, size: int) -> None:
    data = secrets.token_bytes(size)
    digest = await gateway.client(GENERAL).upload(data, receivers=[CITY, PROCUREMENT, CONSTRUCTION])
    for node in (GENERAL, CITY, PROCUREMENT, CONSTRUCTION):
        assert await download(gateway.client(node), digest) == data


@pytest.mark.parametrize("node", [CONSTRUCTION, PROCUREMENT, CITY])
async def test_every_suite_can_upload(gateway: Running, node: str) -> None:
    data = secrets.token_bytes(100_000)
    digest = await gateway.client(node).upload(data, receivers=[GENERAL])
    assert await download(gateway.client(GENERAL), digest) == data


@pytest.mark.parametrize("node", [GENERAL, PROCUREMENT, CITY])
@pytest.mark.parametrize("wrong_s", [600, -600])
async def test_a_client_whose_clock_is_wrong_learns_the_gateways_time(
    gateway: Running, node: str, wrong_s: int
) -> None:
    data = secrets.token_bytes(100_000)
    for has_begun in (False, True):  # HEAD, whose refusal has no body, comes before a PUT that goes on
        client = gateway.client(node)
        client.offset_s = wrong_s
        if has_begun:
            digest, body = stream(node, data := secrets.token_bytes(3 * MIB), chunk=65_536)
            assert (await put(gateway, node, digest, body[:MIB], total=len(body)))[0] == 202
            with pytest.raises(Refused) as refused:
                await attachments._offset(client, f"/v1/attachments/{digest}")
            assert refused.value.result == "20005" and abs(client.offset_s) <= 1
            assert await attachments._offset(client, f"/v1/attachments/{digest}") > 0
            client.offset_s = wrong_s
        digest = await client.upload(data)
        assert abs(client.offset_s) <= 1
        client.offset_s = wrong_s
        assert await download(client, digest) == data


async def test_sha256_is_a_digest_too(gateway: Running) -> None:
    digest, body = stream(GENERAL, b"abc", algorithm="sha256")
    assert (await put(gateway, GENERAL, digest.replace("sha256:", "sha-256:"), body))[0] == 201
    assert await download(gateway.client(GENERAL), digest) == b"abc"


async def test_knowing_a_digest_is_not_enough(gateway: Running) -> None:
    digest = await gateway.client(GENERAL).upload(secrets.token_bytes(5000))
    with pytest.raises(Refused) as caught:
        await download(gateway.client(CONSTRUCTION), digest)
    assert caught.value.status == 404
    assert (await offset(gateway, CONSTRUCTION, digest))[0] == 404


async def test_beginning_an_upload_gives_no_right_to_the_file(gateway: Running) -> None:
    data = secrets.token_bytes(50_000)
    digest, body = stream(CONSTRUCTION, data)
    assert (await put(gateway, CONSTRUCTION, digest, body[:2000]))[0] == 202
    await gateway.client(GENERAL).upload(data)
    with pytest.raises(Refused):
        await download(gateway.client(CONSTRUCTION), digest)
    assert (await put(gateway, CONSTRUCTION, digest, body))[0] == 201
    assert await download(gateway.client(CONSTRUCTION), digest) == data


async def test_an_upload_in_parts_goes_on_where_it_ended(gateway: Running) -> None:
    data = secrets.token_bytes(20_000)
    digest, body = stream(GENERAL, data)
    assert await put(gateway, GENERAL, digest, body[:7000]) == (202, "7000", "")
    assert await offset(gateway, GENERAL, digest) == (200, "7000", "?0")
    assert (await put(gateway, GENERAL, digest, body[8000:], first=8000))[2] == "attachment.offset"
    assert await put(gateway, GENERAL, digest, body[7000:9000], first=7000) == (202, "9000", "")
    assert (await put(gateway, GENERAL, digest, body[9000:], first=9000))[0] == 201
    assert (await offset(gateway, GENERAL, digest))[2] == "?1"
    assert await download(gateway.client(GENERAL), digest) == data


async def half_sent(
    gateway: Running, digest: str, body: bytes, sent: int, node: str = GENERAL
) -> asyncio.StreamWriter:
    """A connection that has sent a part of an upload, and then nothing more."""
    url = f"{gateway.url}/v1/attachments/{digest}"
    signature = sign_request("PUT", url, {}, b"", identity(node), int(time.time()), secrets.token_hex(8))
    lines = [
        f"PUT {urlsplit(url).path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in signature.items()]
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:sent])
    await writer.drain()
    return writer


async def under_way(gateway: Running, count: int, taken: int = 0) -> None:
    """Until so many uploads are being taken, and the newest of them has this many bytes."""
    uploads = gateway.gateway.parts["unfinished uploads"].uploads.under_way
    async with asyncio.timeout(10):
        while len(uploads) != count or (taken and max(one.taken_bytes for one in uploads.values()) < taken):  # noqa: ASYNC110 - the other side's progress can only be asked for
            await asyncio.sleep(0.01)


async def test_who_stops_in_the_middle_does_not_keep_others_from_the_file(gateway: Running) -> None:
    data = secrets.token_bytes(3 * MIB)
    digest, body = stream(GENERAL, data, chunk=65_536)
    writer = await half_sent(gateway, digest, body, len(body) - 1000)
    await under_way(gateway, 1, MIB)
    assert await gateway.client(CONSTRUCTION).upload(data) == digest
    await under_way(gateway, 0)  # it is given up after read_s, and what came of it stays
    assert await offset(gateway, GENERAL, digest) == (200, str(len(body) - 1000), "?0")
    assert (await put(gateway, GENERAL, digest, body[-1000:], first=len(body) - 1000))[0] == 201
    writer.close()


async def test_a_connection_that_breaks_in_the_middle_loses_nothing(gateway: Running) -> None:
    data = secrets.token_bytes(3 * MIB)
    digest, body = stream(GENERAL, data, chunk=65_536)
    writer = await half_sent(gateway, digest, body, len(body) - 1000)
    await under_way(gateway, 1, 2 * MIB)
    writer.transport.abort()
    await under_way(gateway, 0)
    here = int((await offset(gateway, GENERAL, digest))[1])
    assert here >= 2 * MIB
    assert (await put(gateway, GENERAL, digest, body[here:], first=here))[0] == 201
    assert await download(gateway.client(GENERAL), digest) == data


async def test_more_uploads_than_there_is_room_for_are_asked_to_come_again(gateway: Running) -> None:
    digest, body = stream(GENERAL, secrets.token_bytes(MIB), chunk=65_536)
    nodes = (GENERAL, CONSTRUCTION, PROCUREMENT)
    writers = [await half_sent(gateway, digest, body, 100, node) for node in nodes]
    await under_way(gateway, 3)
    status, _, code = await put(gateway, CITY, digest, body)
    assert (status, code) == (503, "gateway.busy")
    for writer in writers:
        writer.close()
    await under_way(gateway, 0)
    assert (await put(gateway, GENERAL, digest, body))[0] == 201


async def test_an_upload_whose_answer_was_lost_is_finished_without_a_byte(gateway: Running) -> None:
    digest, body = stream(GENERAL, secrets.token_bytes(20_000))
    assert await put(gateway, GENERAL, digest, body[:-1]) == (202, str(len(body) - 1), "")
    uploads = gateway.gateway.parts["unfinished uploads"].uploads
    upload = await uploads.resume(place_of(gateway.settings.platforms[GENERAL], digest))
    assert upload is not None
    await upload.append(body[-1:])
    await upload.flush()  # here the gateway was killed
    upload.close()
    assert await offset(gateway, GENERAL, digest) == (200, str(len(body)), "?0")
    assert (await put(gateway, GENERAL, digest, b"", rest=f"bytes */{len(body)}"))[0] == 201


def cut_up(body: bytes, chunk: int = 1024) -> tuple[bytes, list[bytes]]:
    """(the sealed header with what stands before it, the chunks) of a stream."""
    start = 8 + int.from_bytes(body[4:8], "big")
    size = chunk + 16
    return body[:start], [body[at : at + size] for at in range(start, len(body), size)]


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


TAMPERED: dict[str, Callable[[bytes, list[bytes], list[bytes]], bytes]] = {
    "magic": lambda start, own, other: flipped(start, 2) + b"".join(own),
    "header": lambda start, own, other: flipped(start, len(start) // 2) + b"".join(own),
    "chunk": lambda start, own, other: start + flipped(own[0], 5) + b"".join(own[1:]),
    "tag": lambda start, own, other: start + b"".join(own[:-1]) + flipped(own[-1], -1),
    "swapped": lambda start, own, other: start + b"".join([own[0], own[2], own[1], *own[3:]]),
    "repeated": lambda start, own, other: start + b"".join([own[0], own[0], *own[1:]]),
    "left out": lambda start, own, other: start + b"".join([own[0], *own[2:]]),
    "cut before the last": lambda start, own, other: start + b"".join(own[:-1]) + own[0],
    "of another upload": lambda start, own, other: start + b"".join([own[0], other[1], *own[2:]]),
    "goes on": lambda start, own, other: start + b"".join(own) + own[-1],
}


@pytest.mark.parametrize("node", [GENERAL, CONSTRUCTION, PROCUREMENT, CITY])
async def test_a_stream_that_was_tampered_with_is_refused_and_forgotten(gateway: Running, node: str) -> None:
    """Each suite: ES256 and RS256 (jose), WS-Security (wss), SM2 and SM4 (gm)."""
    for name, tamper in TAMPERED.items():
        digest, body = stream(node, secrets.token_bytes(6000))
        start, chunks = cut_up(body)
        _, other = cut_up(stream(node, secrets.token_bytes(6000))[1])
        status, _, code = await put(gateway, node, digest, tamper(start, chunks, other))
        assert status in (401, 422) and code, name
        assert stored(gateway, digest) == [], name
        assert (await offset(gateway, node, digest))[0] == 404, name


@pytest.mark.parametrize("node", [GENERAL, PROCUREMENT, CITY])
async def test_a_stream_that_was_cut_is_not_a_file(gateway: Running, node: str) -> None:
    data = secrets.token_bytes(6000)
    digest, body = stream(node, data)
    start, chunks = cut_up(body)
    shorter = start + b"".join(chunks[:-1])
    assert (await put(gateway, node, digest, shorter))[0] == 202
    with pytest.raises(Refused):
        await download(gateway.client(node), digest)
    assert (await put(gateway, node, digest, chunks[-1], first=len(shorter)))[0] == 201
    assert await download(gateway.client(node), digest) == data


@pytest.mark.parametrize("node", [GENERAL, PROCUREMENT, CITY])
async def test_what_was_changed_while_it_lay_here_reaches_nobody(gateway: Running, node: str) -> None:
    """The receiver sees it, whether the chunks go out as they are or are sealed anew for it."""
    digest = await gateway.client(GENERAL).upload(secrets.token_bytes(600_000), receivers=[node])
    [part] = stored(gateway, digest)
    part.write_bytes(flipped(part.read_bytes(), 400_000))
    client = gateway.client(node)
    client.retry = Schedule(first_s=0.01, factor=1, most_s=0.01, attempts=3)
    with pytest.raises(DeliveryError):
        async with asyncio.timeout(5):  # the connection ends; nobody waits for the rest
            await download(client, digest)


class Breaking:
    """A line to the gateway that breaks after so many bytes, and notes what each connection asked and got."""

    def __init__(self, gateway: Running, breaks: list[int]):
        self.gateway = gateway
        self.breaks = breaks
        self.asked: list[tuple[str, int]] = []

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        left = self.breaks.pop(0) if self.breaks else 1 << 40
        async with self.gateway.session.get(
            self.gateway.url + request.raw_path, headers=request.headers
        ) as answer:
            self.asked.append((request.headers.get("Range", ""), answer.status))
            response = web.StreamResponse(status=answer.status, headers=answer.headers)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece[:left])
                left -= len(piece)
                if left <= 0:
                    assert request.transport is not None
                    request.transport.close()
                    return response
            return response


@pytest.mark.parametrize("node", [GENERAL, CITY])
async def test_a_download_goes_on_where_the_connection_broke(gateway: Running, node: str) -> None:
    """For the sender's own cipher with the bytes that are missing, else from the beginning."""
    data = secrets.token_bytes(4 * MIB)
    digest = await gateway.client(GENERAL).upload(data, receivers=[node])
    line = Breaking(gateway, [100, 1_600_000, 1_500_000, 0])
    async with serve(line.pass_on) as url:
        client = gateway.client(node)
        client.base_url, client.retry = url, Schedule(first_s=0.01, factor=1, most_s=0.01, attempts=5)
        client.sign_call = signed_for(client, gateway.url)  # type: ignore[method-assign]
        assert await download(client, digest) == data
    ranges = [bool(asked) and status == 206 for asked, status in line.asked]
    if node == GENERAL:
        assert ranges == [False, False, True, True, True]
    else:
        assert ranges == [False] * 5


def signed_for(client: PlatformClient, url: str) -> Callable[..., tuple[str, dict[str, str]]]:
    """Signs as if the call went to the gateway itself, and sends it down the line."""
    sign, line = client.sign_call, client.base_url

    def signed(method: str, path: str, **more: Any) -> tuple[str, dict[str, str]]:
        client.base_url = url
        signed_url, headers = sign(method, path, **more)
        client.base_url = line
        return signed_url.replace(url, line), headers | {"Host": urlsplit(url).netloc}

    return signed


async def test_a_damaged_rest_takes_what_came_before_with_it(gateway: Running) -> None:
    digest, body = stream(GENERAL, secrets.token_bytes(20_000))
    assert (await put(gateway, GENERAL, digest, body[:9000]))[0] == 202
    rest = flipped(body[9000:], 5000)
    assert (await put(gateway, GENERAL, digest, rest, first=9000))[2] == "attachment.changed"
    assert stored(gateway, digest) == []
    assert (await offset(gateway, GENERAL, digest))[0] == 404


async def test_files_lie_sealed(gateway: Running) -> None:
    data = b"plain text " * 1000
    digest = await gateway.client(GENERAL).upload(data)
    assert [path for path in stored(gateway, digest) if b"plain text" in path.read_bytes()] == []


async def test_a_digest_that_is_not_the_file_s_is_refused(gateway: Running) -> None:
    wrong = "sm3:" + hashlib.new("sm3", b"something else").hexdigest()
    digest, body = stream(GENERAL, b"x" * 4000, digest=wrong)
    status, _, code = await put(gateway, GENERAL, digest, body)
    assert (status, code) == (422, "attachment.digest")
    assert stored(gateway, digest) == []


async def test_a_commit_whose_answer_is_lost_costs_no_file(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row may be there, and then names the parts."""
    data = secrets.token_bytes(9000)
    digest, body = stream(GENERAL, data)
    store = gateway.gateway.intake.store
    write = store.start_attachment

    async def write_and_lose(row: AttachmentRow) -> AttachmentRow:
        await write(row)
        raise StoreUnavailable("the connection broke in the COMMIT")

    with monkeypatch.context() as patched:
        patched.setattr(store, "start_attachment", write_and_lose)
        assert (await put(gateway, GENERAL, digest, body))[0] == 503
    assert (await put(gateway, GENERAL, digest, body))[0] in (200, 201)
    assert await download(gateway.client(GENERAL), digest) == data


async def test_a_file_under_another_address_is_refused(gateway: Running) -> None:
    _, body = stream(GENERAL, b"x" * 4000)
    assert (await put(gateway, GENERAL, "sm3:" + "0" * 64, body))[2] == "attachment.digest"


async def test_another_platforms_stream_is_refused(gateway: Running) -> None:
    digest, body = stream("CZ-ZFPT-310115", b"x" * 4000)
    status, _, _ = await put(gateway, CITY, digest, body)
    assert status == 403


async def test_data_behind_the_end_is_refused(gateway: Running) -> None:
    digest, body = stream(GENERAL, b"x" * 4000)
    assert (await put(gateway, GENERAL, digest, body + b"more"))[2] == "attachment.trailing"


async def test_a_file_that_is_too_large_is_refused_at_its_header(gateway: Running) -> None:
    digest, body = stream(GENERAL, b"x" * (MOST + 1), chunk=65_536)
    status, _, code = await put(gateway, GENERAL, digest, body[:2000])
    assert (status, code) == (413, "attachment.too-large")


@pytest.mark.parametrize(
    ("digest", "code"),
    [("md5:abc", "attachment.name"), ("sm3:../../etc/passwd", "http.not-found"), ("sm3:" + "G" * 64, "attachment.name")],
)  # fmt: skip
async def test_a_strange_digest_is_refused(gateway: Running, digest: str, code: str) -> None:
    assert (await put(gateway, GENERAL, digest, b"x"))[2] == code


async def test_an_unknown_receiver_is_refused(gateway: Running) -> None:
    digest, body = stream(GENERAL, b"y" * 4000)
    assert (await put(gateway, GENERAL, digest, body, to="NO-SUCH"))[2] == "attachment.receiver"


async def test_sending_a_known_file_again_lets_more_receivers_in(gateway: Running) -> None:
    data = secrets.token_bytes(9000)
    digest = await gateway.client(GENERAL).upload(data)
    assert await gateway.client(GENERAL).upload(data, receivers=[CITY]) == digest
    assert await download(gateway.client(CITY), digest) == data
