"""Something that many watch: computed once for all of them, every few seconds, while anybody listens."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

import structlog

from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("console")
EVERY_S = 3.0
MOST, MOST_OF_ONE = 200, 4  # listeners of a process, and of one session
Seen = TypeVar("Seen")


class TooManyListeners(Exception):
    """Of this session, or at all."""


class Pulse(Generic[Seen]):
    """`number` counts the looks; `is_away`: the last one found no store."""

    def __init__(self, look: Callable[[], Awaitable[Seen]], every_s: float = EVERY_S):
        self.every_s = every_s
        self.number = 0
        self.is_away = False
        self.is_stopped = False
        self._look = look
        self._latest: Seen | None = None
        self._looked_s = 0.0
        self._looking = asyncio.Lock()
        self._turn = asyncio.Event()
        self._listeners: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def fresh(self) -> Seen:
        """What was seen at most `every_s` ago: who asks meanwhile waits for the same look."""
        async with self._looking:
            if self._latest is None or time.monotonic() - self._looked_s >= self.every_s:
                self._latest, self._looked_s = await self._look(), time.monotonic()
                self._told(is_away=False)
            return self._latest

    def _told(self, *, is_away: bool) -> None:
        self.is_away = is_away
        self.number += 1
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While it lasts somebody listens. TooManyListeners."""
        if self.listeners >= MOST or self._listeners[session] >= MOST_OF_ONE:
            raise TooManyListeners
        self._listeners[session] += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield
        finally:
            self._listeners[session] -= 1
            self._listeners += Counter()  # drops those at zero
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    @property
    def listeners(self) -> int:
        return self._listeners.total()

    async def wait(self, seen: int, most_s: float) -> None:
        """Until there was a look after number `seen`, the time is over, or it is stopped."""
        if self.number == seen and not self.is_stopped:
            with suppress(TimeoutError):
                async with asyncio.timeout(most_s):
                    await self._turn.wait()

    async def _run(self) -> None:
        while True:
            try:
                await self.fresh()
            except StoreUnavailable as error:
                log.warning("nothing to be seen", cause=str(error))
                self._told(is_away=True)
            await asyncio.sleep(self.every_s)

    def stop(self) -> None:
        """Whoever listens is let go of."""
        self.is_stopped = True
        self._turn.set()
