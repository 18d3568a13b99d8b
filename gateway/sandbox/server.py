"""What all sandbox platforms are: a server on a port of its own, a client, a ledger and a book."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.sandbox.book import Book
from gateway.sandbox.ledger import Ledger
from gateway.sandbox.place import SandboxPlatform, make_client
from gateway.sandbox.trouble import Trouble

MAX_BODY_BYTES = 16 * 1024 * 1024


class Platform:
    """One reference platform. `start` opens its server and goes on with what was left undone."""

    def __init__(self, place: SandboxPlatform):
        self.place = place
        self.node = place.node
        self.folder: Path = place.data_dir / place.node
        self.ledger = Ledger(place.node, self.folder / "ledger.jsonl")
        self.book = Book(self.folder / "book.jsonl")
        self.trouble = Trouble()
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.client = make_client(place, self.session)
        self.suite = place.agreement.suite
        self.port = place.port
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures: list[str] = []  # what a reaction could not do, for whoever runs the platforms

    def add_routes(self, app: web.Application) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        """Takes up what a stop or crash interrupted; nothing, unless a platform says otherwise."""

    async def start(self) -> None:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self.trouble.middleware])
        self.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.place.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.resume()

    async def close_server(self) -> None:
        """The server alone: a platform that is down, and can be started again."""
        self.trouble.end()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def stop(self) -> None:
        await self.close_server()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.session.close()
        self.ledger.close()
        self.book.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs in the background; what goes wrong is kept in `failures`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)

    def _end_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.failures.append(f"{self.node}: {task.exception()}")
