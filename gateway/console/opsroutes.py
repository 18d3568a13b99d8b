"""/v1/ops of what is configured: one platform whole, routes with coverage and the gateway's own keys, one mapping field by field."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from aiohttp import web

from gateway.clock import time_of
from gateway.console.certificates import Key, all_keys
from gateway.console.guard import requires
from gateway.console.ops import Call, Parameter, Refused, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.standins import compared
from gateway.console.trying import find_mapping
from gateway.console.world import WORLD
from gateway.errors import Finding
from gateway.mapping.comparison import Row
from gateway.message import GATEWAY_NODE
from gateway.settings import Platform
from gateway.standing import Standing, standings


@requires("platforms.view")
async def show_platform(request: web.Request) -> web.Response:
    """How it stands, its breaker, its limits, what it sends and receives, whom to call, its certificates."""
    world, name = request.app[WORLD], request.match_info["name"]
    found, _ = await standings(world.settings, world.store)
    standing = next((one for one in found if one.platform.id == name), None)
    if standing is None:
        raise Refused(404)
    keys = await asyncio.to_thread(all_keys, world.settings)
    return told(
        {**_standing(standing), **_configured(standing.platform), "keys": [_key(one) for one in keys[name]]}
    )


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "id": one.platform.id, "name": one.platform.name, "state": one.state, "since": time_of(one.since),
        "why": one.why, "waiting": one.waiting, "stuck": one.stuck,
        "breaker": one.health.state if one.health else "up",
    }  # fmt: skip


def _configured(one: Platform) -> dict[str, Any]:
    return {
        "connector": {
            "kind": one.connector.kind, "url": one.connector.url, "timeout_s": one.connector.timeout_s,
            "concurrency": one.connector.concurrency,
        },
        "limits": one.limits.model_dump(), "backlog": one.backlog,
        "maintenance": [
            {
                "begins": f"{window.begins:%H:%M}", "ends": f"{window.ends:%H:%M}", "days": [str(day) for day in window.days],
                "on": f"{window.on:%Y-%m-%d}" if window.on else "", "reason": window.reason,
            }
            for window in one.maintenance
        ],
        "sends": list(one.sends), "receives": list(one.receives),
        "contacts": [contact.model_dump() for contact in one.contacts],
    }  # fmt: skip


def _key(one: Key) -> dict[str, Any]:
    return asdict(one)


@requires("platforms.view")
async def show_routes(request: web.Request) -> web.Response:
    """`to` holds platforms or roles; all rows that match add up."""
    settings = request.app[WORLD].settings
    keys = await asyncio.to_thread(all_keys, settings)
    return told(
        {
            "routes": [one.model_dump() for one in settings.routes],
            "coverage": [
                {
                    "project_kind": one.project_kind, "division": one.adm_div, "treasury": one.treasury,
                    "since": f"{one.since:%Y-%m-%d}", "until": f"{one.until:%Y-%m-%d}" if one.until else "",
                }
                for one in settings.coverage.rows
            ],
            "own_keys": [_key(one) for one in keys[GATEWAY_NODE]],
        }
    )  # fmt: skip


@requires("mappings.view")
async def show_mapping(request: web.Request) -> web.Response:
    """The field comparison; without rows where the file on disk has errors: then the findings say which."""
    world, mapping = request.app[WORLD], find_mapping(request)
    checked, comparison = await asyncio.to_thread(compared, world, mapping)
    return told(
        {
            "profile": mapping.profile, "type": mapping.number or "", "message": mapping.message,
            "direction": mapping.direction, "version": mapping.version,
            "target_fields": mapping.target_coverage[1], "target_given": mapping.target_coverage[0],
            "findings": [_finding(one) for one in checked.findings],
            "rows": [_row(one) for one in comparison.rows] if comparison else [],
            "open": [one.path for one in comparison.open_] if comparison else [],
            "unused": [{"path": one.path, "ignored": ignored} for one, ignored in comparison.unused] if comparison else [],
        }
    )  # fmt: skip


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "file": one.file.rpartition("/")[2], "line": one.line, "field": one.field, "text": one.text, "code": one.code,
        "severity": one.severity,
    }  # fmt: skip


def _row(one: Row) -> dict[str, Any]:
    return {
        "target": asdict(one.target), "sources": [asdict(side) for side in one.sources], "conversion": one.conversion,
        "functions": list(one.functions), "tables": list(one.tables), "when": one.when, "each": one.each, "line": one.line,
    }  # fmt: skip


_KEY = object_(**texts("name", "kind", "subject", "thumbprint", "until", "fault"), days_left=NUMBER)
_NUMBER = {"type": "number"}
_PLATFORM = object_(
    **texts("id", "name", "state", "since", "why", "breaker"), **numbers("waiting", "stuck", "backlog"),
    connector=object_(**texts("kind", "url"), timeout_s=_NUMBER, concurrency=NUMBER),
    limits=object_(rate_per_s=_NUMBER, **numbers("burst", "concurrency")),
    maintenance=list_(object_(**texts("begins", "ends", "on", "reason"), days=list_(TEXT))),
    sends=list_(TEXT), receives=list_(TEXT), contacts=list_(object_(**texts("name", "role", "phone"))), keys=list_(_KEY),
)  # fmt: skip
_ROUTE = object_(
    **texts("type", "sender"), to=list_(TEXT), when={"type": "object", "additionalProperties": TEXT}
)
_COVERED = object_(**texts("project_kind", "division", "treasury", "since", "until"))
_SIDE = object_(**texts("path", "zh", "type", "length"), is_required=FLAG)
_ROW = object_(
    target=_SIDE, sources=list_(_SIDE), functions=list_(TEXT), tables=list_(TEXT), line=NUMBER,
    **texts("conversion", "when", "each"),
)  # fmt: skip
_FINDING = object_(**texts("file", "field", "text", "code", "severity"), line=NUMBER)
_MAPPING = object_(
    **texts("profile", "type", "message", "direction", "version"), **numbers("target_fields", "target_given"),
    findings=list_(_FINDING), rows=list_(_ROW), open=list_(TEXT), unused=list_(object_(path=TEXT, ignored=FLAG)),
)  # fmt: skip
CALLS = (
    Call(
        "GET", "/platforms/{name}", show_platform, "一个平台", "One platform: state, breaker, limits, contacts, keys",
        _PLATFORM, (Parameter("name", "平台标识", "node of the platform"),),
    ),
    Call(
        "GET", "/routes", show_routes, "路由、支付平台覆盖与网关密钥", "Routes, coverage of the treasuries, the gateway's own keys",
        object_(routes=list_(_ROUTE), coverage=list_(_COVERED), own_keys=list_(_KEY)),
    ),
    Call(
        "GET", "/mappings/{profile}/{name}/{direction}", show_mapping, "映射的字段对照与问题",
        "One mapping: findings and the field comparison", _MAPPING,
        (
            Parameter("profile", "方言", "profile"), Parameter("name", "映射的报文名（/mappings 的 message）", "`message` of /mappings"),
            Parameter("direction", "in 或 out", "in or out", {"type": "string", "enum": ["in", "out"]}),
        ),
    ),
)  # fmt: skip
