"""A bare server in a process of its own, for the floor's sending side."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from gateway.bench.floor import echo_server


async def main(size: int) -> None:
    _, port = await echo_server(b"x" * size)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
