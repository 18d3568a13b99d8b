"""Something that is done again and again until it is told to stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Repeating:
    """`look` is what is done, every `every_s` seconds."""

    def __init__(self, every_s: float):
        self.every_s = every_s
        self._stopped = asyncio.Event()

    async def look(self) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopped.is_set():
            await self.look()
            with suppress(TimeoutError):  # nobody stopped it: it is time again
                async with asyncio.timeout(self.every_s):
                    await self._stopped.wait()

    def stop(self) -> None:
        self._stopped.set()
