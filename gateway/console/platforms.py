"""Platforms and routes: how each stands, its switch, limits, keys, coverage; config on disk against config running."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway import clock
from gateway.console.certificates import all_keys
from gateway.console.guard import asker, audit, requires
from gateway.console.world import WORLD, render
from gateway.errors import Finding
from gateway.message import GATEWAY_NODE
from gateway.standing import compare_with_disk, standings
from gateway.store.contract import ALL_RECEIVERS

EVERYBODY = "all"
_REASON_CHARS = 256


def add(pages: web.Application) -> None:
    pages.router.add_get("/platforms", show_platforms)
    pages.router.add_post("/platforms/reload", reload_mappings)
    pages.router.add_post("/platforms/{name}/pause", pause)
    pages.router.add_post("/platforms/{name}/resume", resume)


@requires("platforms.view")
async def show_platforms(request: web.Request) -> web.Response:
    return await _page(request)


@requires("platforms.pause")
async def pause(request: web.Request) -> web.Response:
    return await _switch(request, is_pause=True)


@requires("platforms.pause")
async def resume(request: web.Request) -> web.Response:
    return await _switch(request, is_pause=False)


async def _switch(request: web.Request, *, is_pause: bool) -> web.Response:
    """Holds for all processes and nodes; what is under way is finished. The store audits it."""
    world, who, name = request.app[WORLD], asker(request), request.match_info["name"]
    receiver = ALL_RECEIVERS if name == EVERYBODY else name
    if receiver != ALL_RECEIVERS and receiver not in world.settings.platforms:
        raise web.HTTPNotFound
    reason = str((await request.post()).get("reason", "")).strip()[:_REASON_CHARS]
    if not reason:
        return await _page(request, fault="platforms.no-reason", status=400)
    act = world.store.pause_receiver if is_pause else world.store.resume_receiver
    await act(receiver, who.name, reason, origin=who.origin)
    raise web.HTTPSeeOther(f"/console/platforms#{name}")


@requires("config.reload")
async def reload_mappings(request: web.Request) -> web.Response:
    """All new or all old; the findings are shown either way."""
    reason = str((await request.post()).get("reason", "")).strip()[:_REASON_CHARS]
    if not reason:
        return await _page(request, fault="platforms.no-reason", status=400)
    reload = request.app[WORLD].reload
    if reload is None:
        return await _page(request, fault="platforms.reload-elsewhere", status=409)
    findings = await reload()
    wrong = sum(one.severity == "error" for one in findings)
    told = {"errors": wrong, "warnings": len(findings) - wrong}
    await audit(request, "reload mappings", "mappings", reason, told)
    return await _page(request, findings=list(findings), is_reloaded=True)


async def _page(
    request: web.Request,
    *,
    fault: str = "",
    status: int = 200,
    findings: list[Finding] | None = None,
    is_reloaded: bool = False,
) -> web.Response:
    world = request.app[WORLD]
    found, everybody = await standings(world.settings, world.store)
    certificates = await asyncio.to_thread(all_keys, world.settings)
    differences, wrong = await asyncio.to_thread(compare_with_disk, world.settings)
    context = {
        "tab": "platforms",
        "rows": found,
        "everybody": everybody,
        "keys": certificates,
        "own": GATEWAY_NODE,
        "differences": differences,
        "wrong": wrong,
        "findings": findings or [],
        "is_reloaded": is_reloaded,
        "can_reload": world.reload is not None,
        "routes": world.settings.routes,
        "coverage": world.settings.coverage.rows,
        "today": clock.now().date(),
        "mappings": len(world.translator.mappings.names()),
        "fault": fault,
    }
    return await render(request, "platforms.html", context, status=status)
