"""The floor as a process: a bare server that calls the primitives back to back, and nothing else.

It stands where the gateway stands in the end-to-end run: the same driver sends it the same messages, it
posts to the same receiver, and the kernel charges it in the same way. So both carry what the machine does to
a process beside a busy driver (shared caches and execution units); primitives that are timed alone do not.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from gateway.bench.hop import Primitive, primitives

REPLY_BYTES = 2400


class Bare:
    """One HTTP receive, the primitives, one HTTP send, the answer."""

    def __init__(self, listed: Sequence[Primitive], session: aiohttp.ClientSession, url: str):
        self._each = [one for one in listed if one.share == 1]
        self._shared = [one for one in listed if one.share > 1]
        self._session = session
        self._url = url
        self._served = 0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._served += 1
        for one in self._each:
            one.call()
        for one in self._shared:
            if self._served % one.share == 0:
                one.call()
        key = request.headers["Idempotency-Key"]
        url = f"{self._url}{request.match_info['type']}"
        async with self._session.post(url, data=body, headers={"Idempotency-Key": key}) as response:
            await response.read()
        return web.Response(status=202, body=b"x" * REPLY_BYTES)


async def main(root: Path, folder: Path, receiver: str) -> None:
    """Prints `listening URL` when ready; ends when it is told to. `folder` takes its database."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bare = Bare(primitives(root, folder), session, receiver)
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_post("/v1/messages/{type}", bare.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        gc.collect()
        gc.freeze()
        sys.stdout.write(f"listening http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
