from __future__ import annotations

import asyncio

from gateway.parts import keep_running
from gateway.store.contract import StoreUnavailable


class Away:
    """A part whose store is away for as long as it lives."""

    def __init__(self) -> None:
        self.runs = 0
        self.has_run = asyncio.Event()

    async def run(self) -> None:
        self.runs += 1
        self.has_run.set()
        raise StoreUnavailable("away")

    def stop(self) -> None: ...


async def test_a_part_that_cannot_end_in_order_is_given_up_once_all_stops() -> None:
    part, stopping = Away(), asyncio.Event()
    running = asyncio.create_task(keep_running("away", part, stopping))
    await part.has_run.wait()
    assert not running.done()
    stopping.set()
    await asyncio.wait_for(running, 10)
    assert part.runs == 2
