"""Words between the workers of one machine: each has a datagram socket to their parent, who passes them on."""

from __future__ import annotations

import asyncio
import socket

from gateway.store.words import Hear, Words

MOST_BYTES = 8192


class Neighbours(Words):
    """`end`: a datagram socket, connected; it is this worker's from now on."""

    def __init__(self, end: socket.socket, hear: Hear):
        super().__init__(hear)
        self._end = end
        end.setblocking(False)

    def start(self) -> None:
        super().start()
        asyncio.get_running_loop().add_reader(self._end.fileno(), self._read)

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._end.fileno())
        await super().close()
        self._end.close()

    def _read(self) -> None:
        try:
            word = self._end.recv(MOST_BYTES)
        except (BlockingIOError, ConnectionError):
            return
        if word:
            self.heard(word)

    async def _send(self, word: bytes) -> None:
        try:
            self._end.send(word)
        except (BlockingIOError, ConnectionError):
            return  # nobody has read for long, or the parent is gone: it was a hint
