"""Payment applications, and one of them: the seven steps, amounts, trace, its messages."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway import clock
from gateway.console.bounds import code_name, known_bounds
from gateway.console.guard import current_user, requires
from gateway.console.steps import seven_steps
from gateway.console.world import WORLD, ConsoleWorld, language_of, render
from gateway.payments.authorities import is_within
from gateway.payments.ground import Application, Contract
from gateway.payments.overdue import OPEN_STATES, days_overdue, due_day, late_before
from gateway.payments.states import MOVES
from gateway.rights import Scope
from gateway.settings import Contact
from gateway.store.contract import MessageFilter

PAGE_ROWS = 50
FIELDS = ("text", "state", "division", "kind", "authority", "overdue")


def add(pages: web.Application) -> None:
    pages.router.add_get("/applications", show_applications)
    pages.router.add_get("/applications/{no}", show_application)


@requires("applications.view")
async def show_applications(request: web.Request) -> web.Response:
    world, language = request.app[WORLD], language_of(request)
    wanted = {name: request.query.get(name, "").strip()[:128] for name in FIELDS}
    page = _page_number(request.query.get("page", ""))
    today = clock.now().date()
    total, rows = await find(world, wanted, page, current_user(request).scope, today)
    last = page * PAGE_ROWS >= total
    calendar, authorities = world.settings.calendar, world.settings.authorities
    context = {
        "tab": "applications",
        "rows": [
            {
                "case": one, "steps": seven_steps(one, ()), "late": days_overdue(one, calendar, today),
                "authority": authorities.find(one.tenderer, one.adm_div, clock.from_ms(one.opened_at).date()),
                "division": code_name(world, "region", one.adm_div, language),
            }
            for one in rows
        ],
        "total": total,
        "wanted": wanted,
        "bounds": known_bounds(world, language),
        "states": sorted(MOVES),
        "page": page,
        "previous": _link(wanted, page - 1) if page > 1 else "",
        "next": "" if last else _link(wanted, page + 1),
    }  # fmt: skip
    return await render(request, "applications.html", context)


async def find(
    world: ConsoleWorld, wanted: Mapping[str, str], page: int, scope: Scope, today: date
) -> tuple[int, list[Application]]:
    """By application number, contract number, unified deal code or party: whichever finds something; within
    the state, division, kind and authority that are chosen, and what is overdue if that is asked for."""
    text, authorities = wanted["text"], world.settings.authorities
    states, until = _states(wanted), 0
    if wanted["overdue"]:
        parting = late_before(world.settings.calendar, today)
        if parting is None:
            return 0, []
        until = int(parting.timestamp() * 1000)
    also = chosen(wanted)
    find = functools.partial(
        world.store.applications, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS, scope=scope, also=also,
        authorities=authorities, states=states, until=until,
    )  # fmt: skip
    if not text:
        total, rows = await find()
        return total, list(rows)
    one = await world.store.application(text)
    if one is not None and is_within(scope, one, authorities) and is_within(also, one, authorities):
        fits = (not states or one.state in states) and (not until or one.opened_at < until)
        return (1, [one]) if fits else (0, [])
    for condition in ("contract_no", "deal", "party"):
        total, rows = await find(**{condition: text})  # type: ignore[arg-type]
        if total:
            return total, list(rows)
    return 0, []


def _states(wanted: Mapping[str, str]) -> tuple[str, ...]:
    """None is overdue that is paid or ended: then a state that no application has."""
    state = wanted["state"]
    if wanted["overdue"] and not state:
        return OPEN_STATES
    if wanted["overdue"] and state not in OPEN_STATES:
        return ("-",)
    return (state,) if state in MOVES else ()


def chosen(wanted: Mapping[str, str]) -> Scope:
    """The authority, division and project kind that somebody looks for."""
    return Scope(*((wanted[name],) if wanted[name] else () for name in ("authority", "division", "kind")))


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else 1


def _link(wanted: Mapping[str, str], page: int) -> str:
    return "?" + urlencode({**{name: value for name, value in wanted.items() if value}, "page": page})


@requires("applications.view")
async def show_application(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    application = await world.store.application(request.match_info["no"])
    scope, authorities = current_user(request).scope, world.settings.authorities
    if application is None or not is_within(scope, application, authorities):
        raise web.HTTPNotFound
    trace = await world.store.trace(application.no)
    messages = await world.store.search(MessageFilter(application=application.no, limit=200))
    rows = [(world.masked(row), await world.store.deliveries(row.id)) for row in reversed(messages)]
    contract = await world.store.contract(application.contract_no)
    calendar, today = world.settings.calendar, clock.now().date()
    holder = holder_of(application, world)
    context = {
        "tab": "applications",
        "case": application,
        "contract": contract,
        "due": due_day(application, calendar),
        "late": days_overdue(application, calendar, today),
        "is_open": application.state in OPEN_STATES,
        "holder": holder,
        "contacts": contacts_of(application, world),
        "authority": authorities.find(
            application.tenderer, application.adm_div, clock.from_ms(application.opened_at).date()
        ),
        "stuck": [one for _, many in rows for one in many if one.state in ("dead", "unknown")],
        "steps": seven_steps(application, trace),
        "trace": trace,
        "rows": rows,
        "bars": _bars(application, contract),
    }
    return await render(request, "application.html", context)


def holder_of(application: Application, world: ConsoleWorld) -> str:
    """The platform at which it stands: the sub-platform that has to hand in (again), the general platform of
    the tenderee's review, else the treasury's."""
    if application.state in ("10", "20", "31", "43"):
        return application.owner
    if application.state in ("30", "44"):
        return next((one.id for one in world.settings.platforms.values() if one.kind == "general"), "")
    return application.treasury


def contacts_of(application: Application, world: ConsoleWorld) -> list[Contact]:
    """The named persons of where it stands; nobody once it is over."""
    if application.state not in OPEN_STATES:
        return []
    holder = world.settings.platforms.get(holder_of(application, world))
    return holder.contacts if holder is not None else []


def _bars(application: Application, contract: Contract | None) -> list[dict[str, Any]]:
    """Amounts as shares of the contract's price, or of what was applied for where no contract is known, in
    thousandths (the picture's width)."""
    price = contract.price_fen if contract else 0
    whole = max(price, application.app_fen, application.approved_fen, application.paid_fen, 1)
    amounts = [
        ("apps.amount", application.app_fen),
        ("apps.approved", application.approved_fen),
        ("apps.paid", application.paid_fen),
        ("apps.refunded", application.refunded_fen),
    ]
    if contract is not None:
        amounts += [
            ("apps.price", price),
            ("apps.contract-open", contract.open_fen),
            ("apps.contract-paid", contract.paid_fen),
        ]
    return [
        {"key": key, "fen": fen, "share": round(1000 * fen / whole)}
        for key, fen in amounts
        if fen or key in ("apps.amount", "apps.paid")
    ]
