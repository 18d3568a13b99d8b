"""Deliveries that wait for a person: dead letters and unknown outcomes by cause, and what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from gateway import clock
from gateway.console.acting import ACTING, Acting
from gateway.console.guard import asker, current_user, requires
from gateway.console.masked import Masker
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.deadletters import ACTIONS, Act, Outcome, find_all
from gateway.rights import may
from gateway.store.contract import (
    DeliveryRow,
    RequestCount,
    RequestItem,
    RequestRow,
    ResolveRefused,
    StuckFilter,
)
from gateway.store.requestrows import ALONE_MS, ASKED, RUNNING

MOST = 1000  # deliveries that one act may be on
_SHOWN = 50
_REASON_CHARS = 256
FIELDS = ("receiver", "type", "code", "state", "since", "until")
_SILENT_MS = 15_000  # after that nobody is at a request any more


def add(pages: web.Application) -> None:
    world = pages[WORLD]
    pages[ACTING] = Acting(world.settings, world.store, world.translator)
    pages.on_cleanup.append(pages[ACTING].stop)
    pages.router.add_get("/stuck", show_stuck)
    pages.router.add_post("/stuck/preview", preview)
    pages.router.add_post("/stuck/requests", ask)
    pages.router.add_get("/stuck/requests/{id}", show_request)
    pages.router.add_get("/stuck/requests/{id}/progress", show_progress)
    pages.router.add_post("/stuck/requests/{id}/decide", decide)
    pages.router.add_post("/stuck/requests/{id}/go-on", go_on)


@requires("deliveries.view")
async def show_stuck(request: web.Request) -> web.Response:
    return await _stuck_page(request)


async def _stuck_page(request: web.Request, fault: str = "", status: int = 200) -> web.Response:
    world = request.app[WORLD]
    wanted = {name: request.query.get(name, "").strip()[:64] for name in FIELDS}
    rows = await find_all(world.store, filter_of(wanted), _SHOWN)
    causes = await world.store.stuck_causes()
    given = {name: value for name, value in wanted.items() if value}
    context = {
        "tab": "stuck",
        "rows": [await shown(world, one) for one in rows],
        "wanted": wanted,
        "is_filtered": bool(given),
        "matching": sum(one.count for one in causes if _is_of(wanted, one)) if not _has_days(wanted) else None,
        "causes": [(one, "?" + urlencode({"receiver": one.receiver, "type": one.type, "code": one.code, "state": one.state})) for one in causes],
        "largest": max((one.count for one in causes), default=1),
        "actions": ACTIONS,
        "most": MOST,
        "above": world.settings.gateway.console_approve_above,
        "requests": await world.store.requests(10),
        "fault": fault,
    }  # fmt: skip
    return await render(request, "stuck.html", context, status=status)


def _is_of(wanted: dict[str, str], cause: object) -> bool:
    return all(not wanted[name] or getattr(cause, name) == wanted[name] for name in FIELDS[:4])


def _has_days(wanted: dict[str, str]) -> bool:
    return bool(wanted["since"] or wanted["until"])


@requires("deliveries.resolve")
async def preview(request: web.Request) -> web.Response:
    """What would come of the act on each delivery that the filter names, or on those that were chosen."""
    world, form = request.app[WORLD], await request.post()
    act = _act(request, {name: str(value) for name, value in form.items()})
    if act is None:
        return await _stuck_page(request, "resolve.no-reason", 400)
    chosen = [
        int(str(one)) for one in form.getall("delivery", []) if str(one).isascii() and str(one).isdigit()
    ]
    if chosen:
        rows = [row for one in chosen[:MOST] if (row := await world.store.delivery(one)) is not None]
    else:
        wanted = {name: str(form.get(name, "")).strip()[:64] for name in FIELDS}
        rows = await find_all(world.store, filter_of(wanted), MOST)
    if not rows:
        return await _stuck_page(request, "resolve.nothing", 400)
    outcomes = await request.app[ACTING].resolver.foresee(rows, act)
    context = {
        "tab": "stuck",
        "act": act,
        "outcomes": [await foreseen(world, one) for one in outcomes],
        "going": [one.row.id for one in outcomes],
        "refused": sum(one.is_refused for one in outcomes),
        "alone": await acted_alone(request),
        "needs_second": await needs_second(request, len(outcomes)),
        "above": world.settings.gateway.console_approve_above,
    }
    return await render(request, "stuck-preview.html", context)


@requires("deliveries.resolve")
async def ask(request: web.Request) -> web.Response:
    """Begins the act, or leaves it for a second person; exactly on the deliveries that were shown."""
    form = await request.post()
    act = _act(request, {name: str(value) for name, value in form.items()})
    numbers = [
        int(one) for one in str(form.get("deliveries", "")).split(",") if one.isascii() and one.isdigit()
    ]
    chosen = list(dict.fromkeys(numbers))[:MOST]
    if act is None or not chosen:
        return await _stuck_page(request, "resolve.no-reason" if act is None else "resolve.nothing", 400)
    row = await begin(request, act, chosen)
    raise web.HTTPSeeOther(f"/console/stuck/requests/{row.id}")


async def acted_alone(request: web.Request) -> int:
    """On how many deliveries who asks acted of late without a second person."""
    since = clock.now_ms() - ALONE_MS
    return await request.app[WORLD].store.acted_alone(current_user(request).name, since)


async def needs_second(request: web.Request, deliveries: int) -> bool:
    above = request.app[WORLD].settings.gateway.console_approve_above
    return await acted_alone(request) + deliveries > above


async def begin(request: web.Request, act: Act, chosen: Sequence[int]) -> RequestRow:
    """Asks for the act on these deliveries; it runs at once, unless they are so many, with those of the requests
    before, that a second person has to say yes."""
    world, now = request.app[WORLD], clock.now_ms()
    row = RequestRow(clock.new_id(), act.action, act.reason, act.sure, act.actor, now, RUNNING, seen_at=now)
    row = await world.store.add_request(
        row, chosen, origin=act.origin, above=world.settings.gateway.console_approve_above
    )
    if row.state == RUNNING:
        request.app[ACTING].start(row)
    return row


def _act(request: web.Request, given: dict[str, str]) -> Act | None:
    """None where the action is none or the reason is missing."""
    who, action = asker(request), given.get("action", "")
    reason = given.get("reason", "").strip()[:_REASON_CHARS]
    if action not in ACTIONS or not reason:
        return None
    return Act(action, who.name, reason, given.get("sure") == "1", who.origin)


@requires("deliveries.view")
async def show_request(request: web.Request) -> web.Response:
    return await _request_page(request)


@requires("deliveries.view")
async def show_progress(request: web.Request) -> web.Response:
    """The part of the page that changes while it runs: it asks for itself again until the end."""
    return await render(request, "stuck-progress.html", await _progress(request, await request_row(request)))


@requires("deliveries.approve")
async def decide(request: web.Request) -> web.Response:
    form, row = await request.post(), await request_row(request)
    word = str(form.get("reason", "")).strip()[:_REASON_CHARS]
    try:
        row = await decided(request, row, word, approved=form.get("decision") == "approve")
    except ResolveRefused as error:
        return await _request_page(request, error.code, 409)
    raise web.HTTPSeeOther(f"/console/stuck/requests/{row.id}")


async def decided(request: web.Request, row: RequestRow, word: str, *, approved: bool) -> RequestRow:
    """A second person's yes or no; what is approved begins. ResolveRefused where it is not theirs to say."""
    who = asker(request)
    row = await request.app[WORLD].store.decide_request(
        row.id, who.name, word, approved=approved, origin=who.origin
    )
    if approved:
        request.app[ACTING].start(row)
    return row


@requires("deliveries.resolve")
async def go_on(request: web.Request) -> web.Response:
    """Of a request whose process died: whoever may resolve lets it go on, here."""
    row = await request_row(request)
    start_again(request, row)
    raise web.HTTPSeeOther(f"/console/stuck/requests/{row.id}")


def start_again(request: web.Request, row: RequestRow) -> None:
    """Nothing where it is under way, or not begun, or ended."""
    if row.state == RUNNING and _is_silent(row):
        request.app[ACTING].start(row)


async def _request_page(request: web.Request, fault: str = "", status: int = 200) -> web.Response:
    row = await request_row(request)
    user = current_user(request)
    context = await _progress(request, row) | {
        "tab": "stuck",
        "fault": fault,
        "is_second": row.state == ASKED and row.actor != user.name and may(user.roles, "deliveries.approve"),
        "is_own": row.actor == user.name,
    }
    return await render(request, "stuck-request.html", context, status=status)


async def _progress(request: web.Request, row: RequestRow) -> dict[str, object]:
    world = request.app[WORLD]
    counted = await world.store.request_count(row.id)
    items = await world.store.request_items(row.id)
    told = [await told_of(world, one) for one in items]
    return {
        "request": row,
        "counted": counted,
        "share": _share(counted),
        "items": told,
        "is_running": row.state == RUNNING and not _is_silent(row),
        "is_silent": row.state == RUNNING and _is_silent(row) and not request.app[ACTING].is_acting(row.id),
    }


def _share(counted: RequestCount) -> int:
    """Thousandths."""
    return round(1000 * counted.told / counted.items) if counted.items else 1000


def _is_silent(row: RequestRow) -> bool:
    return clock.now_ms() - row.seen_at > _SILENT_MS


async def request_row(request: web.Request) -> RequestRow:
    row = await request.app[WORLD].store.find_request(request.match_info["id"][:64])
    if row is None:
        raise web.HTTPNotFound
    return row


async def told_of(world: ConsoleWorld, item: RequestItem) -> tuple[RequestItem, DeliveryRow | None]:
    row = await world.store.delivery(item.delivery_id)
    if row is None:
        return item, None
    masker = await _masker(world, row)
    return replace(item, result=masker.text(item.result)), world.masked_delivery(row, masker)


async def foreseen(world: ConsoleWorld, one: Outcome) -> Outcome:
    masker = await _masker(world, one.row)
    return replace(one, row=world.masked_delivery(one.row, masker), result=masker.text(one.result))


async def shown(world: ConsoleWorld, one: DeliveryRow) -> DeliveryRow:
    return world.masked_delivery(one, await _masker(world, one))


async def _masker(world: ConsoleWorld, one: DeliveryRow) -> Masker:
    message = await world.store.get_message(one.message_id)
    if message is None:
        raise LookupError(f"no message {one.message_id}")
    return world.masker(message)


def filter_of(wanted: dict[str, str]) -> StuckFilter:
    """Days are of Shanghai; the last one counts. What is no day is left out."""
    return StuckFilter(
        wanted["receiver"], wanted["type"], wanted["code"], wanted["state"] if wanted["state"] in ("dead", "unknown") else "",
        _day_ms(wanted["since"]), _day_ms(wanted["until"], days=1),
    )  # fmt: skip


def _day_ms(text: str, days: int = 0) -> int:
    try:
        moment = clock.parse_t(text.replace("-", "")) if len(text) == 10 else None
    except ValueError:
        return 0
    return int((moment + timedelta(days=days)).timestamp() * 1000) if moment else 0
