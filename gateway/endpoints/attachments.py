"""PUT, HEAD and GET /v1/attachments/{digest}: files, streamed in the sealed chunk format (security/chunks).

The digest is of the plain file (`sm3:<hex>` or `sha-256:<hex>`). PUT sends the stream from its beginning, or
with `Content-Range: bytes FIRST-LAST/TOTAL` (of the sealed stream) from where HEAD's `Upload-Offset` says it
broke off; `bytes */TOTAL` where all of it is here and only the answer was lost. Who receives a message that
names the file may fetch it, and whom `?to=A,B` names. 201: the whole file is here, verified and on disk;
202: so far so good. GET gives it under a header that is sealed for the caller; whoever lost the connection asks
for what is missing by `Range: bytes=-COUNT` and gets it (206), or all of it again. Who only knows a digest gets nothing: reading needs a grant.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Iterator

import structlog
from aiohttp import web

from gateway import clock
from gateway.endpoints.bodies import check_encoding, read_pieces, too_large
from gateway.endpoints.problem import busy
from gateway.endpoints.signed import Caller, identify, unknown_caller
from gateway.endpoints.uploads import Receiving, place_of, stored_name
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.errors import MessageError
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.aead import CipherName
from gateway.security.chunks import ChunkSealer, FileHeader, new_header, seal_header
from gateway.security.suite import suites
from gateway.security.threads import in_threads
from gateway.settings import Platform
from gateway.store.attachments import Attachment
from gateway.store.contract import AttachmentRow, StoreUnavailable

log = structlog.get_logger("endpoints")
_DIGEST = re.compile(r"(?:sha-?256|sm3):[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(?:\d{1,15}|\*)")
_SUFFIX = re.compile(r"bytes=-(\d{1,15})")
_REST_IS_EMPTY = re.compile(r"bytes \*/(\d{1,15})")
_PIECE_BYTES = 256 * 1024
# Beyond the plain bytes: the sealed header and 16 bytes a chunk of at least 1 KiB.
_OVERHEAD_BYTES = 128 * 1024
_CIPHERS: dict[str, CipherName] = {"gm": "SM4-GCM"}
_UNDER_WAY: web.AppKey[set[int]] = web.AppKey("attachments-under-way", set[int])


def add(app: web.Application) -> None:
    app[_UNDER_WAY] = set()
    app.router.add_put("/v1/attachments/{digest}", put)
    app.router.add_head("/v1/attachments/{digest}", head)
    app.router.add_get("/v1/attachments/{digest}", get, allow_head=False)


async def put(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    world.pressure.check()
    digest = _digest(request)
    caller = await identify(request, world)
    check_encoding(request)
    receivers = _receivers(request, world)
    if await _readable(world, digest, caller) is not None:
        return await _keep_known(_pieces(request, world, caller), world, digest, receivers)
    with _room(request):
        receiving = Receiving(world, caller.platform, digest)
        try:
            await _go_to(_first_byte(request), receiving)
            await receiving.take(_pieces(request, world, caller))
            attachment = await receiving.finish()
        finally:
            await receiving.leave()
    if attachment is None:
        return _told(202, receiving.received, complete=False)
    await _own(world, caller, digest, attachment, receivers)
    return _told(201, receiving.received, complete=True)


@contextlib.contextmanager
def _room(request: web.Request) -> Iterator[None]:
    """A place among the uploads that this process takes at once: each needs some MiB. 503 where all are
    taken."""
    under_way, call = request.app[_UNDER_WAY], id(request)
    if len(under_way) >= request.app[WORLD].settings.gateway.uploads:
        raise busy()
    under_way.add(call)
    try:
        yield
    finally:
        under_way.discard(call)


async def _go_to(first: int, receiving: Receiving) -> None:
    """To the place where the body begins; MessageError 409 if that is not where the upload stands."""
    if first == 0:
        await receiving.begin()
    elif not await receiving.resume(first):
        offset = await receiving.offset()
        raise MessageError.of(
            "attachment.offset", f"应从第 {offset} 字节继续", f"the upload goes on at byte {offset}",
            result="30010", status=409, path="Content-Range",
        )  # fmt: skip


async def _keep_known(
    pieces: AsyncIterator[bytes], world: EndpointWorld, digest: str, receivers: list[str]
) -> web.Response:
    """The platform has sent this very file before: nothing to do but to let more receivers in. The body is
    read to its end, so that a sender who is still writing gets the answer and not a reset."""
    async for _ in pieces:
        pass
    for receiver in receivers:
        await world.store.grant(digest, receiver)
    return _told(200, 0, complete=True)


async def _own(
    world: EndpointWorld, caller: Caller, digest: str, attachment: Attachment, receivers: list[str]
) -> None:
    """The file is on disk; now it has a row, an owner, and readers. Where another upload of the same file
    was first, its row stays and this one's parts go."""
    me, size = caller.platform.id, attachment.header.size
    row = AttachmentRow(digest, me, size, size, "complete", attachment.write(), clock.now_ms())
    # Where the store is away nobody knows whether the row was written: the parts stay, which it may name.
    stored = await world.store.start_attachment(row)
    if stored.header != row.header:
        await world.uploads.forget(attachment.folder)
    for receiver in dict.fromkeys((me, *receivers)):
        await world.store.grant(digest, receiver)


async def _readable(world: EndpointWorld, digest: str, caller: Caller) -> Attachment | None:
    """The file, if it is here and the caller may read it."""
    if not await world.store.may_read(digest, caller.platform.id):
        return None
    row = await world.store.attachment(digest)
    return Attachment.read(row) if row is not None and row.state == "complete" else None


async def _pieces(request: web.Request, world: EndpointWorld, caller: Caller) -> AsyncIterator[bytes]:
    """The body in pieces, bounded. A signed Content-Digest must hold before the last piece counts."""
    most = world.settings.gateway.max_attachment_bytes
    most += most // 64 + _OVERHEAD_BYTES
    wanted, digest, size = caller.content_digest, hashlib.sha256(), 0
    held = b""
    async for piece in read_pieces(request, _PIECE_BYTES, world.settings.gateway.read_s):
        size += len(piece)
        if size > most:
            raise too_large(most)
        if not wanted:
            yield piece
            continue
        digest.update(piece)
        if held:
            yield held
        held = piece
    if not wanted:
        return
    named = "sha-256=:" + base64.b64encode(digest.digest()).decode() + ":"
    if named not in [part.strip() for part in wanted.split(",")]:
        raise unknown_caller("the body is not what was signed")
    if held:
        yield held


async def head(request: web.Request) -> web.Response:
    """How much of the caller's upload is here (`Upload-Offset`), or that the file is whole."""
    world = request.app[WORLD]
    digest = _digest(request)
    caller = await identify(request, world)
    known = await _readable(world, digest, caller)
    if known is not None:
        return _told(200, known.header.size, complete=True)
    offset = await world.uploads.offset(place_of(caller.platform, digest))
    if not offset:
        raise _unknown()
    return _told(200, offset, complete=False)


async def get(request: web.Request) -> web.StreamResponse:
    """The file, under a header that is sealed for the caller; 404 for who holds no grant, whether it exists
    or not. Chunks of the caller's own cipher go out as they lie there, others are sealed anew."""
    world = request.app[WORLD]
    digest = _digest(request)
    caller = await identify(request, world)
    found = await _readable(world, digest, caller)
    if found is None:
        raise _unknown()
    header, rest = found.header, None
    cipher = _CIPHERS.get(caller.platform.suite, "A256GCM")
    if header.cipher == cipher:
        rest = _last_bytes(request, header)
        chunks = found.chunks(world.blobs, header.wire_bytes - (rest or header.wire_bytes))
    else:
        header = new_header(header.digest, header.size, cipher=cipher)
        chunks = _sealed_anew(header, found.plain(world.blobs))
    start = _start(world, caller.platform, header)
    total = len(start) + header.wire_bytes
    response = web.StreamResponse(
        headers={"Content-Type": "application/octet-stream", "Cache-Control": "no-store"}
    )
    response.content_length = rest or total
    if rest:
        response.set_status(206)
        response.headers["Content-Range"] = f"bytes {total - rest}-{total - 1}/{total}"
        start = b""
    await response.prepare(request)
    try:
        await response.write(start)
        async for part in chunks:
            for first in range(0, len(part), _PIECE_BYTES):
                await response.write(part[first : first + _PIECE_BYTES])
        await response.write_eof()
    except (OSError, StoreUnavailable) as error:
        # Too late for another answer: the receiver must see that this one is not whole.
        log.warning(
            "download broken off", digest=digest, platform=caller.platform.id, cause=repr(error)[:300]
        )
        if request.transport is not None:
            request.transport.abort()
    return response


def _last_bytes(request: web.Request, header: FileHeader) -> int | None:
    """How many of the last bytes are asked for, where these are chunks alone; else all of it is sent: the
    sealed header is another one each time, so only what is behind it can be gone on with."""
    match = _SUFFIX.fullmatch(request.headers.get("Range", "").strip())
    rest = int(match[1]) if match else 0
    return rest if 0 < rest <= header.wire_bytes else None


def _start(world: EndpointWorld, platform: Platform, header: FileHeader) -> bytes:
    claims = Claims(
        GATEWAY_NODE, platform.id, "attachment", header.digest, clock.now_ms() // 1000, secrets.token_hex(16)
    )
    identity, peer = world.identities[platform.key_kind], world.peers[platform.id]
    return seal_header(header, claims, suites.get(platform.suite), identity, peer)


async def _sealed_anew(header: FileHeader, plain: AsyncIterator[bytes]) -> AsyncIterator[memoryview]:
    sealer = ChunkSealer(header, in_threads)
    async for piece in plain:
        yield memoryview(await asyncio.to_thread(sealer.feed, piece))
    yield memoryview(sealer.finish())


def _told(status: int, offset: int, *, complete: bool) -> web.Response:
    """Upload-Offset and Upload-Complete, as the IETF's resumable uploads name them."""
    headers = {"Upload-Complete": "?1" if complete else "?0", "Cache-Control": "no-store"}
    return web.Response(status=status, headers={"Upload-Offset": str(offset), **headers})


def _digest(request: web.Request) -> str:
    text = request.match_info["digest"]
    if not _DIGEST.fullmatch(text):
        raise MessageError.of(
            "attachment.name", "摘要应为 sm3:<hex> 或 sha-256:<hex>", "a digest is sm3:<hex> or sha-256:<hex>",
            result="30010", status=400, path="digest",
        )  # fmt: skip
    return stored_name(text)


def _first_byte(request: web.Request) -> int:
    text = request.headers.get("Content-Range", "")
    if not text:
        return 0
    if empty := _REST_IS_EMPTY.fullmatch(text.strip()):
        return int(empty[1])  # everything was sent before, only the answer was not
    match = _RANGE.fullmatch(text.strip())
    if match is None or int(match[2]) < int(match[1]):
        raise MessageError.of(
            "attachment.range", "Content-Range 不合规范", "Content-Range is malformed", result="30010",
            status=400, path="Content-Range",
        )  # fmt: skip
    return int(match[1])


def _receivers(request: web.Request, world: EndpointWorld) -> list[str]:
    """The platforms of `?to=A,B`: within the target, so that the signature covers them."""
    named = [name for name in request.query.get("to", "").split(",") if name]
    for name in named:
        if name not in world.settings.platforms:
            raise MessageError.of(
                "attachment.receiver", f"未知平台 {name[:40]}", f"unknown platform {name[:40]}", result="30002",
                path="to",
            )  # fmt: skip
    return named


def _unknown() -> MessageError:
    return MessageError.of(
        "attachment.unknown", "附件不存在或无权读取", "no such file, or not yours to read", result="30010",
        status=404,
    )  # fmt: skip
