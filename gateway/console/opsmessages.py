"""/v1/ops/messages: the message log and one message, by the same queries as the page and `gateway log`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.asking import FIELDS, AskFault, asked, filter_of
from gateway.console.guard import requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
from gateway.console.opsschema import NUMBER, TEXT, list_, object_
from gateway.console.told import brief, whole
from gateway.console.world import WORLD

_MOST = 1000


@requires("messages.view")
async def show_messages(request: web.Request) -> web.Response:
    """Newest first. `older`: what to give as `before` for the next page; "" at the end."""
    world = request.app[WORLD]
    unknown = sorted(set(request.query) - {field.name for field in FIELDS} - {"before", "limit"})
    if unknown:
        raise Refused(422, "unknown-field", ", ".join(unknown)[:200])
    limit = number_of(request, "limit", 50, 1, _MOST)
    before = request.query.get("before", "")
    try:
        wanted = filter_of(asked(request.query), limit=limit + 1, before=before)
    except AskFault as fault:
        raise Refused(422, detail=str(fault)) from fault
    rows = await world.store.search(wanted)
    shown = rows[:limit]
    return told(
        {
            "messages": [brief(row, world.masker(row)) for row in shown],
            "older": shown[-1].id if len(rows) > limit else "",
        }
    )


@requires("messages.view")
async def show_message(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    row = await world.store.get_message(request.match_info["id"])
    if row is None:
        raise Refused(404)
    return told(await whole(world.store, row, world.masker(row)))


_BRIEF: dict[str, Any] = {
    **dict.fromkeys(("id", "type", "sender", "state", "application", "biz_key"), TEXT),
    "biz_version": NUMBER,
    "received_at": TEXT,
    "note": TEXT,
}
_ATTEMPT = object_(number=NUMBER, at=TEXT, state=TEXT, status=NUMBER, latency_ms=NUMBER, code=TEXT, text=TEXT)
_DELIVERY = object_(id=NUMBER, receiver=TEXT, state=TEXT, code=TEXT, text=TEXT, attempts=list_(_ATTEMPT))
_EVENT = object_(at=TEXT, stage=TEXT, detail={"type": "object"})
_ASKED = tuple(Parameter(field.name, field.zh, field.en) for field in FIELDS)
CALLS = (
    Call(
        "GET", "/messages", show_messages, "检索报文", "Search the message log, newest first",
        object_(messages=list_(object_(**_BRIEF)), older=TEXT),
        (
            *_ASKED,
            Parameter("before", "上一页的 older", "`older` of the page before"),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST}),
        ),
    ),
    Call(
        "GET", "/messages/{id}", show_message, "一份报文的经过", "One message with its stages and attempts",
        object_(**_BRIEF, events=list_(_EVENT), deliveries=list_(_DELIVERY)),
        (Parameter("id", "网关编号", "message id"),),
    ),
)  # fmt: skip
