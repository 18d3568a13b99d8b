"""Small TCP proxies: one cuts replies off after the gateway gave them, one stands between a node and its database."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket

from gateway.torture.namespaces import MakeSocket, make_socket

_KEY = re.compile(rb'idempotency-key: *"([^"]+)"', re.IGNORECASE)
End = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Proxy:
    """Listens on loopback and connects to a port there, or on that of the namespace whose sockets `make` makes.
    `broken_off`: connections that one end left early."""

    def __init__(self, port: int, make: MakeSocket = make_socket):
        self.target = port
        self._make = make
        self.port = 0
        self.broken_off = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        upstream: asyncio.StreamWriter | None = None
        try:
            source, upstream = await asyncio.open_connection(sock=await self._connected())
            await self._carry((reader, writer), (source, upstream))
        except (OSError, asyncio.IncompleteReadError):
            self.broken_off += 1  # an end is gone, as ends go: the other one is told below
        finally:
            for one in (writer, upstream):
                if one is not None:
                    one.transport.abort()

    async def _connected(self) -> socket.socket:
        made = self._make()
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.target))
        except BaseException:
            made.close()
            raise
        return made

    async def _carry(self, client: End, node: End) -> None:
        raise NotImplementedError


class ReplyCutter(Proxy):
    """One exchange a connection (the sender closes). Of some the reply never gets through: it is kept in
    `cut` by the sender's key, for it was given."""

    def __init__(self, port: int, dice: random.Random, share: float = 0.3, make: MakeSocket = make_socket):
        super().__init__(port, make)
        self.cut: dict[str, bytes] = {}
        self.count = 0
        self.troubled = True
        self._dice = dice
        self._share = share

    async def _carry(self, client: End, node: End) -> None:
        (reader, writer), (source, upstream) = client, node
        head, body = await _whole(reader)
        if upstream.is_closing():  # the node was killed meanwhile
            return
        upstream.write(head + body)
        answer, content = await _whole(source)
        if writer.is_closing():
            return
        key = _KEY.search(head)
        if key and self.troubled and b" 202 " in answer[:16] and self._dice.random() < self._share:
            self.count += 1
            self.cut.setdefault(key[1].decode(), content)
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            return
        writer.write(answer + content)
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await reader.read(1)  # until the sender has it all


async def _whole(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head, await reader.readexactly(int(length[1])) if length else b""


class Valve(Proxy):
    """Carries bytes both ways; while it is shut none get through, and none are lost: they come late."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._open = asyncio.Event()
        self._open.set()

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def _carry(self, client: End, node: End) -> None:
        (reader, writer), (source, upstream) = client, node
        ways = [
            asyncio.create_task(self._pump(reader, upstream)),
            asyncio.create_task(self._pump(source, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._open.wait()
            if writer.is_closing():
                return
            writer.write(data)
            await writer.drain()
        await self._open.wait()
