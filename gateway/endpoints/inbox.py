"""POST /v1/inbox/lease · POST /v1/inbox/confirm: pull mode, for platforms that cannot be called.

A lease answers {Items, LeaseS, Paused}; each item is sealed for the platform as a delivery would be, so it is
opened and judged in the same way. A confirmation names each item by Id and Lease: in Taken what the platform has, in
Failed what it could not take, with Code and Text; `Final` true says that it never will (a dead letter, its sender
is told), else it comes again by the schedule. Both calls may be repeated: a confirmation that came twice answers
the same twice.
"""

from __future__ import annotations

import base64
from typing import Any

import orjson
from aiohttp import web

from gateway.endpoints.signed import Caller, identify_with_body, sealed_json
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.errors import Fault, MessageError
from gateway.formats import read_json
from gateway.inbox import MOST, Leased, Word

_USUAL = 20
_TEXT_CHARS = {"Lease": 200, "Code": 40, "Text": 500}


def add(app: web.Application) -> None:
    app.router.add_post("/v1/inbox/lease", lease)
    app.router.add_post("/v1/inbox/confirm", confirm)


async def lease(request: web.Request) -> web.Response:
    """{Most?} → {Items: [{Id, Lease, Type, Key, Attempt, Sealed, Files}], LeaseS, Paused}."""
    world = request.app[WORLD]
    caller, data = await _identify(request, world)
    faults = [_unknown(name) for name in data if name != "Most"]
    most = data.get("Most", _USUAL)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST:
        faults.append(Fault("json.not-a-number", "Most", f"应为 1 至 {MOST}", f"must be 1 to {MOST}"))
    if faults:
        raise MessageError(faults)
    platform = caller.platform
    items = await world.inbox.lease(platform, most)
    answer = {
        "Items": [_item(one) for one in items],
        "LeaseS": platform.connector.lease_s,
        "Paused": not items and await world.inbox.is_paused(platform.id),
    }
    return sealed_json(world, caller, "inbox", answer)


async def confirm(request: web.Request) -> web.Response:
    """{Taken: [{Id, Lease}], Failed: [{Id, Lease, Code, Text?, Final?}]} → ids {Taken, Failed, Lost, Unknown}."""
    world = request.app[WORLD]
    caller, data = await _identify(request, world)
    faults = [_unknown(name) for name in data if name not in ("Taken", "Failed")]
    words = [*_words(data, "Taken", faults), *_words(data, "Failed", faults)]
    if faults:
        raise MessageError(faults)
    told = await world.inbox.confirm(caller.platform, words)
    answer = {"Taken": told.taken, "Failed": told.failed, "Lost": told.lost, "Unknown": told.unknown}
    return sealed_json(world, caller, "inbox", answer)


async def _identify(request: web.Request, world: EndpointWorld) -> tuple[Caller, dict[str, Any]]:
    caller, body = await identify_with_body(request, world)
    if caller.platform.connector.kind != "inbox":
        raise MessageError.of(
            "inbox.not-agreed", "本平台未约定收件箱方式", "this platform is called; it has no inbox", result="20007"
        )  # fmt: skip
    data = read_json(body)
    if not isinstance(data, dict):
        raise MessageError.of(
            "json.not-an-object", "请求体应为 JSON 对象", "the body must be a JSON object", result="10001"
        )
    return caller, data


def _item(one: Leased) -> dict[str, Any]:
    claimed = one.claimed
    return {
        "Id": claimed.delivery_id,
        "Lease": claimed.token,
        "Type": claimed.type,
        "Key": claimed.delivery_key,
        "Attempt": claimed.attempt,
        "Sealed": base64.b64encode(one.sealed).decode(),
        "Files": orjson.loads(claimed.files) if claimed.files else [],
    }


def _words(data: dict[str, Any], name: str, faults: list[Fault]) -> list[Word]:
    listed = data.get(name, [])
    if not isinstance(listed, list) or len(listed) > MOST:
        faults.append(
            Fault("json.not-a-list", name, f"应为至多 {MOST} 项的列表", f"a list of at most {MOST}")
        )
        return []
    known = ("Id", "Lease") if name == "Taken" else ("Id", "Lease", "Code", "Text", "Final")
    found = []
    for at, one in enumerate(listed, 1):
        place = f"{name}[{at}]"
        if not isinstance(one, dict):
            faults.append(Fault("json.not-an-object", place, "应为对象", "must be an object"))
            continue
        before = len(faults)
        faults.extend(_unknown(f"{place}/{field}"[:100]) for field in one if field not in known)
        faults.extend(_item_faults(one, place, name == "Failed"))
        if len(faults) == before:
            found.append(
                Word(
                    one["Id"], one["Lease"], one.get("Code", ""), one.get("Text", ""), one.get("Final", False)
                )
            )
    return found


def _item_faults(one: dict[str, Any], place: str, is_failed: bool) -> list[Fault]:
    faults = []
    number = one.get("Id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**63:
        faults.append(Fault("json.not-a-number", f"{place}/Id", "应为投递编号", "must be a delivery's id"))
    for name in ("Lease", "Code") if is_failed else ("Lease",):
        if not one.get(name):
            faults.append(Fault("json.missing-field", f"{place}/{name}", "缺少必填项", "is missing"))
    for name, most in _TEXT_CHARS.items():
        value = one.get(name, "")
        if not isinstance(value, str) or len(value) > most:
            faults.append(
                Fault(
                    "json.not-text", f"{place}/{name}", f"应为至多 {most} 字的文本", f"text of at most {most}"
                )
            )
    if not isinstance(one.get("Final", False), bool):
        faults.append(
            Fault("json.not-boolean", f"{place}/Final", "应为 true 或 false", "must be true or false")
        )
    return faults


def _unknown(path: str) -> Fault:
    return Fault("json.unknown-field", path[:100], "未知字段", "unknown field")
