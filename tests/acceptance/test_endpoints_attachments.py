"""Attachments: streamed up and down, resumed, refused; by real clients of each suite."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from gateway.client import PlatformClient, Refused
from gateway.message import Claims
from gateway.security.chunks import ChunkSealer, new_header, seal_header
from gateway.security.httpsig import sign_request
from tests.acceptance.partners import identity, partner
from tests.acceptance.running import Running, running

GENERAL, CONSTRUCTION, PROCUREMENT, CITY = "GGZY-ZPT", "GGZY-JSGC", "GGZY-ZFCG", "CZ-ZFPT-310000"
MOST = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    async with running(folder, GATEWAY_MAX_ATTACHMENT_BYTES=str(MOST), GATEWAY_READ_S="2") as started:
        yield started


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def download(client: PlatformClient, digest: str) -> bytes:
    return b"".join([piece async for piece in client.download(digest)])


def stream(
    node: str, data: bytes, *, digest: str = "", algorithm: str = "sm3", chunk: int = 1024
) -> tuple[str, bytes]:
    """(digest, the whole sealed stream) of a file, sealed by a platform for the gateway."""
    own = partner(node)
    digest = digest or f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    header = new_header(
        digest, len(data), chunk_size=chunk, cipher="SM4-GCM" if own.suite.name == "gm" else "A256GCM"
    )
    claims = Claims(node, "GW", "attachment", digest, int(time.time()), secrets.token_hex(8))
    start = seal_header(header, claims, own.suite, identity(node), own.gateway)
    sealer = ChunkSealer(header)
    body = sealer.feed(data)
    try:
        return digest, start + body + sealer.finish()
    except ValueError:  # the header lies on purpose
        sealer.header = header
        return digest, start + body + sealer._seal(bytes(sealer._waiting), last=True)


async def put(
    gateway: Running, node: str, digest: str, body: bytes, *, first: int = 0, total: int = 0, to: str = ""
) -> tuple[int, str, str]:
    """(status, Upload-Offset, code of the problem)."""
    url = f"{gateway.url}/v1/attachments/{digest}" + (f"?to={to}" if to else "")
    headers = {"Content-Type": "application/octet-stream"}
    if first or total:
        headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{total or first + len(body)}"
    signature = sign_request("PUT", url, headers, b"", identity(node), int(time.time()), secrets.token_hex(8))
    async with gateway.session.put(url, data=body, headers={**headers, **signature}) as answer:
        problem = await answer.json(content_type=None) if answer.status >= 400 else {}
        return answer.status, answer.headers.get("Upload-Offset", ""), problem.get("code", "")


async def offset(gateway: Running, node: str, digest: str) -> tuple[int, str, str]:
    url = f"{gateway.url}/v1/attachments/{digest}"
    signature = sign_request("HEAD", url, {}, b"", identity(node), int(time.time()), secrets.token_hex(8))
    async with gateway.session.head(url, headers=signature) as answer:
        return (
            answer.status,
            answer.headers.get("Upload-Offset", ""),
            answer.headers.get("Upload-Complete", ""),
        )


def stored(gateway: Running, digest: str) -> list[Path]:
    """Every file in the data folder that belongs to the digest, complete or partial."""
    value = digest.partition(":")[2]
    return [path for path in gateway.settings.data_dir.rglob("*") if value in path.name]


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000])
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


async def half_sent(gateway: Running, digest: str, body: bytes) -> asyncio.StreamWriter:
    """A connection that has sent most of an upload, and then nothing more."""
    url = f"{gateway.url}/v1/attachments/{digest}"
    signature = sign_request("PUT", url, {}, b"", identity(GENERAL), int(time.time()), secrets.token_hex(8))
    lines = [
        f"PUT {urlsplit(url).path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in signature.items()]
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:300_000])
    await writer.drain()
    async with asyncio.timeout(10):
        while int((await offset(gateway, GENERAL, digest))[1] or 0) < 262_144:  # noqa: ASYNC110 - the other side's progress can only be asked for
            await asyncio.sleep(0.01)
    return writer


async def test_who_stops_in_the_middle_does_not_keep_others_from_the_file(gateway: Running) -> None:
    data = secrets.token_bytes(400_000)
    digest, body = stream(GENERAL, data, chunk=65_536)
    writer = await half_sent(gateway, digest, body)
    assert (await put(gateway, CONSTRUCTION, digest, b""))[2] == "attachment.busy"
    assert await gateway.client(CONSTRUCTION).upload(data) == digest
    assert int((await offset(gateway, GENERAL, digest))[1]) >= 262_144
    writer.close()


async def test_a_connection_that_breaks_in_the_middle_loses_nothing(gateway: Running) -> None:
    data = secrets.token_bytes(400_000)
    digest, body = stream(GENERAL, data, chunk=65_536)
    writer = await half_sent(gateway, digest, body)
    writer.transport.abort()
    async with asyncio.timeout(10):
        while True:
            _, here, _ = await offset(gateway, GENERAL, digest)
            status, _, code = await put(gateway, GENERAL, digest, body[int(here) :], first=int(here))
            if code not in ("attachment.busy", "attachment.offset"):
                break
            await asyncio.sleep(0.01)  # the broken connection is still being noticed
    assert status == 201
    assert await download(gateway.client(GENERAL), digest) == data


@pytest.mark.parametrize(
    "place", [5, 900, 3000, 590_000, -1], ids=["start", "header", "chunk", "late", "end"]
)
async def test_a_changed_stream_is_refused_and_forgotten(gateway: Running, place: int) -> None:
    digest, body = stream(GENERAL, secrets.token_bytes(600_000))
    changed = bytearray(body)
    changed[place] ^= 1
    status, _, code = await put(gateway, GENERAL, digest, bytes(changed))
    assert status in (401, 422)
    assert code
    assert stored(gateway, digest) == []
    assert (await offset(gateway, GENERAL, digest))[0] == 404


async def test_a_digest_that_is_not_the_file_s_is_refused(gateway: Running) -> None:
    wrong = "sm3:" + hashlib.new("sm3", b"something else").hexdigest()
    digest, body = stream(GENERAL, b"x" * 4000, digest=wrong)
    status, _, code = await put(gateway, GENERAL, digest, body)
    assert (status, code) == (422, "attachment.digest")
    assert stored(gateway, digest) == []


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
