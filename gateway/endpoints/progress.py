"""Step 7: GET /v1/applications/{no} and GET /v1/applications?…: the progress of payment applications.

Seen is what the platform carries and, where a person asks (`On-Behalf-Of: <LegalCode>`), what that
subject is a party of. What may not be seen does not exist. The header is among what the signature must
cover, so that nobody on the way can put another subject in.
"""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.endpoints.signed import Caller, identify, sealed_json
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.errors import Fault, MessageError
from gateway.payments.ground import Application
from gateway.payments.progress import is_visible, item

_DAY_MS = 86_400_000
_PAGE_SIZE = 20
_MOST = 100
_SCANNED = 1000
_CODE = re.compile(r"[0-9A-Za-z]{8,18}")
_QUERY = frozenset({"contract_no", "deal", "party", "from", "to", "page", "size"})


def add(app: web.Application) -> None:
    app.router.add_get("/v1/applications", find)
    app.router.add_get("/v1/applications/{no}", show)


async def show(request: web.Request) -> web.Response:
    """One application: the Item of 6002 with its trace."""
    world = request.app[WORLD]
    caller = await identify(request, world)
    subject = _subject(request)
    application = await world.store.application(request.match_info["no"])
    if application is None or not await _may_see(world, application, caller, subject):
        raise MessageError.of(
            "progress.unknown",
            "支付申请不存在或无权查看",
            "no such payment application, or not yours to see",
            result="30003",
            status=404,
            path="no",
        )
    return sealed_json(world, caller, "6002", await _item(world, application))


async def find(request: web.Request) -> web.Response:
    """{Total, PageNo, PageSize, Items}: newest first; the conditions add up."""
    world = request.app[WORLD]
    caller = await identify(request, world)
    subject = _subject(request)
    query = _read_query(request)
    party = query["party"] or subject
    _, rows = await world.store.applications(
        contract_no=query["contract_no"],
        deal=query["deal"],
        party=party,
        since=query["from"],
        until=query["to"],
        limit=_SCANNED,
    )
    seen = [row for row in rows if await _may_see(world, row, caller, subject)]
    page, size = query["page"], query["size"]
    shown = seen[(page - 1) * size : page * size]
    answer = {
        "Total": len(seen),
        "PageNo": page,
        "PageSize": size,
        "Items": [await _item(world, row) for row in shown],
    }
    return sealed_json(world, caller, "6002", answer)


def _subject(request: web.Request) -> str:
    """The LegalCode on whose behalf the platform asks; "" where it asks for itself."""
    subject = request.headers.get("On-Behalf-Of", "").strip()
    if not subject:
        return ""
    if not _CODE.fullmatch(subject):
        raise MessageError.of(
            "progress.on-behalf-of",
            "On-Behalf-Of 应为主体代码",
            "On-Behalf-Of must be a subject's code",
            result="10003",
            status=400,
            path="On-Behalf-Of",
        )
    return subject


async def _may_see(world: EndpointWorld, application: Application, caller: Caller, subject: str) -> bool:
    contract = await world.store.contract(application.contract_no)
    return is_visible(application, contract, caller.platform.id, caller.platform.kind, subject)


async def _item(world: EndpointWorld, application: Application) -> dict[str, Any]:
    names = world.standard.codes.get("status")
    return item(application, await world.store.trace(application.no), names.name)


def _read_query(request: web.Request) -> dict[str, Any]:
    faults: list[Fault] = []
    for name in request.query:
        if name not in _QUERY:
            faults.append(Fault("query.unknown", name[:60], "未知查询条件", "unknown condition"))
    found: dict[str, Any] = {
        name: request.query.get(name, "")[:128] for name in ("contract_no", "deal", "party")
    }
    found["from"] = _day(request, "from", faults)
    until = _day(request, "to", faults)
    found["to"] = until + _DAY_MS if until else 0
    found["page"] = _number(request, "page", 1, 1_000_000, faults)
    found["size"] = _number(request, "size", _PAGE_SIZE, _MOST, faults)
    if faults:
        raise MessageError(faults, status=400)
    return found


def _day(request: web.Request, name: str, faults: list[Fault]) -> int:
    """Milliseconds of the beginning of a D8 day in Shanghai; 0 if not asked."""
    text = request.query.get(name, "")
    if not text:
        return 0
    try:
        if len(text) != 8:
            raise ValueError(text)
        return int(clock.parse_t(text).timestamp() * 1000)
    except ValueError:
        faults.append(Fault("query.not-a-date", name, "应为日期 yyyyMMdd", "must be a date yyyyMMdd"))
        return 0


def _number(request: web.Request, name: str, default: int, most: int, faults: list[Fault]) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most:
        return int(text)
    faults.append(Fault("query.not-a-number", name, f"应为 1 至 {most}", f"must be 1 to {most}"))
    return default
