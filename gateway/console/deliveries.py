"""Deliveries that wait for a person: dead letters and unknown outcomes."""

from __future__ import annotations

from aiohttp import web

from gateway.console.guard import requires
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.store.contract import DeliveryRow


def add(pages: web.Application) -> None:
    pages.router.add_get("/stuck", show_stuck)


@requires("deliveries.view")
async def show_stuck(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    rows = [await _shown(world, one) for one in await world.store.dead_letters(200)]
    return await render(request, "stuck.html", {"tab": "stuck", "rows": rows})


async def _shown(world: ConsoleWorld, one: DeliveryRow) -> DeliveryRow:
    message = await world.store.get_message(one.message_id)
    if message is None:
        raise LookupError(f"no message {one.message_id}")
    return world.masked_delivery(one, world.masker(message))
