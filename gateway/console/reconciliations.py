"""Reconciled days: both sides' totals beside the gateway's, every difference with its application, and once more.

What a day says is what `gateway reconcile` says; running it again answers each side whose differences changed (7002).
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web

from gateway import clock
from gateway.arrivals import ArrivalMaker
from gateway.console.guard import audit, requires
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.payments.reconciling import KINDS
from gateway.reconciling import Reconciler
from gateway.routing import Routes
from gateway.store.contract import ReconciliationFilter
from gateway.store.keepingrows import AGREED, DIFFERENT, WAITING

PAGE_ROWS = 50
STATES = (AGREED, DIFFERENT, WAITING)
_REASON_CHARS = 256


def add(pages: web.Application) -> None:
    pages.router.add_get("/reconciliation", show_days)
    pages.router.add_post("/reconciliation/run", run_again)
    pages.router.add_get("/reconciliation/{day}/{treasury}", show_day)


@requires("reconciliation.view")
async def show_days(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(request: web.Request, *, fault: str = "", status: int = 200) -> web.Response:
    world = request.app[WORLD]
    wanted = wanted_of(request)
    rows = await world.store.reconciliations(PAGE_ROWS + 1, wanted)
    shown = rows[:PAGE_ROWS]
    given = {name: getattr(wanted, name) for name in ("state", "treasury") if getattr(wanted, name)}
    last = f"{shown[-1].day}/{shown[-1].treasury}" if len(rows) > PAGE_ROWS else ""
    context = {
        "tab": "reconciliations",
        "rows": shown,
        "wanted": wanted,
        "states": STATES,
        "treasuries": treasuries(world),
        "older": "?" + urlencode({**given, "before": last}) if last else "",
        "before": wanted.before,
        "today": f"{clock.now():%Y-%m-%d}",
        "fault": fault,
    }
    return await render(request, "reconciliations.html", context, status=status)


def wanted_of(request: web.Request) -> ReconciliationFilter:
    """`before`: DAY/TREASURY, those behind it in the list."""
    state = request.query.get("state", "")
    return ReconciliationFilter(
        state if state in STATES else "", request.query.get("treasury", "")[:64], request.query.get("before", "")[:80]
    )  # fmt: skip


@requires("reconciliation.view")
async def show_day(request: web.Request) -> web.Response:
    store = request.app[WORLD].store
    day, treasury = request.match_info["day"], request.match_info["treasury"]
    row = await store.reconciliation(day, treasury)
    if row is None:
        raise web.HTTPNotFound
    context = {
        "tab": "reconciliations",
        "row": row,
        "differences": await store.reconciled_differences(day, treasury),
        "kinds": KINDS,
        "day": day_text(day),
        "is_again": "again" in request.query,
    }
    return await render(request, "reconciliation.html", context)


@requires("reconciliation.run")
async def run_again(request: web.Request) -> web.Response:
    """One treasury's day, or that of all. Audited before anything is told to anybody."""
    world, given = request.app[WORLD], await request.post()
    reason = str(given.get("reason", "")).strip()[:_REASON_CHARS]
    treasury = str(given.get("treasury", ""))
    moment = _day(str(given.get("day", "")))
    if moment is None or moment.date() > clock.now().date():
        return await _page(request, fault="audit.day", status=400)
    known = world.settings.coverage.treasuries(moment.date())
    if treasury and treasury not in known:
        raise web.HTTPNotFound
    if not reason:
        return await _page(request, fault="reason.missing", status=400)
    day = clock.d8(moment)
    await audit(request, "reconcile", f"{day} {treasury}".strip(), reason, {})
    reconciler = _reconciler(world)
    for one in [treasury] if treasury else known:
        await reconciler.reconcile_one(moment.date(), one)
    raise web.HTTPSeeOther(
        f"/console/reconciliation/{day}/{treasury}?again=1" if treasury else "/console/reconciliation"
    )


def _reconciler(world: ConsoleWorld) -> Reconciler:
    settings = world.settings
    routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
    return Reconciler(world.store, ArrivalMaker(settings, world.store, world.translator, routes), looks=False)


def treasuries(world: ConsoleWorld) -> list[str]:
    return sorted(node for node, one in world.settings.platforms.items() if one.kind == "treasury")


def day_text(day: str) -> str:
    """A D8 as a person reads it."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day


def _day(text: str) -> datetime | None:
    try:
        return clock.parse_t(text.replace("-", "")) if len(text.replace("-", "")) == 8 else None
    except ValueError:
        return None
