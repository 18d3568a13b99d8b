"""The seamless jump 无感跳转: POST /v1/tickets issues a one-time ticket, POST /v1/tickets/redeem uses it up.

The platform where the person signed in issues; only the target platform can redeem, once, within the
configured time (at most 60 seconds). The gateway keeps the ticket's hash, never the ticket.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from gateway import clock
from gateway.answers import ticket_reply
from gateway.endpoints.signed import identify_with_body, sealed_json
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.errors import Fault, MessageError
from gateway.formats import read_json
from gateway.security.tickets import new_ticket, ticket_hash
from gateway.settings import Platform
from gateway.store.contract import TicketRow

_SUBJECT = {
    "UserId": 64, "LegalCode": 18, "LegalName": 200, "UserName": 50, "Roles": 50, "AuthMethod": 2,
    "SessionId": 64,
}  # fmt: skip
_REQUIRED = ("UserId", "LegalCode", "LegalName", "AuthMethod", "SessionId")  # as 1902 has them
_FIELDS = {"Target": 20, "TargetUrl": 500, "BizContext": 200, "ClientIp": 45}


def add(app: web.Application) -> None:
    app.router.add_post("/v1/tickets", issue)
    app.router.add_post("/v1/tickets/redeem", redeem)


async def issue(request: web.Request) -> web.Response:
    """{Target, TargetUrl?, BizContext?, ClientIp?, Subject{…}} → {Ticket, ExpiresAt, TargetUrl}."""
    world = request.app[WORLD]
    caller, body = await identify_with_body(request, world)
    wanted, subject = _read_issue(body)
    _check_subject(world, subject)
    target = _target(world, wanted, caller.platform)
    ticket = new_ticket()
    now_ms = clock.now_ms()
    row = TicketRow(
        hash=ticket_hash(ticket),
        source=caller.platform.id,
        target=target.id,
        subject=subject,
        context=wanted.get("BizContext", ""),
        target_url=wanted.get("TargetUrl", ""),
        client_ip=wanted.get("ClientIp", ""),
        issued_at=now_ms,
        expires_at=now_ms + world.settings.gateway.ticket_s * 1000,
    )
    await world.store.issue_ticket(row)
    answer = {
        "Ticket": ticket,
        "ExpiresAt": clock.t14_of(row.expires_at),
        "TargetUrl": row.target_url,
    }
    return sealed_json(world, caller, "ticket", answer, status=201)


async def redeem(request: web.Request) -> web.Response:
    """{Ticket, ClientIp?} → the body of 1902, with Source, BizContext and TargetUrl."""
    world = request.app[WORLD]
    caller, body = await identify_with_body(request, world)
    asked, faults = _texts(_object(body), {"Ticket": 128, "ClientIp": 45}, "")
    if not asked.get("Ticket"):
        faults.append(_missing("Ticket"))
    if faults:
        raise MessageError(faults)
    row = await world.store.redeem_ticket(
        ticket_hash(asked["Ticket"]), caller.platform.id, clock.now_ms(), asked.get("ClientIp", "")
    )
    if row is None:
        raise MessageError.of(
            "ticket.invalid",
            "票据无效、已使用、已过期或不属于本平台",
            "the ticket is unknown, used, expired or for another platform",
            result="20006",
            path="Ticket",
        )
    answer = ticket_reply(row) | {
        "Source": row.source,
        "BizContext": row.context,
        "TargetUrl": row.target_url,
    }
    return sealed_json(world, caller, "1902", answer)


def _read_issue(body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    data = _object(body)
    subject = data.pop("Subject", None)
    wanted, faults = _texts(data, _FIELDS, "")
    if isinstance(subject, dict):
        person, more = _texts(subject, _SUBJECT, "Subject/")
        faults += more
        faults += [_missing(f"Subject/{name}") for name in _REQUIRED if not person.get(name)]
    else:
        person = {}
        faults.append(_missing("Subject"))
    if not wanted.get("Target"):
        faults.append(_missing("Target"))
    if faults:
        raise MessageError(faults)
    return wanted, person


def _check_subject(world: EndpointWorld, subject: dict[str, str]) -> None:
    """Whoever redeems the ticket gets a 1902: what could not stand in one is told now, to who can mend it."""
    now = clock.now_ms()
    told = ticket_reply(TicketRow("", "", "", subject, "", "", "", now, now))
    faults = world.standard.validate("1902", told, on=clock.now().date())
    if faults:
        raise MessageError([replace(fault, path=f"Subject/{fault.path}") for fault in faults])


def _target(world: EndpointWorld, wanted: dict[str, str], source: Platform) -> Platform:
    """The target platform; its registered addresses must cover the deep link."""
    target = world.settings.platforms.get(wanted["Target"])
    if target is None or target.id == source.id:
        raise MessageError.of(
            "ticket.target",
            "目标平台不存在",
            "there is no such target platform",
            result="30002",
            path="Target",
        )
    url = wanted.get("TargetUrl", "")
    if url and not any(covers(registered, url) for registered in target.jump_urls):
        raise MessageError.of(
            "ticket.target-url",
            "跳转地址不在目标平台登记的地址之内",
            "the address is not within those that the target platform registered",
            result="20007",
            path="TargetUrl",
        )
    return target


def covers(registered: str, url: str) -> bool:
    """Is `url` at or below `registered`: same scheme, host and port, and a path below it?"""
    if any(letter in url for letter in "\\\r\n\t ") or "/../" in url + "/" or "%2e" in url.lower():
        return False
    try:
        base, wanted = urlsplit(registered), urlsplit(url)
        same = (base.scheme, base.hostname, base.port) == (wanted.scheme, wanted.hostname, wanted.port)
    except ValueError:
        return False
    folder = base.path if base.path.endswith("/") else base.path + "/"
    below = wanted.path == base.path or (wanted.path or "/").startswith(folder)
    return same and below and "@" not in wanted.netloc


def _object(body: bytes) -> dict[str, Any]:
    data = read_json(body)
    if not isinstance(data, dict):
        raise MessageError.of(
            "json.not-an-object", "请求体应为 JSON 对象", "the body must be a JSON object", result="10001"
        )
    return data


def _texts(data: dict[str, Any], known: dict[str, int], prefix: str) -> tuple[dict[str, str], list[Fault]]:
    found: dict[str, str] = {}
    faults: list[Fault] = []
    for name, value in data.items():
        path = f"{prefix}{name}"[:100]
        if name not in known:
            faults.append(Fault("json.unknown-field", path, "未知字段", "unknown field"))
        elif not isinstance(value, str):
            faults.append(Fault("json.not-text", path, "应为文本", "must be text"))
        elif len(value) > known[name]:
            most = known[name]
            faults.append(
                Fault("json.too-long", path, f"不得超过 {most} 个字符", f"at most {most} characters")
            )
        else:
            found[name] = value
    return found, faults


def _missing(path: str) -> Fault:
    return Fault("json.missing-field", path, "缺少必填项", "is missing")
