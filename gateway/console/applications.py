"""Payment applications, and one of them: the seven steps, amounts, trace, its messages."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.console.guard import current_user, requires
from gateway.console.steps import seven_steps
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.payments.authorities import is_within
from gateway.payments.ground import Application
from gateway.rights import Scope
from gateway.store.contract import MessageFilter

PAGE_ROWS = 50


def add(pages: web.Application) -> None:
    pages.router.add_get("/applications", show_applications)
    pages.router.add_get("/applications/{no}", show_application)


@requires("applications.view")
async def show_applications(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    text = request.query.get("text", "").strip()[:128]
    page = _page_number(request.query.get("page", ""))
    total, rows = await _find(world, text, page, current_user(request).scope)
    last = page * PAGE_ROWS >= total
    context = {
        "tab": "applications",
        "rows": rows,
        "total": total,
        "text": text,
        "page": page,
        "previous": _link(text, page - 1) if page > 1 else "",
        "next": "" if last else _link(text, page + 1),
    }
    return await render(request, "applications.html", context)


async def _find(world: ConsoleWorld, text: str, page: int, scope: Scope) -> tuple[int, list[Application]]:
    """By application number, contract number, unified deal code or party: whichever finds something."""
    find = functools.partial(
        world.store.applications, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS, scope=scope,
        authorities=world.settings.authorities,
    )  # fmt: skip
    if not text:
        total, rows = await find()
        return total, list(rows)
    one = await world.store.application(text)
    if one is not None and is_within(scope, one, world.settings.authorities):
        return 1, [one]
    for condition in ("contract_no", "deal", "party"):
        total, rows = await find(**{condition: text})  # type: ignore[arg-type]
        if total:
            return total, list(rows)
    return 0, []


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 and int(text) else 1


def _link(text: str, page: int) -> str:
    return "?" + urlencode({"text": text, "page": page} if text else {"page": page})


@requires("applications.view")
async def show_application(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    application = await world.store.application(request.match_info["no"])
    scope, authorities = current_user(request).scope, world.settings.authorities
    if application is None or not is_within(scope, application, authorities):
        raise web.HTTPNotFound
    trace = await world.store.trace(application.no)
    messages = await world.store.search(MessageFilter(application=application.no, limit=200))
    context = {
        "tab": "applications",
        "case": application,
        "contract": await world.store.contract(application.contract_no),
        "steps": seven_steps(application, trace),
        "trace": trace,
        "rows": [(world.masked(row), await world.store.deliveries(row.id)) for row in reversed(messages)],
        "bars": _bars(application),
    }
    return await render(request, "application.html", context)


def _bars(application: Application) -> list[dict[str, Any]]:
    """Amounts as shares of what was applied for, in thousandths (the picture's width)."""
    whole = max(application.app_fen, application.approved_fen, application.paid_fen, 1)
    amounts = (
        ("apps.amount", application.app_fen),
        ("apps.approved", application.approved_fen),
        ("apps.paid", application.paid_fen),
        ("apps.refunded", application.refunded_fen),
    )
    return [
        {"key": key, "fen": fen, "share": round(1000 * fen / whole)}
        for key, fen in amounts
        if fen or key in ("apps.amount", "apps.paid")
    ]
