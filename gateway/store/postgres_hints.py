"""Words between the nodes by LISTEN and NOTIFY, on a connection of their own.

NOTIFY inside a transaction would make all commits wait for one another, so it is sent outside.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from gateway.store.postgres_connection import Unreachable, answered
from gateway.store.postgres_link import close, connect
from gateway.store.words import Hear, Words

log = structlog.get_logger("store")
CHANNEL = "gateway"
_AGAIN_S = 2.0


class Hints(Words):
    def __init__(self, url: str, hear: Hear):
        super().__init__(hear)
        self._url = url
        self._raw: Any = None
        self._broken = asyncio.Event()

    async def connect(self) -> None:
        """Listens from now on. Unreachable where the database is away."""
        self._raw = await connect(self._url)
        self._broken.clear()
        self._raw.add_termination_listener(lambda _: self._broken.set())
        await answered(self._raw.add_listener(CHANNEL, self._notified))

    def start(self) -> None:
        super().start()
        self._tasks.append(asyncio.create_task(self._listen()))

    async def close(self) -> None:
        await super().close()
        await close(self._raw)

    async def _listen(self) -> None:
        while True:
            await self._broken.wait()
            await asyncio.sleep(_AGAIN_S)
            try:
                await self.connect()
                self._hear((), True)  # what was said while nobody listened
            except Unreachable as error:
                log.warning("no hints: the database is away", cause=str(error))

    async def _send(self, word: bytes) -> None:
        if self._raw is None or self._raw.is_closed():
            return
        try:
            await answered(self._raw.execute("SELECT pg_notify($1, $2)", CHANNEL, word.decode()))
        except Unreachable as error:
            log.warning("hint not given", cause=str(error))

    def _notified(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        if self._raw is not None and pid != self._raw.get_server_pid():
            self.heard(payload)
