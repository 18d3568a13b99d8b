"""/v1/ops/messages: the message log and one message, by the same queries as the page and `gateway log`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.asking import FIELDS, AskFault, asked, filter_of
from gateway.console.guard import requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
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


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required or properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_BRIEF: dict[str, Any] = {
    **dict.fromkeys(("id", "type", "sender", "state", "application", "biz_key"), _TEXT),
    "biz_version": _NUMBER,
    "received_at": _TEXT,
    "note": _TEXT,
}
_ATTEMPT = _object(
    number=_NUMBER, at=_TEXT, state=_TEXT, status=_NUMBER, latency_ms=_NUMBER, code=_TEXT, text=_TEXT
)
_DELIVERY = _object(id=_NUMBER, receiver=_TEXT, state=_TEXT, code=_TEXT, text=_TEXT, attempts=_list(_ATTEMPT))
_EVENT = _object(at=_TEXT, stage=_TEXT, detail={"type": "object"})
_ASKED = tuple(Parameter(field.name, field.zh, field.en) for field in FIELDS)
CALLS = (
    Call(
        "GET", "/messages", show_messages, "检索报文", "Search the message log, newest first",
        _object(messages=_list(_object(**_BRIEF)), older=_TEXT),
        (
            *_ASKED,
            Parameter("before", "上一页的 older", "`older` of the page before"),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST}),
        ),
    ),
    Call(
        "GET", "/messages/{id}", show_message, "一份报文的经过", "One message with its stages and attempts",
        _object(**_BRIEF, events=_list(_EVENT), deliveries=_list(_DELIVERY)),
        (Parameter("id", "网关编号", "message id"),),
    ),
)  # fmt: skip
