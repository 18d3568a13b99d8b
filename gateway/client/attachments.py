"""Attachments: streamed to the gateway in the sealed chunk format (security/chunks).

The signed header names the plain file, so whoever is in between can neither change nor exchange it. An
upload that broke off goes on where the gateway says that it ended, under the same header.
"""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import AsyncIterator, Generator, Sequence
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

from gateway.client.replies import Refused
from gateway.client.wire import Wire, refusal_of
from gateway.digests import new_digest
from gateway.errors import DeliveryError
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.aead import TAG_BYTES, CipherName
from gateway.security.chunks import ChunkSealer, new_header, seal_header
from gateway.security.threads import in_threads

Content = bytes | Path
Algorithm = Literal["sm3", "sha-256"]
FILE_WRONG = "30010"
_PIECE_BYTES = 1024 * 1024
_CIPHERS: dict[str, CipherName] = {"gm": "SM4-GCM"}
_MEDIA = "application/octet-stream"


async def upload(
    wire: Wire, content: Content, *, receivers: Sequence[str] = (), algorithm: Algorithm = "sm3"
) -> str:
    """The digest ("sm3:<hex>" or "sha-256:<hex>") once the gateway holds the whole file on disk, verified.

    Refused (30010 and others) for a file that the gateway will not have, DeliveryError when the tries are
    used up.
    """
    digest, size = await asyncio.to_thread(_measure, content, algorithm)
    stream = _Stream(wire, content, digest, size)
    path = f"/v1/attachments/{digest.replace('sha256', 'sha-256')}"
    target = path + (f"?to={quote(','.join(receivers), safe=',')}" if receivers else "")
    tries, anew = 0, True

    async def once() -> None:
        nonlocal stream, tries, anew
        offset = await _offset(wire, path) if tries else 0
        tries += 1
        if offset < 0:
            offset = 0 if receivers else -1  # it is whole already; receivers are still to be let in
        elif anew:
            offset = 0
        if offset < 0:
            return
        anew = False
        if not offset and stream.offset_s != wire.offset_s:
            stream = _Stream(wire, content, digest, size)  # a header of a wrong time may be refused for it
        try:
            await stream.send(target, offset)
        except Refused as refused:
            if offset and refused.result == FILE_WRONG:
                # An earlier connection still wrote there, or what lies there is of another stream.
                anew = refused.code != "attachment.offset"
                raise DeliveryError("client.upload-mixed", str(refused)[:300]) from refused
            raise

    await wire.try_again(once)
    return digest.replace("sha256", "sha-256")


class _Stream:
    """One file's sealed stream: the same bytes each time it is asked for, as its header is made once."""

    def __init__(self, wire: Wire, content: Content, digest: str, size: int):
        self.wire = wire
        self.content = content
        self.offset_s = wire.offset_s
        self.header = new_header(digest, size, cipher=_CIPHERS.get(wire.suite.name, "A256GCM"))
        claims = Claims(
            wire.node, GATEWAY_NODE, "attachment", digest, int(wire.now().timestamp()), secrets.token_hex(16)
        )
        self.start = seal_header(self.header, claims, wire.suite, wire.identity, wire.gateway)
        self.total = len(self.start) + self.header.wire_bytes

    async def send(self, target: str, offset: int) -> None:
        headers = {"Content-Type": _MEDIA}
        if offset:
            rest = (
                f"{offset}-{self.total - 1}" if offset < self.total else "*"
            )  # nothing but its end is missing
            headers["Content-Range"] = f"bytes {rest}/{self.total}"
        exchange, _ = await self.wire.exchange(
            "PUT", target, stream=self._pieces(offset), headers=headers, timeout_s=None
        )
        if exchange.status >= 400:
            raise refusal_of(exchange, exchange.data, False)
        if exchange.headers.get("Upload-Complete") != "?1":
            text = f"HTTP {exchange.status}, and the file is not whole"
            raise DeliveryError("client.upload-incomplete", text, status=exchange.status, unknown=True)

    async def _pieces(self, offset: int) -> AsyncIterator[bytes]:
        """The sealed stream from `offset` on; while a piece is sent, the next one is sealed."""
        if offset >= self.total:
            return
        if offset < len(self.start):
            yield self.start[offset:]
        chunk = self.header.chunk_size + TAG_BYTES
        first, skip = divmod(max(0, offset - len(self.start)), chunk)
        steps = self._sealing(first)
        sealing = asyncio.create_task(asyncio.to_thread(next, steps, None))
        try:
            while (piece := await sealing) is not None:
                sealing = asyncio.create_task(asyncio.to_thread(next, steps, None))
                if piece[skip:]:
                    yield piece[skip:] if skip else piece
                skip = max(0, skip - len(piece))
        finally:
            await asyncio.wait([sealing])
            steps.close()

    def _sealing(self, first: int) -> Generator[bytes, None, None]:
        sealer = ChunkSealer(self.header, in_threads, first=first)
        with _open(self.content) as file:
            file.seek(first * self.header.chunk_size)
            while plain := file.read(_PIECE_BYTES):
                yield sealer.feed(plain)
        yield sealer.finish()


async def _offset(wire: Wire, path: str) -> int:
    """Where the upload stands; 0 where nothing is there, -1 where the file is whole."""
    exchange, _ = await wire.exchange("HEAD", path)
    if exchange.status == 404:
        return 0
    if exchange.status >= 400:
        raise refusal_of(exchange, b"", False)
    if exchange.headers.get("Upload-Complete") == "?1":
        return -1
    text = exchange.headers.get("Upload-Offset", "0")
    return int(text) if text.isdecimal() else 0


def _open(content: Content) -> IO[bytes]:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _measure(content: Content, algorithm: Algorithm) -> tuple[str, int]:
    """(digest, size in bytes) of the plain file."""
    name = algorithm.replace("-", "")
    digest, size = new_digest(name), 0
    with _open(content) as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return f"{name}:{digest.hexdigest()}", size
