"""/v1/ops/alarms: what fires, its rules, and taking an alarm on; as the page and `gateway alarms` do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.alarmrules import SEVERITIES, Rule
from gateway.clock import time_of
from gateway.console.guard import asker, requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
from gateway.console.told import alarm_told
from gateway.console.world import WORLD
from gateway.errors import MessageError
from gateway.formats import read_json
from gateway.store.contract import AlarmFilter, ChangedRule, NotificationRow, ResolveRefused

_MOST = 1000
_REASON_CHARS = 256


@requires("alarms.view")
async def show_alarms(request: web.Request) -> web.Response:
    """Newest first. `older`: what to give as `before` for the next page; "" at the end."""
    limit = number_of(request, "limit", 50, 1, _MOST)
    severity = request.query.get("severity", "")
    if severity and severity not in SEVERITIES:
        raise Refused(422, detail=f"severity: expected one of {', '.join(SEVERITIES)}")
    wanted = AlarmFilter(
        request.query.get("open", "") == "1", request.query.get("rule", "")[:64], severity,
        request.query.get("before", "")[:26], limit + 1,
    )  # fmt: skip
    rows = await request.app[WORLD].store.alarms(wanted)
    older = rows[limit - 1].id if len(rows) > limit else ""
    return told({"alarms": [alarm_told(row) for row in rows[:limit]], "older": older})


@requires("alarms.view")
async def show_alarm(request: web.Request) -> web.Response:
    store = request.app[WORLD].store
    row = await store.find_alarm(request.match_info["id"])
    if row is None:
        raise Refused(404)
    notifications = await store.notifications_of(row.id)
    return told({**alarm_told(row), "notifications": [_sent(one) for one in notifications]})


@requires("alarms.acknowledge")
async def acknowledge(request: web.Request) -> web.Response:
    who = asker(request)
    try:
        body = read_json(await request.read())
    except MessageError as error:
        raise Refused(400, detail="expected a JSON object with reason") from error
    reason = body.get("reason") if isinstance(body, dict) else None
    if not isinstance(reason, str) or not reason.strip():
        raise Refused(422, "no-reason", "a reason is required")
    try:
        row = await request.app[WORLD].store.acknowledge_alarm(
            request.match_info["id"], who.name, reason.strip()[:_REASON_CHARS], origin=who.origin
        )
    except LookupError as error:
        raise Refused(404) from error
    except ResolveRefused as error:
        raise Refused(409, "not-firing", error.text) from error
    return told(alarm_told(row))


@requires("alarms.view")
async def show_rules(request: web.Request) -> web.Response:
    """By name: what was changed in the console, else the configuration's."""
    world = request.app[WORLD]
    found = await world.store.alarm_rules(world.settings.alarm_rules)
    return told({"rules": [_rule(one) for one in found]})


def _rule(one: ChangedRule) -> dict[str, Any]:
    rule: Rule = one.rule
    return {
        "name": rule.name, "title_zh": rule.title_zh, "title_en": rule.title_en, "metric": rule.metric,
        "labels": dict(rule.labels), "comparison": rule.comparison, "threshold": rule.threshold, "for_s": rule.for_s,
        "severity": rule.severity, "targets": list(rule.targets), "repeat_s": rule.repeat_s, "active": rule.is_active,
        "changed_at": time_of(one.changed_at), "changed_by": one.changed_by,
    }  # fmt: skip


def _sent(one: NotificationRow) -> dict[str, Any]:
    return {
        "id": one.id, "kind": one.kind, "target": one.target, "state": one.state, "attempts": one.attempts,
        "made_at": time_of(one.made_at), "ended_at": time_of(one.ended_at), "fault": one.fault,
    }  # fmt: skip


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT, _WHOLE, _NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_LABELS = {"type": "object", "additionalProperties": _TEXT}
_ALARM: dict[str, Any] = {
    **dict.fromkeys(("id", "rule", "state", "severity"), _TEXT), "labels": _LABELS, "value": _NUMBER,
    **dict.fromkeys(
        ("since", "fired_at", "acknowledged_at", "acknowledged_by", "reason", "ended_at"), _TEXT
    ),
}  # fmt: skip
_SENT = _object(
    **dict.fromkeys(("id", "kind", "target", "state", "made_at", "ended_at", "fault"), _TEXT), attempts=_WHOLE
)
_RULE = _object(
    **dict.fromkeys(
        ("name", "title_zh", "title_en", "metric", "comparison", "severity", "changed_at", "changed_by"), _TEXT
    ),
    labels=_LABELS, threshold=_NUMBER, for_s=_WHOLE, repeat_s=_WHOLE, targets=_list(_TEXT), active={"type": "boolean"},
)  # fmt: skip
_ID = Parameter("id", "告警编号", "the alarm's id")
CALLS = (
    Call(
        "GET", "/alarms", show_alarms, "告警，最新在前", "Alarms, newest first",
        _object(alarms=_list(_object(**_ALARM)), older=_TEXT),
        (
            Parameter("open", "1：只列未解除的", "1: those that are not over"),
            Parameter("rule", "规则", "of this rule"),
            Parameter("severity", "级别", "critical, warning or info", {"type": "string", "enum": list(SEVERITIES)}),
            Parameter("before", "上一页的 older", "`older` of the page before"),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST}),
        ),
    ),
    Call("GET", "/alarm-rules", show_rules, "告警规则", "The rules of alarms", _object(rules=_list(_RULE))),
    Call(
        "GET", "/alarms/{id}", show_alarm, "一项告警及其通知", "One alarm and whom it was told to",
        _object(**_ALARM, notifications=_list(_SENT)), (_ID,),
    ),
    Call(
        "POST", "/alarms/{id}/acknowledge", acknowledge, "确认告警", "Acknowledge an alarm", _object(**_ALARM), (_ID,),
        _object(reason=_TEXT),
    ),
)  # fmt: skip
