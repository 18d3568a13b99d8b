"""Acts on many deliveries, done behind the page: at most one task a request in this process, ended with it."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from gateway.arrivals import ArrivalMaker
from gateway.deadletters import Resolver
from gateway.routing import Routes
from gateway.settings import Settings
from gateway.store.contract import RequestRow, Store
from gateway.translate import Translator

log = structlog.get_logger("console")


class Acting:
    """Carries requests out. A process that dies leaves a request running; somebody lets it go on."""

    def __init__(self, settings: Settings, store: Store, translator: Translator):
        routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
        self.resolver = Resolver(store, lambda: ArrivalMaker(settings, store, translator, routes))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def start(self, request: RequestRow) -> bool:
        """False where this process does it already."""
        if self.is_acting(request.id):
            return False
        task = asyncio.create_task(self._carry_out(request))
        self._tasks[request.id] = task
        task.add_done_callback(lambda done: self._tasks.pop(request.id, None))
        return True

    def is_acting(self, request: str) -> bool:
        return request in self._tasks

    async def _carry_out(self, request: RequestRow) -> None:
        try:
            async for _ in self.resolver.carry_out(request):
                if self._stopped:
                    return
        except Exception:
            log.exception("a request stands still", request=request.id)

    async def stop(self, app: web.Application) -> None:
        """After the delivery that each is at."""
        self._stopped = True
        await asyncio.gather(*self._tasks.values())


ACTING: web.AppKey[Acting] = web.AppKey("console-acting", Acting)
