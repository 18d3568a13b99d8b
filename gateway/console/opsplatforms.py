"""/v1/ops of what runs: the overview, platforms with their switches, mappings, what was refused."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.clock import time_of
from gateway.console.guard import asker, requires
from gateway.console.mappings import all_mappings, errors_by_day, last_use
from gateway.console.ops import Call, Parameter, Refused, body_of, number_of, reason_of, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.overview import PULSE
from gateway.console.platforms import EVERYBODY
from gateway.console.world import WORLD
from gateway.standing import Standing, compare_with_disk, standings
from gateway.store.contract import ALL_RECEIVERS

_MOST = 1000


@requires("overview.view")
async def show_overview(request: web.Request) -> web.Response:
    """Of the look that the pages share; counts by minute, the current one last."""
    return told((await request.app[PULSE].fresh()).as_json())


@requires("platforms.view")
async def show_platforms(request: web.Request) -> web.Response:
    """With what the configuration on disk says otherwise than the one that runs."""
    world = request.app[WORLD]
    found, everybody = await standings(world.settings, world.store)
    differences, wrong = compare_with_disk(world.settings)
    return told(
        {
            "all_paused": everybody is not None,
            "platforms": [_told(one) for one in found],
            "differences": [
                {"place": one.place, "running": one.running, "on_disk": one.on_disk} for one in differences
            ],
            "findings": [str(one) for one in wrong],
        }
    )


@requires("platforms.pause")
async def pause(request: web.Request) -> web.Response:
    """Holds for all processes and nodes; what is under way is finished. `all` is everybody."""
    return await _switch(request, is_pause=True)


@requires("platforms.pause")
async def resume(request: web.Request) -> web.Response:
    return await _switch(request, is_pause=False)


async def _switch(request: web.Request, *, is_pause: bool) -> web.Response:
    world, who, name = request.app[WORLD], asker(request), request.match_info["name"]
    receiver = ALL_RECEIVERS if name == EVERYBODY else name
    if receiver != ALL_RECEIVERS and receiver not in world.settings.platforms:
        raise Refused(404)
    act = world.store.pause_receiver if is_pause else world.store.resume_receiver
    changed = await act(receiver, who.name, reason_of(await body_of(request)), origin=who.origin)
    return told({"receiver": receiver, "paused": is_pause, "changed": changed})


@requires("mappings.view")
async def show_mappings(request: web.Request) -> web.Response:
    """Those in force. `errors`: of the last seven days, today last."""
    world = request.app[WORLD]
    errors = await errors_by_day(world)
    return told(
        {
            "mappings": [
                {
                    "profile": one.profile, "type": one.number or "", "message": one.message,
                    "direction": one.direction, "version": one.version, "findings": len(one.findings),
                    "source_fields": one.coverage[1], "source_used": one.coverage[0],
                    "last_use": time_of(await last_use(world, one)),
                    "errors": errors[one.profile, one.number, one.direction],
                }
                for one in all_mappings(world)
            ]
        }
    )  # fmt: skip


@requires("messages.view")
async def show_refusals(request: web.Request) -> web.Response:
    """Newest first; every fault by its place in the sender's own words."""
    sender = request.query.get("sender", "").strip()[:20]
    rows = await request.app[WORLD].store.refusals(number_of(request, "limit", 100, 1, _MOST), sender)
    return told(
        {
            "refusals": [
                {
                    "at": time_of(one.at), "sender": one.sender, "type": one.type,
                    "faults": [
                        {"code": fault.code, "path": fault.place or fault.path, "zh": fault.zh, "en": fault.en}
                        for fault in one.faults
                    ],
                }
                for one in rows
            ]
        }
    )  # fmt: skip


def _told(one: Standing) -> dict[str, Any]:
    return {
        "id": one.platform.id, "name": one.platform.name, "state": one.state, "since": time_of(one.since),
        "why": one.why, "waiting": one.waiting, "stuck": one.stuck,
    }  # fmt: skip


_PLATFORM = object_(**texts("id", "name", "state", "since", "why"), **numbers("waiting", "stuck"))
_DIFFERENCE = object_(**texts("place", "running", "on_disk"))
_REASON = object_(reason=TEXT)
_SWITCHED = object_(receiver=TEXT, paused=FLAG, changed=FLAG)
_NAME = (Parameter("name", "平台标识；all 为全部", "node of the platform; all: everybody"),)
_MAPPING = object_(
    **texts("profile", "type", "message", "direction", "version", "last_use"),
    **numbers("findings", "source_fields", "source_used"), errors=list_(NUMBER),
)  # fmt: skip
_REFUSAL = object_(
    **texts("at", "sender", "type"), faults=list_(object_(**texts("code", "path", "zh", "en")))
)
_VIEW = object_(
    **texts("id", "state", "why"),
    **numbers("since", "waiting", "oldest_s", "stuck", "receipts_overdue", "receipts_lag_s"),
    messages=list_(NUMBER), errors=list_(NUMBER),
)  # fmt: skip
_ALARMS = object_(severity=TEXT, **numbers("firing", "acknowledged"))
_OVERVIEW = object_(
    **numbers("at", "waiting", "stuck", "receipts_overdue"), is_all_paused=FLAG, platforms=list_(_VIEW),
    messages=list_(NUMBER), errors=list_(NUMBER), alarms=list_(_ALARMS), expiring=list_({"type": "object"}),
    reconciliations=list_({"type": "object"}),
)  # fmt: skip
CALLS = (
    Call("GET", "/overview", show_overview, "总览", "The overview", _OVERVIEW),
    Call(
        "GET", "/platforms", show_platforms, "平台与路由", "Platforms: state, backlog, configuration",
        object_(
            all_paused=FLAG, platforms=list_(_PLATFORM), differences=list_(_DIFFERENCE), findings=list_(TEXT)
        ),
    ),
    Call("POST", "/platforms/{name}/pause", pause, "暂停投递", "Send nothing to it", _SWITCHED, _NAME, _REASON),
    Call("POST", "/platforms/{name}/resume", resume, "恢复投递", "Send to it again", _SWITCHED, _NAME, _REASON),
    Call(
        "GET", "/mappings", show_mappings, "映射", "Mappings in force: version, coverage, last use, errors",
        object_(mappings=list_(_MAPPING)),
    ),
    Call(
        "GET", "/refusals", show_refusals, "拒收", "What was refused, and why", object_(refusals=list_(_REFUSAL)),
        (
            Parameter("sender", "发送方", "sender"),
            Parameter("limit", "条数", "how many", {"type": "integer", "minimum": 1, "maximum": _MOST}),
        ),
    ),
)  # fmt: skip
