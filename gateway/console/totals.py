"""支付进度和支付信息展示: sums by month, division, project kind and state, drawn on the server; within one's bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from aiohttp import web

from gateway.console.applications import chosen
from gateway.console.bounds import code_name, known_bounds
from gateway.console.charts import Group, band_height, bands, columns
from gateway.console.guard import current_user, requires
from gateway.console.world import WORLD, ConsoleWorld, language_of, render
from gateway.payments.states import STEP_OF_STATE
from gateway.store.contract import CaseTotal

_EPOCH = date(1970, 1, 1)
MONTHS = 12
_MONTHS_HIGH = 180
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
    groups = {name: drawn(name, grouped(world, rows, name, language)) for name in GROUPS}
    context = {
        "tab": "applications",
        "wanted": wanted,
        "bounds": known_bounds(world, language),
        "whole": whole,
        "groups": groups,
        "steps": [(step, sum(row.count for row in rows if STEP_OF_STATE.get(row.state) == step)) for step in range(3, 8)],
        "lying_high": {name: band_height(3) * len(found) for name, found in groups.items()},
        "standing_high": _MONTHS_HIGH,
    }  # fmt: skip
    return await render(request, "totals.html", context)


def drawn(name: str, sums: list[Sum]) -> list[tuple[Sum, Group]]:
    """Each with its bars: months stand in a row, the newest twelve; names of all else lie above theirs."""
    if name == "month":
        newest = sums[-MONTHS:]
        return list(zip(newest, columns([one.shares for one in newest], MONTHS, _MONTHS_HIGH), strict=True))
    return list(zip(sums, bands([one.shares for one in sums]), strict=True))


def month_of(row: CaseTotal) -> str:
    """yyyy-MM of the day on which it was opened."""
    return f"{_EPOCH + timedelta(days=row.day):%Y-%m}"


@dataclass(frozen=True, slots=True)
class Grouping:
    """What sums are made by; `title`: the name of one group in a language, of its code."""

    key: Callable[[CaseTotal], str]
    title: Callable[[ConsoleWorld, str, str], str]


GROUPS: Mapping[str, Grouping] = {
    "month": Grouping(month_of, lambda world, month, language: month),
    "division": Grouping(
        lambda row: row.adm_div, lambda world, code, language: code_name(world, "region", code, language)
    ),
    "kind": Grouping(
        lambda row: row.project_kind,
        lambda world, code, language: code_name(world, "project-kind", code, language),
    ),
    "state": Grouping(lambda row: row.state, ConsoleWorld.status_name),
}


def grouped(world: ConsoleWorld, rows: Iterable[CaseTotal], name: str, language: str) -> list[Sum]:
    """By one of GROUPS, with the names that its code table has in the language."""
    grouping = GROUPS[name]
    return summed(rows, grouping.key, lambda code: grouping.title(world, code, language))


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
