"""/v1/ops/messages: the message log and one message, by the same queries as the page and `gateway log`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.clock import time_of
from gateway.console.asking import FIELDS, AskFault, asked, filter_of
from gateway.console.exports import export_for_script
from gateway.console.guard import current_user, requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, object_, texts
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
        wanted = filter_of(asked(request.query), limit=limit, before=before)
    except AskFault as fault:
        raise Refused(422, detail=str(fault)) from fault
    page = await world.store.search_page(wanted)
    return told(
        {"messages": [brief(row, world.masker(row)) for row in page.rows], "older": page.older},
    )


@requires("messages.view")
async def show_filters(request: web.Request) -> web.Response:
    """Those that the user keeps in the console; a `query` is what `/messages` takes."""
    kept = await request.app[WORLD].store.filters(current_user(request).name)
    return told(
        {
            "filters": [
                {"title": one.title, "query": one.query, "saved_at": time_of(one.saved_at)} for one in kept
            ]
        }
    )


@requires("messages.view")
async def show_message(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    row = await world.store.get_message(request.match_info["id"])
    if row is None:
        raise Refused(404)
    return told(await whole(world.store, row, world.masker(row)))


MESSAGE: dict[str, Any] = {
    **dict.fromkeys(("id", "type", "sender", "state", "application", "biz_key"), TEXT),
    "biz_version": NUMBER,
    "received_at": TEXT,
    "note": TEXT,
}
_NAMED: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}
_ATTEMPT = object_(
    number=NUMBER, at=TEXT, state=TEXT, status=NUMBER, latency_ms=NUMBER, code=TEXT, text=TEXT,
    headers=object_(sent=_NAMED, answered=_NAMED, cut=FLAG), answer=TEXT,
)  # fmt: skip
_DELIVERY = object_(
    id=NUMBER,
    **texts("receiver", "state", "key", "mapping", "due_at", "code", "text"),
    attempts=list_(_ATTEMPT),
)
_EVENT = object_(at=TEXT, stage=TEXT, detail={"type": "object"})
_ASKED = tuple(Parameter(field.name, field.zh, field.en) for field in FIELDS)
CALLS = (
    Call(
        "GET", "/messages", show_messages, "检索报文", "Search the message log, newest first",
        object_(messages=list_(object_(**MESSAGE)), older=TEXT),
        (
            *_ASKED,
            Parameter("before", "上一页的 older", "`older` of the page before"),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST}),
        ),
    ),
    Call(
        "GET", "/messages.csv", export_for_script, "导出报文（CSV）", "Messages as CSV, masked; the export is audited", TEXT,
        _ASKED, media="text/csv",
    ),
    Call(
        "GET", "/filters", show_filters, "本人保存的查询", "Searches that the caller keeps",
        object_(filters=list_(object_(**texts("title", "query", "saved_at")))),
    ),
    Call(
        "GET", "/messages/{id}", show_message, "一份报文的经过", "One message with its stages and attempts",
        object_(**MESSAGE, **texts("suite", "transport", "idem_key", "fingerprint"), events=list_(_EVENT), deliveries=list_(_DELIVERY)),
        (Parameter("id", "网关编号", "message id"),),
    ),
)  # fmt: skip
