"""/v1/ops/deliveries: what waits for a person, by cause; acts on it in bulk, with a second person's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from gateway.clock import time_of
from gateway.console.acting import ACTING
from gateway.console.deliveries import (
    FIELDS,
    MOST,
    begin,
    decided,
    filter_of,
    foreseen,
    needs_second,
    request_row,
    shown,
    start_again,
    told_of,
)
from gateway.console.guard import asker, requires
from gateway.console.ops import Call, Parameter, Refused, body_of, number_of, reason_of, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.world import WORLD
from gateway.deadletters import ACTIONS, Act, find_all
from gateway.store.contract import DeliveryRow, RequestCount, RequestRow, ResolveRefused


@requires("deliveries.view")
async def show_stuck(request: web.Request) -> web.Response:
    """Oldest first."""
    world = request.app[WORLD]
    wanted = {name: request.query.get(name, "").strip()[:64] for name in FIELDS}
    rows = await find_all(world.store, filter_of(wanted), number_of(request, "limit", 100, 1, MOST))
    causes = [asdict(one) for one in await world.store.stuck_causes()]
    return told({"causes": causes, "deliveries": [_told(await shown(world, one)) for one in rows]})


@requires("deliveries.resolve")
async def foresee(request: web.Request) -> web.Response:
    """What would come of an act on each of the deliveries; nothing is done."""
    world, given = request.app[WORLD], await body_of(request)
    act, numbers = _act(request, given), _numbers(given)
    rows = [row for one in numbers if (row := await world.store.delivery(one)) is not None]
    outcomes = [await foreseen(world, one) for one in await request.app[ACTING].resolver.foresee(rows, act)]
    return told(
        {
            "outcomes": [
                {"delivery": one.row.id, "result": one.result, "is_refused": one.is_refused}
                for one in outcomes
            ],
            "needs_second": await needs_second(request, len(outcomes)),
        }
    )


@requires("deliveries.resolve")
async def ask(request: web.Request) -> web.Response:
    """Begins the act on the deliveries, or leaves it for a second person."""
    given = await body_of(request)
    return told(await _request(request, await begin(request, _act(request, given), _numbers(given))))


@requires("deliveries.view")
async def show_requests(request: web.Request) -> web.Response:
    """Newest first; those in state `asked` wait for a second person."""
    world = request.app[WORLD]
    rows = await world.store.requests(number_of(request, "limit", 50, 1, MOST))
    return told({"requests": [_brief(one, await world.store.request_count(one.id)) for one in rows]})


@requires("deliveries.view")
async def show_request(request: web.Request) -> web.Response:
    return told(await _request(request, await request_row(request)))


@requires("deliveries.approve")
async def decide(request: web.Request) -> web.Response:
    given, row = await body_of(request), await request_row(request)
    if type(given.get("approved")) is not bool:
        raise Refused(400, detail="approved: expected true or false")
    try:
        row = await decided(request, row, reason_of(given), approved=given["approved"])
    except ResolveRefused as error:
        raise Refused(409, error.code, str(error)) from error
    return told(await _request(request, row))


@requires("deliveries.resolve")
async def go_on(request: web.Request) -> web.Response:
    row = await request_row(request)
    start_again(request, row)
    return told(await _request(request, row))


def _act(request: web.Request, given: dict[str, Any]) -> Act:
    who, action = asker(request), given.get("action")
    if action not in ACTIONS:
        raise Refused(400, detail=f"action: expected one of {', '.join(ACTIONS)}")
    return Act(str(action), who.name, reason_of(given), given.get("sure") is True, who.origin)


def _numbers(given: dict[str, Any]) -> Sequence[int]:
    found = given.get("deliveries")
    if not isinstance(found, list) or not found or not all(type(one) is int for one in found):
        raise Refused(400, detail="deliveries: expected a list of numbers")
    if len(found) > MOST:
        raise Refused(413, detail=f"deliveries: at most {MOST}")
    return list(dict.fromkeys(found))


async def _request(request: web.Request, row: RequestRow) -> dict[str, Any]:
    world = request.app[WORLD]
    items = [(await told_of(world, one))[0] for one in await world.store.request_items(row.id)]
    return _brief(row, await world.store.request_count(row.id)) | {
        "results": [
            {"delivery": one.delivery_id, "result": one.result, "is_refused": one.is_refused} for one in items
        ],
    }


def _brief(row: RequestRow, counted: RequestCount) -> dict[str, Any]:
    return {
        "id": row.id, "action": row.action, "reason": row.reason, "actor": row.actor, "state": row.state,
        "asked_at": time_of(row.asked_at), "approver": row.approver, "word": row.word,
        "ended_at": time_of(row.ended_at), "items": counted.items, "told": counted.told,
        "refused": counted.refused,
    }  # fmt: skip


def _told(one: DeliveryRow) -> dict[str, Any]:
    return {
        "id": one.id, "message_id": one.message_id, "type": one.type, "receiver": one.receiver,
        "line": one.line, "state": str(one.state), "attempts": one.attempts,
        "code": one.last_code, "text": one.last_text,
    }  # fmt: skip


_CAUSE = object_(**texts("receiver", "type", "state", "code"), **numbers("count", "oldest", "newest"))
_DELIVERY = object_(
    **texts("message_id", "type", "receiver", "line", "state", "code", "text"),
    **numbers("id", "attempts"),
)
_RESULT = list_(object_(delivery=NUMBER, result=TEXT, is_refused=FLAG))
_BRIEF = {
    **texts("id", "action", "reason", "actor", "state", "asked_at", "approver", "word", "ended_at"),
    **numbers("items", "told", "refused"),
}
_REQUEST = object_(**_BRIEF, results=_RESULT)
_ACT = object_(
    ("action", "reason", "deliveries"), action={"type": "string", "enum": list(ACTIONS)}, reason=TEXT,
    deliveries={"type": "array", "items": NUMBER, "minItems": 1, "maxItems": MOST}, sure=FLAG,
)  # fmt: skip
_ID = (Parameter("id", "请求编号", "id of the request"),)
_ASKED = {
    "receiver": ("接收方", "receiver"), "type": ("报文类型", "message type"), "code": ("原因代码", "code of the cause"),
    "state": ("dead 或 unknown", "dead or unknown"), "since": ("自 yyyy-MM-dd", "from the day yyyy-MM-dd"),
    "until": ("至 yyyy-MM-dd", "to the day yyyy-MM-dd"),
}  # fmt: skip
CALLS = (
    Call(
        "GET", "/deliveries/stuck", show_stuck, "滞留投递及其原因", "Deliveries that wait for a person, and causes",
        object_(causes=list_(_CAUSE), deliveries=list_(_DELIVERY)),
        (
            *(Parameter(name, *_ASKED[name]) for name in FIELDS),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": MOST}),
        ),
    ),
    Call(
        "POST", "/deliveries/preview", foresee, "预览处置结果", "What would come of an act; nothing is done",
        object_(outcomes=_RESULT, needs_second=FLAG), body=_ACT,
    ),
    Call(
        "POST", "/deliveries/requests", ask, "处置滞留投递", "Act on deliveries; many wait for a second person",
        _REQUEST, body=_ACT,
    ),
    Call(
        "GET", "/deliveries/requests", show_requests, "处置请求，最新在前",
        "Acts that were asked for, newest first; those in state asked wait for a second person",
        object_(requests=list_(object_(**_BRIEF))),
        (Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": MOST}),),
    ),
    Call(
        "POST", "/deliveries/requests/{id}/go-on", go_on, "继续执行中断的处置",
        "Go on with an act whose process ended; nothing where it is under way", _REQUEST, _ID,
    ),
    Call("GET", "/deliveries/requests/{id}", show_request, "处置进度", "How far an act is", _REQUEST, _ID),
    Call(
        "POST", "/deliveries/requests/{id}/decide", decide, "复核处置请求", "A second person's yes or no", _REQUEST,
        _ID, body=object_(approved=FLAG, reason=TEXT),
    ),
)  # fmt: skip
