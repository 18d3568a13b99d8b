"""Alarms: what fires and for how long, whom it was told to, and who took it on; acknowledged with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.alarmrules import Rule
from gateway.console.guard import asker, requires
from gateway.console.world import WORLD, language_of, render
from gateway.store.contract import AlarmFilter, AlarmRow, ResolveRefused

PAGE_ROWS = 50
_MOST_OPEN = 200
_REASON_CHARS = 256


def add(pages: web.Application) -> None:
    pages.router.add_get("/alarms", show_alarms)
    pages.router.add_get("/alarms/one/{id}", show_alarm)
    pages.router.add_post("/alarms/one/{id}/acknowledge", acknowledge)


@requires("alarms.view")
async def show_alarms(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(request: web.Request, *, fault: str = "", status: int = 200) -> web.Response:
    store = request.app[WORLD].store
    before = request.query.get("before", "")[:26]
    opened = await store.alarms(AlarmFilter(is_open=True, limit=_MOST_OPEN))
    past = await store.alarms(AlarmFilter(before=before, limit=PAGE_ROWS + 1))
    shown = past[:PAGE_ROWS]
    context = {
        "tab": "alarms",
        "open": sorted(opened, key=_urgency),
        "past": [row for row in shown if row.ended_at],
        "older": f"?before={shown[-1].id}" if len(past) > PAGE_ROWS else "",
        "before": before,
        "rules": await rules_by_name(request),
        "title_of": titles(request),
        "fault": fault,
    }
    return await render(request, "alarms.html", context, status=status)


def _urgency(row: AlarmRow) -> tuple[bool, int, int]:
    """Firing before acknowledged, critical before warning, newest first."""
    order = {"critical": 0, "warning": 1, "info": 2}
    return row.state != "firing", order.get(row.severity, 3), -row.fired_at


@requires("alarms.view")
async def show_alarm(request: web.Request) -> web.Response:
    return await _one(request)


@requires("alarms.acknowledge")
async def acknowledge(request: web.Request) -> web.Response:
    """It is not sent again, and ends by itself. The store audits it."""
    who = asker(request)
    reason = str((await request.post()).get("reason", "")).strip()[:_REASON_CHARS]
    alarm = request.match_info["id"]
    try:
        await request.app[WORLD].store.acknowledge_alarm(alarm, who.name, reason, origin=who.origin)
    except LookupError as error:
        raise web.HTTPNotFound from error
    except ResolveRefused as error:
        fault = "reason.missing" if error.code == "resolve.no-reason" else "alarms.not-firing"
        return await _one(request, fault=fault, status=400 if fault == "reason.missing" else 409)
    raise web.HTTPSeeOther(f"/console/alarms#a-{alarm}")


async def _one(request: web.Request, *, fault: str = "", status: int = 200) -> web.Response:
    store = request.app[WORLD].store
    row = await store.find_alarm(request.match_info["id"])
    if row is None:
        raise web.HTTPNotFound
    context = {
        "tab": "alarms",
        "row": row,
        "rule": (await rules_by_name(request)).get(row.rule),
        "notifications": await store.notifications_of(row.id),
        "title_of": titles(request),
        "fault": fault,
    }
    return await render(request, "alarm.html", context, status=status)


async def rules_by_name(request: web.Request) -> Mapping[str, Rule]:
    world = request.app[WORLD]
    found = await world.store.alarm_rules(world.settings.alarm_rules)
    return {one.rule.name: one.rule for one in found}


def titles(request: web.Request) -> Any:
    """A rule's title in the reader's language, its name where the rule is gone."""
    language = language_of(request)

    def title_of(rule: Rule | None, name: str = "") -> str:
        if rule is None:
            return name
        return rule.title_zh if language == "zh" else rule.title_en

    return title_of
