"""The console as an application of its own under /console: its guard, its templates, its pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from gateway.accounts import Accounts, Limits
from gateway.console import (
    account,
    alarmrules,
    alarms,
    applications,
    audits,
    deliveries,
    evidence,
    exports,
    filters,
    mappings,
    messages,
    onemessage,
    opsaccounts,
    opsalarms,
    opscases,
    opsdeliveries,
    opskeeping,
    opsmessages,
    opsonemessage,
    opsplatforms,
    opsroutes,
    opsstandard,
    overview,
    platforms,
    reconciliations,
    refusals,
    signing,
    standardpages,
    totals,
    trying,
    users,
)
from gateway.console.acting import ACTING
from gateway.console.guard import guard, open_to_all
from gateway.console.headers import HEADERS
from gateway.console.ops import add_ops, described
from gateway.console.overview import PULSE
from gateway.console.standardpages import LOADED
from gateway.console.texts import LANGUAGES
from gateway.console.world import COOKIE, WORLD, ConsoleWorld, is_own_path
from gateway.errors import Finding
from gateway.settings import Settings
from gateway.store.contract import Store
from gateway.translate import Translator

_FOLDER = Path(__file__).parent
_YEAR_S = 365 * 86_400
OPS = (  # the calls of /v1/ops
    *opsmessages.CALLS,
    *opsonemessage.CALLS,
    *opscases.CALLS,
    *opsdeliveries.CALLS,
    *opsplatforms.CALLS,
    *opsroutes.CALLS,
    *opsstandard.CALLS,
    *opsaccounts.CALLS,
    *opsalarms.CALLS,
    *opskeeping.CALLS,
)


def add_console(
    app: web.Application,
    settings: Settings,
    store: Store,
    translator: Translator,
    reload: Callable[[], Awaitable[Sequence[Finding]]] | None,
) -> web.Application:
    """Hangs the console under /console/ of a server's application, its own application, and beside it what it
    shows as JSON under /v1/ops/."""
    pages = web.Application(middlewares=[guard])
    own = settings.gateway
    accounts = Accounts(store, Limits(own.console_idle_s * 1000, own.console_absolute_s * 1000))
    pages[WORLD] = ConsoleWorld(settings, store, translator, accounts, reload)
    aiohttp_jinja2.setup(
        pages,
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )
    for part in (
        signing,
        account,
        overview,
        messages,
        exports,
        filters,
        onemessage,
        refusals,
        deliveries,
        totals,
        applications,
        platforms,
        mappings,
        trying,
        standardpages,
        users,
        audits,
        reconciliations,
        alarms,
        alarmrules,
        evidence,
    ):
        part.add(pages)
    pages.router.add_get("/language/{language}", choose_language)
    pages.router.add_static("/static/", _FOLDER / "static", name="static", append_version=True)
    pages.on_response_prepare.append(_cache_static)
    api = add_ops(app, pages[WORLD], OPS)
    api[PULSE], api[ACTING], api[LOADED] = pages[PULSE], pages[ACTING], pages[LOADED]
    app.add_subapp("/console/", pages)
    app.router.add_get("/console", _enter)
    return pages


def describe_ops() -> dict[str, Any]:
    """What /openapi.json says of /v1/ops."""
    return described(OPS)


async def _enter(request: web.Request) -> web.Response:
    raise web.HTTPPermanentRedirect("/console/", headers=HEADERS)


async def _cache_static(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith("/console/static/"):
        response.headers["Cache-Control"] = "public, max-age=3600"


@open_to_all
async def choose_language(request: web.Request) -> web.Response:
    """Keeps the choice in a cookie and goes back to the page that it was made on."""
    language = request.match_info["language"]
    if language not in LANGUAGES:
        raise web.HTTPNotFound
    back = request.query.get("back", "")
    response = web.HTTPSeeOther(back if is_own_path(back) else "/console/")
    response.set_cookie(COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="Lax", path="/console/")
    raise response
