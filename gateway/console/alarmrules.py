"""The rules of alarms: looked at by operators, changed by the system administrator; each change is in the audit.

A rule may name targets of the configuration alone, so nobody can send anything elsewhere from here.
"""

from __future__ import annotations

import math
from typing import Any

from aiohttp import web

from gateway.alarmrules import COMPARISONS, GAUGES, SEVERITIES, Rule, number_text, rule_faults
from gateway.console.alarms import titles
from gateway.console.guard import asker, requires
from gateway.console.world import WORLD, render
from gateway.families import FAMILIES
from gateway.store.contract import ChangedRule

_REASON_CHARS = 256
_MOST_TOLD = 20
EMPTY = Rule("", "", "", GAUGES[0], (), ">", 0.0, 60, "warning")


def add(pages: web.Application) -> None:
    pages.router.add_get("/alarms/rules", show_rules)
    pages.router.add_get("/alarms/new-rule", show_new)
    pages.router.add_post("/alarms/rules", add_rule)
    pages.router.add_get("/alarms/rules/{name}", show_rule)
    pages.router.add_post("/alarms/rules/{name}", change_rule)
    pages.router.add_post("/alarms/rules/{name}/reset", reset_rule)
    pages.router.add_post("/alarms/targets/{name}/test", test_target)


@requires("alarms.view")
async def show_rules(request: web.Request) -> web.Response:
    return await _list(request)


async def _list(request: web.Request, *, fault: str = "", status: int = 200) -> web.Response:
    world = request.app[WORLD]
    context = {
        "tab": "alarms",
        "rows": await world.store.alarm_rules(world.settings.alarm_rules),
        "targets": world.settings.gateway.notify.targets,
        "notifications": await world.store.notifications(_MOST_TOLD),
        "title_of": titles(request),
        "fault": fault,
    }
    return await render(request, "alarm-rules.html", context, status=status)


@requires("alarms.rules")
async def show_new(request: web.Request) -> web.Response:
    return await _form(request, ChangedRule(EMPTY), is_new=True)


@requires("alarms.rules")
async def show_rule(request: web.Request) -> web.Response:
    return await _form(request, await _get(request))


@requires("alarms.rules")
async def add_rule(request: web.Request) -> web.Response:
    return await _keep(request, None)


@requires("alarms.rules")
async def change_rule(request: web.Request) -> web.Response:
    return await _keep(request, await _get(request))


@requires("alarms.rules")
async def reset_rule(request: web.Request) -> web.Response:
    """Back to what the configuration says; a rule that it does not have is gone, and its alarms end."""
    found, who = await _get(request), asker(request)
    reason = await _reason(request)
    if not reason:
        return await _form(request, found, faults=["reason"], status=400)
    await request.app[WORLD].store.drop_alarm_rule(found.rule.name, who.name, reason, origin=who.origin)
    raise web.HTTPSeeOther("/console/alarms/rules")


@requires("alarms.rules")
async def test_target(request: web.Request) -> web.Response:
    """A notification that says that it is a test, sent like any other."""
    world, who, name = request.app[WORLD], asker(request), request.match_info["name"]
    if name not in world.settings.gateway.notify.targets:
        raise web.HTTPNotFound
    reason = await _reason(request)
    if not reason:
        return await _list(request, fault="reason.missing", status=400)
    await world.store.test_target(name, who.name, reason, origin=who.origin)
    raise web.HTTPSeeOther("/console/alarms/rules#told")


async def _keep(request: web.Request, before: ChangedRule | None) -> web.Response:
    world, who = request.app[WORLD], asker(request)
    given = await request.post()
    rule = _rule_of(given, before.rule.name if before else str(given.get("name", "")).strip()[:64])
    faults = rule_faults(rule, world.settings.gateway.notify.targets)
    if before is None and rule.name in {one.rule.name for one in await _all(request)}:
        faults.append("taken")
    reason = await _reason(request)
    if not reason:
        faults.append("reason")
    if faults:
        shown = ChangedRule(rule, before.changed_at if before else 0, before.changed_by if before else "")
        return await _form(request, shown, faults=faults, is_new=before is None, status=400)
    await world.store.put_alarm_rule(
        rule, before.rule if before else None, who.name, reason, origin=who.origin
    )
    raise web.HTTPSeeOther("/console/alarms/rules")


async def _form(
    request: web.Request,
    row: ChangedRule,
    *,
    faults: list[str] | None = None,
    is_new: bool = False,
    status: int = 200,
) -> web.Response:
    world = request.app[WORLD]
    context = {
        "tab": "alarms",
        "row": row,
        "rule": row.rule,
        "is_new": is_new,
        "is_shipped": row.rule.name in {one.name for one in world.settings.alarm_rules},
        "faults": faults or [],
        "labels": ", ".join(f"{name}={value}" for name, value in row.rule.labels),
        "threshold": number_text(row.rule.threshold) if math.isfinite(row.rule.threshold) else "",
        "gauges": [FAMILIES[name] for name in GAUGES],
        "comparisons": list(COMPARISONS),
        "severities": SEVERITIES,
        "targets": world.settings.gateway.notify.targets,
        "title_of": titles(request),
    }
    return await render(request, "alarm-rule.html", context, status=status)


async def _all(request: web.Request) -> list[ChangedRule]:
    world = request.app[WORLD]
    return list(await world.store.alarm_rules(world.settings.alarm_rules))


async def _get(request: web.Request) -> ChangedRule:
    name = request.match_info["name"]
    for one in await _all(request):
        if one.rule.name == name:
            return one
    raise web.HTTPNotFound


async def _reason(request: web.Request) -> str:
    return str((await request.post()).get("reason", "")).strip()[:_REASON_CHARS]


def _rule_of(given: Any, name: str) -> Rule:
    """What a form says; numbers that are none become such as `rule_faults` names."""
    return Rule(
        name, _text(given, "title_zh"), _text(given, "title_en"), _text(given, "metric"),
        _labels(_text(given, "labels", 512)), _text(given, "comparison"), _number(_text(given, "threshold")),
        _seconds(_text(given, "for_s")), _text(given, "severity"),
        tuple(sorted({str(one)[:64] for one in given.getall("target", ())})), _seconds(_text(given, "repeat_s")),
        "is_active" in given,
    )  # fmt: skip


def _text(given: Any, field: str, most: int = 128) -> str:
    return str(given.get(field, "")).strip()[:most]


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    """`state=dead|unknown, receiver=CZ`."""
    pairs = [one.partition("=") for one in text.split(",") if one.strip()]
    return tuple(sorted({name.strip(): value.strip() for name, _, value in pairs}.items()))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
