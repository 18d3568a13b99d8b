"""Attachments, streamed from the gateway: opened chunk by chunk, taken up again where the connection broke.

What is still missing is asked for as the last bytes of the stream (RFC 9110, a suffix range): its beginning, the
sealed header, is another one each time. A gateway that seals the chunks anew sends all of it again; then what was
given already is opened once more and left out.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from gateway.client.exchange import Exchange
from gateway.client.replies import Refused
from gateway.client.wire import Wire, is_passing, refusal_of
from gateway.errors import DeliveryError, MessageError
from gateway.message import GATEWAY_NODE
from gateway.security.chunks import ChunkOpener, FileHeader, open_header
from gateway.security.suite import check_claims
from gateway.security.threads import in_threads

_PIECE_BYTES = 1024 * 1024
_HEADER_AGE_S = 86_400


async def download(wire: Wire, digest: str) -> AsyncIterator[bytes]:
    """The plain bytes; the last piece comes only when the digest held. Refused where the file is not there
    or not ours to read, DeliveryError where the stream was changed or broke off too often: then what came
    so far is worth nothing."""
    coming, tries, held = _Coming(wire, digest), 0, b""
    while True:
        before = coming.plain_bytes
        try:
            async for plain in coming.go_on():
                if held:
                    yield held
                held = plain
            break
        except MessageError as error:
            raise DeliveryError("client.download-damaged", str(error)[:300]) from error
        except (Refused, DeliveryError, TimeoutError, aiohttp.ClientError, OSError) as error:
            broken = error if isinstance(error, (Refused, DeliveryError)) else _broken_off(error)
            tries = 1 if coming.plain_bytes > before else tries + 1
            delay_s = wire.retry.delay_s(tries, broken.retry_after_s)
            if delay_s is None or not is_passing(broken):
                raise broken from error
            await asyncio.sleep(delay_s)
    if held:
        yield held


class _Coming:
    """What came of one file, over any number of connections. `plain_bytes`: so many were given."""

    def __init__(self, wire: Wire, digest: str):
        self.wire = wire
        self.digest = digest
        self.plain_bytes = 0
        self._begin()

    def _begin(self) -> None:
        self._opener = ChunkOpener(self._open_header, in_threads)
        self._fed_bytes = 0
        self._skip_bytes = self.plain_bytes

    async def go_on(self) -> AsyncIterator[bytes]:
        """The plain bytes that follow, over one connection. MessageError, or what aiohttp raises."""
        missing = self._missing_bytes()
        if missing != 0:
            asked = {"Range": f"bytes=-{missing}"} if missing else {}
            nonce = secrets.token_urlsafe(16)
            path = f"/v1/attachments/{self.digest}"
            url, headers = self.wire.sign_call("GET", path, headers=asked, nonce=nonce)
            limits = aiohttp.ClientTimeout(total=None, sock_read=self.wire.timeout_s)
            async with self.wire.session.get(
                URL(url, encoded=True), headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                if response.status == 200:
                    self._begin()
                elif response.status != 206 or not asked:
                    data = await response.read()
                    exchange = Exchange(response.status, response.content_type, response.headers.copy(), data)
                    raise refusal_of(self.wire.told(exchange, nonce), data, False)
                async for plain in self._opened(response.content):
                    skipped = min(self._skip_bytes, len(plain))
                    self._skip_bytes -= skipped
                    self.plain_bytes += len(plain) - skipped
                    if plain[skipped:]:
                        yield plain[skipped:]
        self._opener.finish()

    def _missing_bytes(self) -> int | None:
        """Of the chunks; None where not even the header is here."""
        reader = self._opener.reader
        if reader is None:
            return None
        return reader.header.wire_bytes - (self._fed_bytes - self._opener.start_bytes)

    async def _opened(self, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
        """What the chunks hold; while a piece is opened, the next one comes in. What came before the
        connection broke is opened too."""
        opening: asyncio.Task[bytes] | None = None
        try:
            async for piece in _gathered(content):
                if opening is not None:
                    opened, opening = opening, None
                    yield await opened
                self._fed_bytes += len(piece)
                opening = asyncio.create_task(asyncio.to_thread(self._opener.feed, piece))
        except (TimeoutError, aiohttp.ClientError, OSError):
            if opening is not None:
                opened, opening = opening, None
                yield await opened
            raise
        finally:
            if opening is not None:
                await asyncio.wait([opening])
        if opening is not None:
            yield await opening

    def _open_header(self, sealed: bytes) -> FileHeader:
        wire, now = self.wire, self.wire.now()
        header, unsealed = open_header(sealed, wire.suite, wire.identity, wire.trust, now)
        check_claims(
            unsealed.claims,
            receiver=wire.node,
            at=now,
            max_age_s=_HEADER_AGE_S,
            sender=GATEWAY_NODE,
            idem_key=self.digest.replace("sha-256", "sha256", 1),
        )
        return header


async def _gathered(content: aiohttp.StreamReader) -> AsyncIterator[bytearray]:
    """Pieces of about a MiB; also what came before the connection broke."""
    held = bytearray()
    try:
        async for piece in content.iter_any():
            held += piece
            if len(held) >= _PIECE_BYTES:
                yield held
                held = bytearray()
    except (TimeoutError, aiohttp.ClientError, OSError):
        if held:
            yield held
        raise
    if held:
        yield held


def _broken_off(error: Exception) -> DeliveryError:
    return DeliveryError("client.broken-off", f"{type(error).__name__}: {error}"[:300])
