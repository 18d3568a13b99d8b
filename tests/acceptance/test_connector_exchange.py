"""One HTTP exchange against servers that misbehave on purpose, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import orjson
import pytest

from gateway.connectors.exchange import Exchange, open_session, post
from gateway.connectors.heads import Heads
from gateway.errors import DeliveryError

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@contextlib.asynccontextmanager
async def server(script: Script) -> AsyncIterator[str]:
    """A server whose every connection reads the request's head and body, then follows the script."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        with contextlib.suppress(ConnectionError):
            await script(reader, writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/x"
    finally:
        listening.close()


def says(text: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return script


async def fails(session: aiohttp.ClientSession, url: str, timeout_s: float = 5) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await post(session, url, b"body", {}, timeout_s)
    return caught.value


async def test_an_answer_is_read_whole_with_its_status_and_retry_after(
    session: aiohttp.ClientSession,
) -> None:
    text = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Type: Text/XML; charset=gbk\r\nContent-Length: 3\r\n\r\nabc"
    async with server(says(text)) as url:
        assert await post(session, url, b"body", {}, 5) == Exchange(429, "text/xml", b"abc", 7.0)


async def test_headers_are_noted_as_they_travel(session: aiohttp.ClientSession) -> None:
    text = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Trace: 7\r\nContent-Length: 99\r\n\r\nabc"
    heads = Heads()
    async with server(says(text)) as url:
        with pytest.raises(DeliveryError):
            await post(session, url, b"body", {"Idempotency-Key": "k"}, 5, heads=heads)
    kept = orjson.loads(heads.text())
    assert kept["sent"]["idempotency-key"] == "k" and kept["sent"]["content-length"] == "4"
    assert kept["answered"] == {"set-cookie": "***", "x-trace": "7", "content-length": "99"}
    unsent = Heads()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError):
            await post(
                session, f"http://127.0.0.1:{free.getsockname()[1]}/x", b"", {"A": "b"}, 5, heads=unsent
            )
    assert unsent.text() == ""


async def test_nobody_listening_means_that_nothing_happened(session: aiohttp.ClientSession) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await fails(session, f"http://127.0.0.1:{free.getsockname()[1]}/x")
    assert (error.code, error.unknown, error.permanent) == ("delivery.unreachable", False, False)


async def test_an_unknown_host_means_that_nothing_happened(session: aiohttp.ClientSession) -> None:
    error = await fails(session, "http://no-such-host.invalid/x")
    assert (error.code, error.unknown) == ("delivery.unreachable", False)


async def test_no_answer_in_time_leaves_the_outcome_unknown(session: aiohttp.ClientSession) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the caller gives up

    async with server(silent) as url:
        error = await fails(session, url, 0.2)
    assert (error.code, error.unknown) == ("delivery.timeout", True)


async def test_an_answer_that_never_ends_is_cut_by_the_time_limit(session: aiohttp.ClientSession) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        await writer.drain()
        await reader.read()

    async with server(dripping) as url:
        error = await fails(session, url, 0.2)
    assert (error.code, error.unknown) == ("delivery.timeout", True)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
    ids=["closed", "cut", "cut-chunk", "not-http"],
)
async def test_a_connection_that_breaks_leaves_the_outcome_unknown(
    session: aiohttp.ClientSession, text: bytes
) -> None:
    async with server(says(text)) as url:
        error = await fails(session, url)
    assert (error.code, error.unknown) == ("delivery.broken-off", True)


async def test_a_reset_leaves_the_outcome_unknown(session: aiohttp.ClientSession) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    async with server(reset) as url:
        error = await fails(session, url)
    assert (error.code, error.unknown) == ("delivery.broken-off", True)


async def test_an_endless_answer_is_bounded_while_it_arrives(session: aiohttp.ClientSession) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with server(endless) as url:
        error = await fails(session, url)
    assert (error.code, error.unknown) == ("delivery.answer-too-large", True)


async def test_redirects_are_not_followed(session: aiohttp.ClientSession) -> None:
    text = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with server(says(text)) as url:
        assert (await post(session, url, b"body", {}, 5)).status == 302


def answer(text: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)


class Chatterer:
    """A server that answers each request by the request's own body; the first one's connection says `more` on top,
    at once where that is given, else by `add`."""

    def __init__(self, more: bytes = b""):
        self.more = more
        self.connections: list[asyncio.StreamWriter] = []

    def add(self, more: bytes) -> None:
        self.connections[0].write(more)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                writer.write(answer(await reader.readexactly(length)) + self.more)
                self.more = b""
        writer.close()


@pytest.mark.parametrize("late", [False, True], ids=["at-once", "late"])
async def test_an_answer_too_many_is_not_taken_for_the_next_one(
    session: aiohttp.ClientSession, late: bool
) -> None:
    server = Chatterer(b"" if late else answer(b"stray"))
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
        assert (await post(session, url, b"first", {}, 5)).data == b"first"
        if late:
            server.add(answer(b"stray"))
            for _ in range(10):  # the loop reads what came on the idle connection
                await asyncio.sleep(0)
        said = [(await post(session, url, text, {}, 5)).data for text in (b"second", b"third")]
        assert said == [b"second", b"third"] and len(server.connections) == 2, "and the third reuses one"
        for one in server.connections:
            one.close()
