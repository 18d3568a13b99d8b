"""Searches that a user keeps: each an address under a title, for nobody else."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from gateway import clock
from gateway.console.asking import AskFault, address, asked, filter_of
from gateway.console.guard import current_user, requires
from gateway.console.world import WORLD
from gateway.store.accountrows import SavedFilter

MOST = 30
MOST_CHARS = 40


def add(pages: web.Application) -> None:
    pages.router.add_post("/filters", keep)
    pages.router.add_post("/filters/drop", drop)


@requires("messages.view")
async def keep(request: web.Request) -> web.Response:
    """Under a title that one has already, in its place. What cannot be read, or has no title, is not kept."""
    form = await request.post()
    title, query = str(form.get("title", "")).strip()[:MOST_CHARS], _query(str(form.get("query", "")))
    kept = False
    if title and query:
        row = SavedFilter(current_user(request).name, title, query, clock.now_ms())
        kept = await request.app[WORLD].store.save_filter(row, MOST)
    raise web.HTTPSeeOther(f"/console/?{query}" + ("" if kept else ("&" if query else "") + "kept=no"))


@requires("messages.view")
async def drop(request: web.Request) -> web.Response:
    form = await request.post()
    title = str(form.get("title", "")).strip()[:MOST_CHARS]
    await request.app[WORLD].store.drop_filter(current_user(request).name, title)
    raise web.HTTPSeeOther(f"/console/?{_query(str(form.get('query', '')))}")


def _query(given: str) -> str:
    """A search's address, of known fields alone; "" for one that asks nothing or cannot be read."""
    told = asked(dict(parse_qsl(given[:4096])))
    try:
        filter_of(told, limit=1)
    except AskFault:
        return ""
    return address(told)
