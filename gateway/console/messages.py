"""The message log with its search."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from gateway.console.guard import requires
from gateway.console.world import WORLD, render
from gateway.message import MessageState
from gateway.store.contract import MessageFilter

PAGE_ROWS = 50
_FIELDS = ("text", "type", "sender", "receiver", "state", "application")


def add(pages: web.Application) -> None:
    pages.router.add_get("/", show_log)


@requires("messages.view")
async def show_log(request: web.Request) -> web.Response:
    """The newest first, 50 a page. htmx asks for the rows alone."""
    world = request.app[WORLD]
    wanted = {name: request.query.get(name, "").strip()[:128] for name in _FIELDS}
    before = request.query.get("before", "")[:32]
    rows = await world.store.search(_filter(wanted, before))
    more = len(rows) > PAGE_ROWS
    shown = list(rows[:PAGE_ROWS])
    context = {
        "tab": "messages",
        "rows": [(world.masked(row), await world.store.deliveries(row.id)) for row in shown],
        "wanted": wanted,
        "before": before,
        "older": _older(wanted, shown[-1].id) if more else "",
        "types": sorted(kind.number for kind in world.translator.standard.catalogue),
        "platforms": sorted(world.settings.platforms),
        "states": [str(state) for state in MessageState],
    }
    template = "log_rows.html" if _wants_rows(request) else "log.html"
    response = await render(request, template, context)
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
    return response


def _filter(wanted: dict[str, str], before: str) -> MessageFilter:
    return MessageFilter(
        text=wanted["text"],
        type=wanted["type"],
        sender=wanted["sender"],
        receiver=wanted["receiver"],
        state=wanted["state"],
        application=wanted["application"],
        before=before,
        limit=PAGE_ROWS + 1,
    )


def _wants_rows(request: web.Request) -> bool:
    """htmx replaces the rows alone; going back in the browser's history it asks for the whole page."""
    restores = request.headers.get("HX-History-Restore-Request") == "true"
    return request.headers.get("HX-Request") == "true" and not restores


def _older(wanted: dict[str, str], last: str) -> str:
    return "?" + urlencode({name: value for name, value in wanted.items() if value} | {"before": last})
