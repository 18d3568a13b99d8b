"""Parts of a process that run until they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import structlog

from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("parts")
_AGAIN_S = 1.0


class Part(Protocol):
    """What runs until it is stopped; `run` after `stop` only ends in order what a run before has left."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...


async def keep_running(name: str, part: Part, stopping: asyncio.Event) -> None:
    """A part that crashed is started again, loudly: one fault of ours must not stop all deliveries. Once `stopping`
    is set it runs for the last time: a store that is away must not hold up the end."""
    is_last = False
    while not is_last:
        is_last = stopping.is_set()
        try:
            await part.run()
            return
        except StoreUnavailable as error:
            log.warning("the store is away; the part is started again", part=name, cause=str(error))
        except Exception:  # whatever it was is in the log, and the part must go on
            log.exception("part crashed; it is started again", part=name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                await stopping.wait()
