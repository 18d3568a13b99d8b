"""Tables as CSV for spreadsheets: UTF-8 with a mark so that they read the Chinese, no cell a formula; whole, or broken off."""

from __future__ import annotations

import csv
import io
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from aiohttp import web

MARK = "\ufeff".encode()
_NO_LINGER = struct.pack("ii", 1, 0)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


async def stream(
    request: web.Request,
    headers: Mapping[str, str],
    headings: Sequence[str],
    pieces: AsyncIterator[Sequence[Sequence[str]]],
) -> web.StreamResponse:
    """The headings and the rows of each piece; broken off where a piece fails, so that it does not look whole."""
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    is_whole = False
    try:
        await response.write(MARK + lines([headings]))
        async for piece in pieces:
            await response.write(lines(piece))
        await response.write_eof()
        is_whole = True
    finally:
        if not is_whole:
            _break_off(request)
    return response


def _break_off(request: web.Request) -> None:
    """By a reset: where a proxy speaks HTTP/1.0 with us, a file that just ends looks whole."""
    transport = request.transport
    if transport is None:
        return
    link = transport.get_extra_info("socket")
    if link is not None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def _plain(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell
