"""A process of its own that accepts, claims and records until it is killed; it tells what was acknowledged.

Run as `python -m tests.store.child URL FOLDER WORKER MOST`: a line for each promise that it was given.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from gateway.store import open_store
from tests.store.samples import ended, message, new_log, says, to

CONCURRENT = 24


async def main(url: str, folder: str, worker: str, most: int) -> None:
    store = open_store(url, Path(folder), evidence=new_log(worker))
    await store.open()
    numbers = iter(range(most))

    def tell(*words: str) -> None:
        os.write(1, (" ".join(words) + "\n").encode())

    async def accept() -> None:
        for number in numbers:
            key = f"{worker}-{number}"
            line = f"line-{number % 7}"
            arrival = message(key * 200, idem_key=key, biz_key=key, jti=key, judge=says(to("CZ", line)))
            outcome = await store.accept(arrival)
            assert outcome.kind == "accepted", outcome
            tell("accepted", key, arrival.message_id)

    async def deliver() -> None:
        while True:
            claimed = await store.claim(worker, 8, 60.0)
            for one in claimed:
                if await store.record(ended(one)):
                    tell("done", str(one.delivery_id), one.message_id)
            await asyncio.sleep(0 if claimed else 0.005)

    tell("ready")
    delivering = asyncio.create_task(deliver())
    await asyncio.gather(*(accept() for _ in range(CONCURRENT)))
    delivering.cancel()
    await store.close()
    tell("finished")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
