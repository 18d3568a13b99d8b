"""One upload under way: it is kept as it came (sealed), and opened chunk by chunk before it is kept.

A connection that breaks loses nothing: the sealed stream waits under (platform, digest) and goes on where it
ended. Only a whole stream whose digest holds becomes a file; only then does the platform own it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator

import structlog

from gateway import clock
from gateway.endpoints.world import EndpointWorld
from gateway.errors import MessageError
from gateway.message import GATEWAY_NODE
from gateway.security.chunks import ChunkOpener, FileHeader, open_header
from gateway.security.suite import check_claims, suites
from gateway.security.threads import in_threads
from gateway.settings import Platform
from gateway.store.attachments import Attachment
from gateway.store.contract import StoreUnavailable
from gateway.store.uploads import Crowded, TooManyParts, Upload, read_parts

log = structlog.get_logger("endpoints")
# A large file over a slow line is sealed long before its last byte arrives; the call itself is signed afresh.
_HEADER_AGE_S = 86_400
# So much is opened at once: whole chunks for several threads, and few turns between them and the loop.
_PIECE_BYTES = 1024 * 1024


class Receiving:
    """Takes one platform's upload of one file. `digest` as the store names it; `leave` it in the end."""

    def __init__(self, world: EndpointWorld, platform: Platform, digest: str):
        self.world = world
        self.platform = platform
        self.digest = digest
        self.place = place_of(platform, digest)
        self._upload: Upload | None = None
        self._opener = ChunkOpener(self._open, in_threads)
        self._came = 0

    @property
    def received(self) -> int:
        """Bytes of the sealed stream that are here."""
        return self._came

    async def begin(self) -> None:
        """Forgets what came before: the stream begins anew."""
        self._upload = await self.world.uploads.begin(self.place)

    async def resume(self, at: int) -> bool:
        """Opens what is here already, so that the byte `at` can follow; False if that is not its end."""
        upload = self._upload = await self.world.uploads.resume(self.place)
        if upload is None or upload.stored_bytes != at:
            return False
        try:
            async for part in read_parts(self.world.blobs, upload.folder, upload.sizes):
                for first in range(0, len(part), _PIECE_BYTES):
                    await asyncio.to_thread(self._opener.verify, part[first : first + _PIECE_BYTES])
        except FileNotFoundError:
            return False
        self._came = at
        return True

    async def offset(self) -> int:
        return await self.world.uploads.offset(self.place)

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Opens and keeps what arrives: while one piece is opened, the next one comes in.

        MessageError 30010 for a damaged stream: then all of it is forgotten. Where the body breaks off,
        what came of it is taken, and the error goes on."""
        opening: asyncio.Task[bytes] | None = None
        try:
            async for piece in _gathered(pieces):
                if opening is not None:
                    opened, opening = opening, None
                    await self._keep(await opened)
                opening = asyncio.create_task(self._opened(piece))
        finally:
            if opening is not None:
                await self._keep(await opening)

    async def finish(self) -> Attachment | None:
        """The file once all of it is here, verified and durable; None while some is missing: then what came
        is durable, and the upload may go on."""
        if self._is_cut():
            with _told():
                await self._kept().flush()
            return None
        try:
            header = self._opener.finish()
        except MessageError:
            await self._kept().discard()
            raise
        with _told():
            folder, sizes = await self._kept().complete(self.digest)
        return Attachment(header, folder, sizes, self._opener.start_bytes)

    async def leave(self) -> None:
        """The end of this call, however it went: what came and is not yet on disk is put there."""
        if self._upload is None:
            return
        try:
            await self._upload.flush()
        except (Crowded, TooManyParts, StoreUnavailable) as error:
            log.info("the end of a broken upload was not kept", place=self.place, cause=repr(error)[:200])
        finally:
            self._upload.close()

    def _is_cut(self) -> bool:
        reader = self._opener.reader
        return reader is None or self._came < self._opener.start_bytes + reader.header.wire_bytes

    async def _opened(self, piece: bytes) -> bytes:
        try:
            await asyncio.to_thread(self._opener.verify, piece)
        except MessageError:
            await self._kept().discard()
            raise
        return piece

    async def _keep(self, piece: bytes) -> None:
        with _told():
            await self._kept().append(piece)
        self._came += len(piece)

    def _kept(self) -> Upload:
        if self._upload is None:
            raise RuntimeError("nothing was begun")
        return self._upload

    def _open(self, sealed: bytes) -> FileHeader:
        """The sealed header: by this platform, for us, of this file, and not too large."""
        now = clock.now()
        identity = self.world.identities[self.platform.key_kind]
        suite = suites.get(self.platform.suite)
        header, unsealed = open_header(sealed, suite, identity, self.world.trust, now)
        check_claims(
            unsealed.claims,
            receiver=GATEWAY_NODE,
            at=now,
            max_age_s=_HEADER_AGE_S,
            sender=self.platform.id,
        )
        if stored_name(header.digest) != self.digest:
            raise MessageError.of(
                "attachment.digest",
                "首部摘要与地址不符",
                "the digest that was signed is not the one in the address",
                result="30010",
                path="digest",
            )
        most = self.world.settings.gateway.max_attachment_bytes
        if header.size > most:
            raise MessageError.of(
                "attachment.too-large", f"附件超过 {most} 字节", f"the file is larger than {most} bytes",
                result="10002",
            )  # fmt: skip
        return header


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, joined to about a MiB; also those that came before an error."""
    held: list[bytes] = []
    size = 0
    try:
        async for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= _PIECE_BYTES:
                yield b"".join(held)
                held.clear()
                size = 0
    except Exception:
        if held:
            yield b"".join(held)
        raise
    if held:
        yield b"".join(held)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Crowded as error:
        raise _being_uploaded() from error
    except TooManyParts as error:
        raise MessageError.of(
            "attachment.pieces", "上传中断次数过多，请从头上传", "too many pieces; begin the upload anew",
            result="30010", status=409,
        ) from error  # fmt: skip


def _being_uploaded() -> MessageError:
    """Somebody else sends this very upload now."""
    return MessageError.of(
        "attachment.busy", "该附件正在上传", "this file is being uploaded", result="90001", retry_after_s=1
    )


def place_of(platform: Platform, digest: str) -> str:
    """Where one platform's upload of one file waits: two platforms may send the same file at once."""
    return hashlib.sha256(f"{platform.id}|{digest}".encode()).hexdigest()


def stored_name(digest: str) -> str:
    """The digest as the store names it; sha256 and sha-256 are the same."""
    return digest.replace("sha256:", "sha-256:", 1)
