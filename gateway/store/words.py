"""What processes tell each other beside the store: there is work, these messages came to rest. Hints only.

They are sent after the commit, at most every GAP_S; what is not heard is found by looking. How they travel is
the subclasses' business: between the workers of one machine over a socket pair, between nodes by NOTIFY.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import orjson

GAP_S = 0.02
_MOST_IDS = 200  # a word stays below 8000 bytes
Hear = Callable[[Sequence[str], bool], None]


class Words:
    """`hear` (settled message ids, is there work) is called for the words of other processes."""

    def __init__(self, hear: Hear):
        self._hear = hear
        self._to_say = asyncio.Event()
        self._settled: list[str] = []
        self._work = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._speak()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, settled: Sequence[str], has_work: bool) -> None:
        self._settled += settled
        self._work |= has_work
        self._to_say.set()

    def heard(self, word: str | bytes) -> None:
        said = orjson.loads(word)
        self._hear(said["settled"], said["work"])

    async def _speak(self) -> None:
        while True:
            await self._to_say.wait()
            self._to_say.clear()
            settled, self._settled = self._settled[-_MOST_IDS:], []
            has_work, self._work = self._work, False
            await self._send(orjson.dumps({"settled": settled, "work": has_work}))
            await asyncio.sleep(GAP_S)

    async def _send(self, word: bytes) -> None:
        raise NotImplementedError
