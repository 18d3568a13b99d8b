"""What was refused, and why: every fault, by its place in the sender's own field names."""

from __future__ import annotations

from aiohttp import web

from gateway.console.guard import requires
from gateway.console.world import WORLD, render

_MOST = 200


def add(pages: web.Application) -> None:
    pages.router.add_get("/refusals", show_refusals)


@requires("messages.view")
async def show_refusals(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    sender = request.query.get("sender", "").strip()[:20]
    rows = await world.store.refusals(_MOST, sender)
    context = {
        "tab": "refusals",
        "rows": rows,
        "sender": sender,
        "platforms": sorted(world.settings.platforms),
    }
    return await render(request, "refusals.html", context)
