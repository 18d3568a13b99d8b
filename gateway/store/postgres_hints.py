"""Words between the nodes by LISTEN/NOTIFY: there is work, these messages came to rest. Hints only.

They are sent after the commit and outside of it (NOTIFY inside would make all commits wait for one
another), at most every GAP_S; what is not heard is found by looking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog

from gateway.store.postgres_connection import Unreachable, answered
from gateway.store.postgres_link import connect

log = structlog.get_logger("store")
CHANNEL = "gateway"
GAP_S = 0.02
_MOST_IDS = 200  # a payload is below 8000 bytes
_AGAIN_S = 2.0


class Hints:
    """`hear` (settled message ids, is there work) is called for the words of other processes."""

    def __init__(self, url: str, hear: Callable[[Sequence[str], bool], None]):
        self._url = url
        self._hear = hear
        self._raw: Any = None
        self._broken = asyncio.Event()
        self._to_say = asyncio.Event()
        self._settled: list[str] = []
        self._work = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._raw is not None:
            self._raw.terminate()

    def say(self, settled: Sequence[str], has_work: bool) -> None:
        self._settled += settled
        self._work |= has_work
        self._to_say.set()

    async def _listen(self) -> None:
        is_first = True
        while True:
            try:
                self._raw = await connect(self._url)
                self._broken.clear()
                self._raw.add_termination_listener(lambda _: self._broken.set())
                await answered(self._raw.add_listener(CHANNEL, self._heard))
                if not is_first:
                    self._hear((), True)  # what was said while nobody listened
                is_first = False
                await self._broken.wait()
            except Unreachable as error:
                log.warning("no hints: the database is away", cause=str(error))
            await asyncio.sleep(_AGAIN_S)

    async def _speak(self) -> None:
        while True:
            await self._to_say.wait()
            self._to_say.clear()
            settled, self._settled = self._settled[-_MOST_IDS:], []
            has_work, self._work = self._work, False
            payload = orjson.dumps({"settled": settled, "work": has_work}).decode()
            if self._raw is not None and not self._raw.is_closed():
                try:
                    await answered(self._raw.execute("SELECT pg_notify($1, $2)", CHANNEL, payload))
                except Unreachable as error:
                    log.warning("hint not given", cause=str(error))
            await asyncio.sleep(GAP_S)

    def _heard(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        if self._raw is None or pid == self._raw.get_server_pid():
            return
        said = orjson.loads(payload)
        self._hear(said["settled"], said["work"])
