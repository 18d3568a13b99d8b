"""Parts of a process that run until they are stopped."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("parts")


class Part(Protocol):
    """What runs until it is stopped."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...


async def keep_running(name: str, part: Part) -> None:
    """A part that crashed is started again, loudly: one fault of ours must not stop all deliveries."""
    while True:
        try:
            await part.run()
            return
        except StoreUnavailable as error:
            log.warning("the store is away; the part is started again", part=name, cause=str(error))
            await asyncio.sleep(1.0)
        except Exception:  # whatever it was is in the log, and the part must go on
            log.exception("part crashed; it is started again", part=name)
            await asyncio.sleep(1.0)
