"""Deliveries that wait for a person: dead letters and unknown outcomes."""

from __future__ import annotations

from aiohttp import web

from gateway.console.world import WORLD, render


def add(pages: web.Application) -> None:
    pages.router.add_get("/stuck", show_stuck)


async def show_stuck(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    return render(request, "stuck.html", {"tab": "stuck", "rows": world.store.dead_letters(200)})
