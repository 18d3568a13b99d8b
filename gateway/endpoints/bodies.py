"""Request bodies, bounded while they arrive: a sender cannot make the gateway hold more than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from gateway.errors import MessageError


async def read_body(request: web.Request, max_bytes: int, within_s: float) -> bytes:
    """The whole body. MessageError 10002 (413) as soon as it is too large, 10001 where it is encoded
    (415) or not here in time (408)."""
    check_encoding(request)
    if (request.content_length or 0) > max_bytes:
        raise too_large(max_bytes)
    if request.content.is_eof():  # all of it came with the head: there is nothing to wait for
        data = request.content.read_nowait()
        if len(data) > max_bytes:
            raise too_large(max_bytes)
        return data
    try:
        async with asyncio.timeout(within_s):
            return await _read(request, max_bytes)
    except TimeoutError as error:
        raise too_slow(within_s) from error


async def read_pieces(request: web.Request, piece_bytes: int, within_s: float) -> AsyncIterator[bytes]:
    """A long body piece by piece; MessageError 10001 (408) where the next one is not here in time."""
    while True:
        try:
            async with asyncio.timeout(within_s):
                piece = await request.content.read(piece_bytes)
        except TimeoutError as error:
            raise too_slow(within_s) from error
        if not piece:
            return
        yield piece


async def _read(request: web.Request, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > max_bytes:
            raise too_large(max_bytes)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def check_encoding(request: web.Request) -> None:
    """Compressed bodies are refused (415): sealed bytes do not compress, and bombs do."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MessageError.of(
            "http.content-encoding",
            "不接受压缩的请求体",
            "a compressed body is not accepted",
            result="10001",
            status=415,
        )


def too_slow(within_s: float) -> MessageError:
    return MessageError.of(
        "http.too-slow",
        f"{within_s:g} 秒内未收到请求体",
        f"the body did not arrive within {within_s:g} s",
        result="10001",
        status=408,
    )


def too_large(max_bytes: int) -> MessageError:
    return MessageError.of(
        "http.too-large",
        f"请求体超过 {max_bytes} 字节",
        f"the body is larger than {max_bytes} bytes",
        result="10002",
    )
