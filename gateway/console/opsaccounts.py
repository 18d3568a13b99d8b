"""/v1/ops of people: users and the audit, for the administrators who keep them. Users are changed in the console
and by `gateway user`, where links are shown once."""

from __future__ import annotations

from dataclasses import asdict, replace

from aiohttp import web

from gateway.clock import time_of
from gateway.console.audits import FIELDS, filter_of, wanted_of
from gateway.console.guard import requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.world import WORLD

_MOST = 1000
_LAST = 2**53


@requires("users.manage")
async def show_users(request: web.Request) -> web.Response:
    return told(
        {
            "users": [
                {
                    "name": one.name, "title": one.title, "roles": list(one.roles), "state": one.state,
                    "scope": {name: list(many) for name, many in asdict(one.scope).items()},
                    "has_second_factor": bool(one.totp), "failures": one.failures,
                    "created_at": time_of(one.created_at), "signed_in_at": time_of(one.signed_in_at),
                }
                for one in await request.app[WORLD].store.users()
            ]
        }
    )  # fmt: skip


@requires("audit.view")
async def show_audit(request: web.Request) -> web.Response:
    """Newest first. `older`: what to give as `before` for the next page; 0 at the end."""
    wanted, fault = wanted_of(request)
    if fault:
        raise Refused(422, detail="since, until: expected yyyy-MM-dd")
    limit = number_of(request, "limit", 100, 1, _MOST)
    before = number_of(request, "before", 0, 0, _LAST)
    rows = await request.app[WORLD].store.find_acts(
        replace(filter_of(wanted), before=before, limit=limit + 1)
    )
    shown = rows[:limit]
    return told(
        {
            "acts": [{**asdict(one), "at": time_of(one.at), "detail": dict(one.detail)} for one in shown],
            "older": shown[-1].id if len(rows) > limit else 0,
        }
    )


_USER = object_(
    **texts("name", "title", "state", "created_at", "signed_in_at"), roles=list_(TEXT), failures=NUMBER,
    scope={"type": "object"}, has_second_factor=FLAG,
)  # fmt: skip
_ACT = object_(
    **texts("at", "actor", "act", "subject", "reason", "origin", "hash"),
    **numbers("id"),
    detail={"type": "object"},
)
_ASKED = {
    "actor": ("何人", "who"), "act": ("何事", "what"), "subject": ("对象", "to what"), "text": ("理由或细节中的文字", "words of reason or detail"),
    "since": ("自 yyyy-MM-dd", "from the day yyyy-MM-dd"), "until": ("至 yyyy-MM-dd", "to the day yyyy-MM-dd"),
}  # fmt: skip
CALLS = (
    Call("GET", "/users", show_users, "用户", "Users, without anything secret", object_(users=list_(_USER))),
    Call(
        "GET", "/audit", show_audit, "审计", "The audit, newest first", object_(acts=list_(_ACT), older=NUMBER),
        (
            *(Parameter(name, *_ASKED[name]) for name in FIELDS),
            Parameter("before", "上一页的 older", "`older` of the page before", {"type": "integer", "minimum": 0, "maximum": _LAST}),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST}),
        ),
    ),
)  # fmt: skip
