"""One upload under way: what came is kept as it came (sealed), opened chunk by chunk while it comes.

A connection that breaks loses nothing: the sealed stream waits under (platform, digest) and goes on where it
ended. Only a whole stream whose digest holds becomes a file; only then does the platform own it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from gateway import clock
from gateway.endpoints.world import EndpointWorld
from gateway.errors import MessageError
from gateway.message import GATEWAY_NODE
from gateway.security.chunks import ChunkOpener, FileHeader, open_header
from gateway.security.suite import check_claims, suites
from gateway.settings import Platform
from gateway.store.blobs import Blobs

# A large file over a slow line is sealed long before its last byte arrives; the call itself is signed afresh.
_HEADER_AGE_S = 86_400
_PIECE_BYTES = 256 * 1024


class Upload:
    """`digest` as blobs name it. Use it under a lock of (platform, digest)."""

    def __init__(self, world: EndpointWorld, platform: Platform, digest: str, incoming: Blobs):
        self.world = world
        self.platform = platform
        self.digest = digest
        self.incoming = incoming
        self.name = place_of(platform, digest)
        self.received = 0
        self._plain_bytes = 0
        self._opener = ChunkOpener(self._open)

    async def offset(self) -> int:
        """Bytes of the sealed stream that are here."""
        return await self.incoming.partial_size(self.name)

    async def restart(self) -> None:
        """Forgets what came before: the stream begins anew."""
        await self.incoming.discard(self.name)
        await self.world.blobs.discard(self.digest)

    async def resume(self) -> None:
        """Opens what is here already, so that the next byte can follow."""
        await self.world.blobs.discard(self.digest)
        async for piece in self.incoming.read_partial(self.name, 0, _PIECE_BYTES):
            await self._open_piece(piece)
            self.received += len(piece)

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Keeps and opens what arrives. MessageError 30010 (and all is forgotten) for a damaged stream."""
        async for piece in pieces:
            try:
                await self._open_piece(piece)
            except MessageError:
                await self.restart()
                raise
            self.received = await self.incoming.append(self.name, self.received, piece)

    async def finish(self) -> FileHeader | None:
        """The header once the whole file is here, verified and durable; None while some is missing."""
        header = self._opener.header
        if header is None or self._plain_bytes < header.size:
            return None
        try:
            header = self._opener.finish()
        except MessageError as error:
            if error.faults[0].code == "attachment.cut":
                return None
            await self.restart()
            raise
        if header.size == 0:
            await self.world.blobs.append(self.digest, 0, b"")
        await self.world.blobs.finish(self.digest)
        await self.incoming.discard(self.name)
        return header

    async def _open_piece(self, piece: bytes) -> None:
        plain = await asyncio.to_thread(self._opener.feed, piece)
        if plain:
            self._plain_bytes = await self.world.blobs.append(self.digest, self._plain_bytes, plain)

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


def place_of(platform: Platform, digest: str) -> str:
    """Where one platform's upload of one file waits: two platforms may send the same file at once."""
    return "sha-256:" + hashlib.sha256(f"{platform.id}|{digest}".encode()).hexdigest()


def stored_name(digest: str) -> str:
    """The digest as the store names it; sha256 and sha-256 are the same."""
    return digest.replace("sha256:", "sha-256:", 1)


def header_name(digest: str) -> str:
    """The digest as the chunk header names it."""
    return digest.replace("sha-256:", "sha256:", 1)
