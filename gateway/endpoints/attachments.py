"""PUT, HEAD and GET /v1/attachments/{digest}: files, streamed in the sealed chunk format (security/chunks).

The digest is of the plain file (`sm3:<hex>` or `sha-256:<hex>`). PUT sends the stream from its beginning, or
with `Content-Range: bytes FIRST-LAST/TOTAL` (of the sealed stream) from where HEAD's `Upload-Offset` says it
broke off. Who receives a message that names the file may fetch it, and whom `?to=A,B` names. 201: the whole file is here, verified and on disk;
202: so far so good. Who only knows a digest gets nothing: reading needs a grant.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

import orjson
from aiohttp import web

from gateway import clock
from gateway.endpoints.bodies import check_encoding, read_pieces, too_large
from gateway.endpoints.signed import Caller, identify, unknown_caller
from gateway.endpoints.uploads import Upload, header_name, place_of, stored_name
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.errors import MessageError
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.aead import CipherName
from gateway.security.chunks import ChunkSealer, FileHeader, new_header, seal_header
from gateway.security.suite import suites
from gateway.store.blobs import Blobs
from gateway.store.contract import AttachmentRow

_DIGEST = re.compile(r"(?:sha-?256|sm3):[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")
_PIECE_BYTES = 256 * 1024
# Beyond the plain bytes: the sealed header and 16 bytes a chunk of at least 1 KiB.
_OVERHEAD_BYTES = 128 * 1024
_CIPHERS: dict[str, CipherName] = {"gm": "SM4-GCM"}
_LOCKS: web.AppKey[WeakValueDictionary[str, asyncio.Lock]] = web.AppKey("attachment-locks")
_INCOMING: web.AppKey[Blobs] = web.AppKey("attachments-incoming", Blobs)


def add(app: web.Application) -> None:
    app[_LOCKS] = WeakValueDictionary()
    app[_INCOMING] = Blobs(app[WORLD].settings.data_dir / "incoming")
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
    # One writer a file: the plain bytes of two senders must not mix.
    lock = request.app[_LOCKS].setdefault(digest, asyncio.Lock())
    if lock.locked():
        raise MessageError.of(
            "attachment.busy",
            "该附件正在上传",
            "this file is being uploaded",
            result="90001",
            retry_after_s=1,
        )
    async with lock:
        upload = Upload(world, caller.platform, digest, request.app[_INCOMING])
        if await world.blobs.size(digest) is not None and await world.store.may_read(
            digest, caller.platform.id
        ):
            return await _keep_known(_pieces(request, world, caller), world, digest, receivers)
        await _go_to(request, upload)
        await upload.take(_pieces(request, world, caller))
        header = await upload.finish()
        if header is None:
            return _told(202, upload.received, complete=False)
        await _own(world, caller, digest, header, receivers)
        return _told(201, upload.received, complete=True)


async def _go_to(request: web.Request, upload: Upload) -> None:
    """To the place where the body begins; MessageError 409 if that is not where the upload stands."""
    first = _first_byte(request)
    if first == 0:
        await upload.restart()
        return
    offset = await upload.offset()
    if first != offset:
        raise MessageError.of(
            "attachment.offset", f"应从第 {offset} 字节继续", f"the upload goes on at byte {offset}",
            result="30010", status=409, path="Content-Range",
        )  # fmt: skip
    await upload.resume()


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
    world: EndpointWorld, caller: Caller, digest: str, header: FileHeader, receivers: list[str]
) -> None:
    """The file is on disk; now it has an owner, and readers."""
    me = caller.platform.id
    named = orjson.dumps({"digest": header.digest, "size": header.size})
    row = AttachmentRow(digest, me, header.size, header.size, "partial", named, clock.now_ms())
    await world.store.start_attachment(row)
    await world.store.complete_attachment(digest)
    for receiver in dict.fromkeys((me, *receivers)):
        await world.store.grant(digest, receiver)


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
        if wanted:
            digest.update(piece)
        if held:
            yield held
        held = piece
    named = "sha-256=:" + base64.b64encode(digest.digest()).decode() + ":"
    if wanted and named not in [part.strip() for part in wanted.split(",")]:
        raise unknown_caller("the body is not what was signed")
    if held:
        yield held


async def head(request: web.Request) -> web.Response:
    """How much of the caller's upload is here (`Upload-Offset`), or that the file is whole."""
    world = request.app[WORLD]
    digest = _digest(request)
    caller = await identify(request, world)
    size = await world.blobs.size(digest)
    if size is not None and await world.store.may_read(digest, caller.platform.id):
        return _told(200, size, complete=True)
    offset = await request.app[_INCOMING].partial_size(place_of(caller.platform, digest))
    if not offset:
        raise _unknown()
    return _told(200, offset, complete=False)


async def get(request: web.Request) -> web.StreamResponse:
    """The file, sealed afresh for the caller; 404 for who holds no grant, whether it exists or not."""
    world = request.app[WORLD]
    digest = _digest(request)
    caller = await identify(request, world)
    size = await world.blobs.size(digest)
    if size is None or not await world.store.may_read(digest, caller.platform.id):
        raise _unknown()
    platform = caller.platform
    header = new_header(header_name(digest), size, cipher=_CIPHERS.get(platform.suite, "A256GCM"))
    claims = Claims(
        GATEWAY_NODE, platform.id, "attachment", header.digest, clock.now_ms() // 1000, secrets.token_hex(16)
    )
    suite = suites.get(platform.suite)
    identity, peer = world.identities[platform.key_kind], world.peers[platform.id]
    start = seal_header(header, claims, suite, identity, peer)
    response = web.StreamResponse(
        headers={"Content-Type": "application/octet-stream", "Cache-Control": "no-store"}
    )
    response.content_length = len(start) + header.wire_bytes
    await response.prepare(request)
    await response.write(start)
    sealer = ChunkSealer(header)
    async for piece in world.blobs.read(digest):
        await response.write(await asyncio.to_thread(sealer.feed, piece))
    await response.write(sealer.finish())
    await response.write_eof()
    return response


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
