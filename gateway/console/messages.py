"""The message log with its search."""

from __future__ import annotations

from aiohttp import web

from gateway.console import filters
from gateway.console.asking import FIELDS, STATES, AskFault, address, asked, filter_of
from gateway.console.guard import current_user, requires
from gateway.console.world import WORLD, render
from gateway.store.contract import MessagePage

PAGE_ROWS = 50
MORE = ("contract", "deal", "company", "least", "most", "code", "id", "key")  # shown where one asks for more


def add(pages: web.Application) -> None:
    pages.router.add_get("/", show_log)


@requires("messages.view")
async def show_log(request: web.Request) -> web.Response:
    """The newest first, 50 a page. htmx asks for the rows alone. A field that cannot be read finds nothing."""
    world = request.app[WORLD]
    wanted, before = asked(request.query), request.query.get("before", "")[:32]
    page, fault = MessagePage(()), ""
    try:
        page = await world.store.search_page(filter_of(wanted, limit=PAGE_ROWS, before=before))
    except AskFault as error:
        fault = error.name
    context = {
        "tab": "messages",
        "rows": [(world.masked(row), await world.store.deliveries(row.id)) for row in page.rows],
        "wanted": {field.name: wanted.get(field.name, "") for field in FIELDS},
        "more": any(name in wanted for name in MORE),
        "fault": fault,
        "before": before,
        "query": address(wanted),
        "older": "?" + address(wanted, before=page.older) if page.older else "",
        "is_stopped": page.older and len(page.rows) < PAGE_ROWS,
        "kept": await world.store.filters(current_user(request).name),
        "is_not_kept": request.query.get("kept") == "no",
        "most_kept": filters.MOST,
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
