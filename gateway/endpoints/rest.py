"""POST /v1/messages/{type}: submit a sealed message. GET /v1/messages/{id}: what became of it."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.endpoints.bodies import read_body
from gateway.endpoints.signed import identify, sealed_json
from gateway.endpoints.tracing import trace_of
from gateway.endpoints.world import WORLD, EndpointWorld, suites_by_content_type
from gateway.errors import MessageError
from gateway.intake import Call
from gateway.store.contract import MessageRow

MAX_WAIT_S = 60
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')
_WAIT = re.compile(r"(?:^|[,;]\s*)wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)


def add(app: web.Application) -> None:
    app.router.add_post("/v1/messages/{type}", submit)
    app.router.add_get("/v1/messages/{id}", show)


async def submit(request: web.Request) -> web.Response:
    """202 with the sealed acknowledgement and receipt; a sealed refusal; or, for what could not be
    authenticated, an unsealed problem document."""
    world = request.app[WORLD]
    suite = _suite(request)
    key = _idempotency_key(request)
    limits = world.settings.gateway
    world.pressure.check(request.match_info["type"])
    with world.pressure.holding(request.content_length, limits.max_body_bytes):
        return await _receive(request, world, suite, key)


async def _receive(request: web.Request, world: EndpointWorld, suite: str, key: str) -> web.Response:
    limits = world.settings.gateway
    data = await read_body(request, limits.max_body_bytes, limits.read_s)
    call = Call(
        data=data,
        suite=suite,
        type=request.match_info["type"],
        idem_key=key,
        transport="rest",
        wait_s=float(_wait_s(request)),
        traceparent=trace_of(request),
    )
    reply = await world.intake.receive(call)
    return web.Response(
        status=reply.status,
        body=reply.data,
        headers={**reply.headers, "Content-Type": reply.content_type, "Cache-Control": "no-store"},
    )


def _suite(request: web.Request) -> str:
    known = suites_by_content_type()
    suite = known.get(request.content_type)
    if suite is None:
        accepted = ", ".join(sorted(known))
        raise MessageError.of(
            "http.content-type",
            f"不支持的 Content-Type {request.content_type}，应为 {accepted}",
            f"Content-Type {request.content_type} is not one of {accepted}",
            result="10001",
            status=415,
        )
    return suite


def _idempotency_key(request: web.Request) -> str:
    """The key, quoted (a structured field string, as the IETF draft writes it) or bare."""
    values = request.headers.getall("Idempotency-Key", [])
    if not values:
        raise MessageError.of(
            "key.missing", "缺少 Idempotency-Key", "Idempotency-Key is missing", result="10001", status=400
        )
    match = _KEY.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        raise MessageError.of(
            "key.malformed",
            "Idempotency-Key 应为一个 1 至 255 位可见字符的值",
            "Idempotency-Key must be one value of 1 to 255 visible characters",
            result="10001",
            status=400,
        )
    return match.group(1) or match.group(2)


def _wait_s(request: web.Request) -> int:
    """Seconds of `Prefer: wait=N` (RFC 7240), at most 60."""
    match = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(match.group(1)), MAX_WAIT_S) if match else 0


async def show(request: web.Request) -> web.Response:
    """State and timeline, for the message's sender and receivers; for all others it does not exist."""
    world = request.app[WORLD]
    caller = await identify(request, world)
    row = await world.store.get_message(request.match_info["id"])
    found = await _visible(world, row, caller.platform.id) if row is not None else None
    if found is None:
        raise MessageError.of(
            "message.unknown", "报文不存在或无权查看", "no such message, or not yours to see", result="30003",
            status=404,
        )  # fmt: skip
    return sealed_json(world, caller, "message", found)


async def _visible(world: EndpointWorld, row: MessageRow, platform: str) -> dict[str, Any] | None:
    deliveries = await world.store.deliveries(row.id)
    sender = row.sender == platform
    shown = [one for one in deliveries if sender or one.receiver == platform]
    if not sender and not shown:
        return None
    found: dict[str, Any] = {
        "Id": row.id,
        "Type": row.type,
        "Sender": row.sender,
        "State": str(row.state),
        "BizKey": row.biz_key,
        "BizVersion": row.biz_version,
        "Application": row.application,
        "ReceivedAt": clock.t17_of(row.received_at),
        "Deliveries": [
            {
                "Receiver": one.receiver,
                "State": str(one.state),
                "Attempts": one.attempts,
                "Code": one.last_code,
                "Text": one.last_text,
                "DoneAt": clock.t17_of(one.done_at) if one.done_at else "",
            }
            for one in shown
        ],
    }
    if sender:
        found["Timeline"] = [
            {"At": clock.t17_of(event.at), "Stage": event.stage} for event in await world.store.events(row.id)
        ]
    return found
