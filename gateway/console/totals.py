"""支付进度和支付信息展示: sums by month, division, project kind and state, drawn on the server; within one's bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from aiohttp import web

from gateway.console.applications import chosen
from gateway.console.bounds import code_name, known_bounds
from gateway.console.guard import current_user, requires
from gateway.console.world import WORLD, language_of, render
from gateway.payments.states import STEP_OF_STATE
from gateway.store.contract import CaseTotal

_EPOCH = date(1970, 1, 1)
MONTHS = 12
_FIELDS = ("authority", "division", "kind")


@dataclass(frozen=True, slots=True)
class Sum:
    """One row of a table and one group of bars. `shares`: of applied, approved, paid in thousandths of the
    largest amount of the chart."""

    name: str
    title: str
    count: int
    app_fen: int
    approved_fen: int
    paid_fen: int
    shares: tuple[int, int, int] = (0, 0, 0)


def add(pages: web.Application) -> None:
    pages.router.add_get("/applications/totals", show_totals)


@requires("applications.view")
async def show_totals(request: web.Request) -> web.Response:
    """The newest twelve months that have applications; what a department may not see is not even counted."""
    world, language = request.app[WORLD], language_of(request)
    wanted = {name: request.query.get(name, "").strip()[:64] for name in _FIELDS}
    rows = await world.store.application_totals(
        scope=current_user(request).scope, also=chosen(wanted), authorities=world.settings.authorities
    )
    (whole,) = summed(rows, lambda row: "", str) or [Sum("", "", 0, 0, 0, 0)]
    context = {
        "tab": "applications",
        "wanted": wanted,
        "bounds": known_bounds(world, language),
        "whole": whole,
        "months": summed(rows, month_of, str)[-MONTHS:],
        "divisions": summed(rows, lambda row: row.adm_div, lambda code: code_name(world, "region", code, language)),
        "kinds": summed(rows, lambda row: row.project_kind, lambda code: code_name(world, "project-kind", code, language)),
        "states": summed(rows, lambda row: row.state, lambda code: world.status_name(code, language)),
        "steps": [(step, sum(row.count for row in rows if STEP_OF_STATE.get(row.state) == step)) for step in range(3, 8)],
    }  # fmt: skip
    return await render(request, "totals.html", context)


def month_of(row: CaseTotal) -> str:
    """yyyy-MM of the day on which it was opened."""
    return f"{_EPOCH + timedelta(days=row.day):%Y-%m}"


def summed(
    rows: Iterable[CaseTotal], key: Callable[[CaseTotal], str], title: Callable[[str], str]
) -> list[Sum]:
    """By key, in its order. Paid is what was paid and not refunded."""
    groups: dict[str, list[CaseTotal]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    found = [_sum(name, title(name), groups[name]) for name in sorted(groups)]
    largest = max((max(one.app_fen, one.approved_fen, one.paid_fen) for one in found), default=0) or 1
    return [_with_shares(one, largest) for one in found]


def _sum(name: str, title: str, rows: Sequence[CaseTotal]) -> Sum:
    return Sum(
        name, title, sum(one.count for one in rows), sum(one.app_fen for one in rows),
        sum(one.approved_fen for one in rows), sum(one.paid_fen - one.refunded_fen for one in rows),
    )  # fmt: skip


def _with_shares(one: Sum, largest: int) -> Sum:
    shares = tuple(
        round(1000 * max(fen, 0) / largest) for fen in (one.app_fen, one.approved_fen, one.paid_fen)
    )
    return Sum(one.name, one.title, one.count, one.app_fen, one.approved_fen, one.paid_fen, shares)  # type: ignore[arg-type]
