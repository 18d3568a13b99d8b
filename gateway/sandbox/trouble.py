"""Faults to order: a platform's server can be told to fail its next requests in every way a server fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

ANSWER_500 = "500"  # refuses before it looks at the request
BUSY = "503"  # the same, with Retry-After
HANG = "hang"  # takes the request and never answers
LATE = "late"  # acts, and answers after `delay_s`
TWICE = "twice"  # acts twice on the one request, as if somebody in between had sent it again
GARBAGE = "garbage"  # acts, and answers what nobody can read
RESET = "reset"  # acts, and drops the connection instead of answering
RESET_FIRST = "reset-first"  # drops the connection before it looks at the request
KINDS = frozenset({ANSWER_500, BUSY, HANG, LATE, TWICE, GARBAGE, RESET, RESET_FIRST})
WEATHER = (ANSWER_500, RESET, GARBAGE, BUSY, TWICE, LATE, RESET_FIRST)
_Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Trouble:
    """The faults of one server. `order("500", 3)` spoils the next three requests, others are served;
    `order_every(4)` spoils every fourth one, each time in another way, until `end`."""

    delay_s: float = 1.0
    retry_after_s: int = 1
    met: int = 0  # requests spoilt so far
    _orders: list[str] = field(default_factory=list)
    _every: int = 0
    _seen: int = 0
    _kinds: tuple[str, ...] = ()
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def order(self, kind: str, times: int = 1) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown trouble {kind!r}; there are: {', '.join(sorted(KINDS))}")
        self._orders += [kind] * times

    def order_every(self, requests: int, kinds: tuple[str, ...] = WEATHER) -> None:
        """Bad weather: one of so many requests is spoilt, by the kinds in turn."""
        self._every, self._seen, self._kinds = requests, 0, kinds

    def end(self) -> None:
        """No more faults; hanging requests are let go (their connections are dropped)."""
        self._orders.clear()
        self._every = 0
        self._released.set()
        self._released = asyncio.Event()

    @web.middleware
    async def middleware(self, request: web.Request, handler: _Next) -> web.StreamResponse:
        """Hang this into the server's application."""
        kind = self._next() if request.method != "GET" else ""
        if not kind:
            return await handler(request)
        self.met += 1
        return await self._spoil(kind, request, handler)

    def _next(self) -> str:
        if self._orders:
            return self._orders.pop(0)
        self._seen += 1
        if not self._every or self._seen % self._every:
            return ""
        return self._kinds[self._seen // self._every % len(self._kinds)]

    async def _spoil(self, kind: str, request: web.Request, handler: _Next) -> web.StreamResponse:
        if kind == ANSWER_500:
            return web.Response(status=500, text="Internal Server Error")
        if kind == BUSY:
            return web.Response(status=503, headers={"Retry-After": str(self.retry_after_s)})
        if kind == RESET_FIRST:
            return _drop(request)
        if kind == HANG:
            await request.read()
            await self._released.wait()
            return _drop(request)
        response = await handler(request)
        if kind == LATE:
            await asyncio.sleep(self.delay_s)
        elif kind == TWICE:
            await handler(request)
        elif kind == GARBAGE:
            return web.Response(
                status=200, body=b"\x00\xff<not what you asked for", content_type="text/plain"
            )
        elif kind == RESET:
            return _drop(request)
        return response


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
