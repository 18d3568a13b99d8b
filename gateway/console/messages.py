"""The message log with its search."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.console.asking import FIELDS, STATES, AskFault, address, asked, filter_of
from gateway.console.guard import requires
from gateway.console.world import WORLD, render
from gateway.store.contract import MessageRow

PAGE_ROWS = 50


def add(pages: web.Application) -> None:
    pages.router.add_get("/", show_log)


@requires("messages.view")
async def show_log(request: web.Request) -> web.Response:
    """The newest first, 50 a page. htmx asks for the rows alone. A field that cannot be read finds nothing."""
    world = request.app[WORLD]
    wanted, before = asked(request.query), request.query.get("before", "")[:32]
    rows: Sequence[MessageRow] = ()
    fault = ""
    try:
        rows = await world.store.search(filter_of(wanted, limit=PAGE_ROWS + 1, before=before))
    except AskFault as error:
        fault = error.name
    shown = list(rows[:PAGE_ROWS])
    context = {
        "tab": "messages",
        "rows": [(world.masked(row), await world.store.deliveries(row.id)) for row in shown],
        "wanted": {field.name: wanted.get(field.name, "") for field in FIELDS},
        "fault": fault,
        "before": before,
        "newest": "?" + address(wanted),
        "older": "?" + address(wanted, before=shown[-1].id) if len(rows) > PAGE_ROWS else "",
        "types": sorted(kind.number for kind in world.translator.standard.catalogue),
        "platforms": sorted(world.settings.platforms),
        "states": STATES,
    }
    template = "log_rows.html" if _wants_rows(request) else "log.html"
    response = await render(request, template, context)
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
    return response


def _wants_rows(request: web.Request) -> bool:
    """htmx replaces the rows alone; going back in the browser's history it asks for the whole page."""
    restores = request.headers.get("HX-History-Restore-Request") == "true"
    return request.headers.get("HX-Request") == "true" and not restores
