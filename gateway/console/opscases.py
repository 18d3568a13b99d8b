"""/v1/ops/applications: payment applications, one with its trace, and sums, within the bounds of whoever asks."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway import clock
from gateway.clock import time_of
from gateway.console.applications import FIELDS, PAGE_ROWS, chosen, contacts_of, find, holder_of
from gateway.console.guard import current_user, requires
from gateway.console.ops import Call, Parameter, Refused, number_of, told
from gateway.console.opsschema import FLAG, NUMBER, TEXT, list_, numbers, object_, texts
from gateway.console.steps import seven_steps
from gateway.console.totals import GROUPS, Sum, grouped
from gateway.console.world import WORLD, ConsoleWorld
from gateway.payments.authorities import is_within
from gateway.payments.ground import Application
from gateway.payments.overdue import days_overdue, due_day

_MOST_PAGE = 100_000


@requires("applications.view")
async def show_applications(request: web.Request) -> web.Response:
    """Newest first, 50 a page."""
    world, today = request.app[WORLD], clock.now().date()
    wanted = {name: request.query.get(name, "").strip()[:128] for name in FIELDS}
    page = number_of(request, "page", 1, 1, _MOST_PAGE)
    total, rows = await find(world, wanted, page, current_user(request).scope, today)
    return told({"total": total, "page": page, "applications": [_brief(world, one) for one in rows]})


@requires("applications.view")
async def show_application(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    one = await world.store.application(request.match_info["no"])
    if one is None or not is_within(current_user(request).scope, one, world.settings.authorities):
        raise Refused(404)
    trace = await world.store.trace(one.no)
    contract = await world.store.contract(one.contract_no)
    return told(
        {
            **_brief(world, one),
            "payees": list(one.payees),
            "contacts": [person.model_dump() for person in contacts_of(one, world)],
            "steps": [
                {"number": step.number, "mark": step.mark, "at": time_of(step.at)} for step in seven_steps(one, trace)
            ],
            "contract": None if contract is None else {
                "no": contract.no, "deal": contract.unified_deal_code, "price_fen": contract.price_fen, "open_fen": contract.open_fen,
                "paid_fen": contract.paid_fen,
            },
            "trace": [
                {
                    "at": time_of(step.at), "type": step.msg_no, "from": step.old_state, "to": step.new_state,
                    "node": step.node, "result": step.result, "reason": step.reason, "org": step.org,
                    "applied": step.applied, "message_id": step.message_id,
                }
                for step in trace
            ],
        }
    )  # fmt: skip


@requires("applications.view")
async def show_totals(request: web.Request) -> web.Response:
    """What a department may not see is not even counted. Paid is what was paid and not refunded."""
    world = request.app[WORLD]
    wanted = {name: request.query.get(name, "").strip()[:64] for name in ("authority", "division", "kind")}
    rows = await world.store.application_totals(
        scope=current_user(request).scope, also=chosen(wanted), authorities=world.settings.authorities
    )
    return told(
        {
            name: [
                _sum(zh, en)
                for zh, en in zip(
                    grouped(world, rows, name, "zh"), grouped(world, rows, name, "en"), strict=True
                )
            ]
            for name in GROUPS
        }
    )


def _sum(zh: Sum, en: Sum) -> dict[str, Any]:
    return {
        "name": zh.name, "title_zh": zh.title, "title_en": en.title, "count": zh.count, "app_fen": zh.app_fen,
        "approved_fen": zh.approved_fen, "paid_fen": zh.paid_fen,
    }  # fmt: skip


def _brief(world: ConsoleWorld, one: Application) -> dict[str, Any]:
    calendar, today = world.settings.calendar, clock.now().date()
    due = due_day(one, calendar)
    authority = world.settings.authorities.find(
        one.tenderer, one.adm_div, clock.from_ms(one.opened_at).date()
    )
    return {
        "no": one.no, "contract_no": one.contract_no, "state": one.state, "since": time_of(one.state_at),
        "opened_at": time_of(one.opened_at), "stands_at": holder_of(one, world), "owner": one.owner,
        "treasury": one.treasury, "tenderer": one.tenderer, "division": one.adm_div, "kind": one.project_kind,
        "app_fen": one.app_fen, "approved_fen": one.approved_fen, "paid_fen": one.paid_fen,
        "refunded_fen": one.refunded_fen, "due": f"{due:%Y-%m-%d}" if due else "",
        "days_overdue": days_overdue(one, calendar, today) or 0, "authority": authority.name if authority else "",
    }  # fmt: skip


_BRIEF: dict[str, Any] = {
    **texts("no", "contract_no", "state", "since", "opened_at", "stands_at", "owner", "treasury", "tenderer"),
    **texts("division", "kind", "due", "authority"),
    **numbers("app_fen", "approved_fen", "paid_fen", "refunded_fen", "days_overdue"),
}
_STEP = object_(
    **texts("at", "type", "from", "to", "node", "result", "reason", "org", "message_id"), applied=FLAG
)
_CONTRACT = {
    **object_(no=TEXT, deal=TEXT, **numbers("price_fen", "open_fen", "paid_fen")),
    "type": ["object", "null"],
}
_SUMS = list_(
    object_(
        **texts("name", "title_zh", "title_en"), **numbers("count", "app_fen", "approved_fen", "paid_fen")
    )
)
_BOUNDS = (
    Parameter("authority", "主管部门代码", "code of the authority"),
    Parameter("division", "财政区划", "division"),
    Parameter("kind", "项目类型", "kind of project"),
)
CALLS = (
    Call(
        "GET", "/applications", show_applications, "支付申请", "Payment applications, newest first",
        object_(total=NUMBER, page=NUMBER, applications=list_(object_(**_BRIEF))),
        (
            Parameter("text", "申请编号、合同号、统一交易标识码或单位代码", "number, contract, deal code or party"),
            Parameter("state", "状态代码", "code of the state"),
            *_BOUNDS,
            Parameter("overdue", "只看逾期：1", "overdue ones alone: 1"),
            Parameter("page", "页", f"page of {PAGE_ROWS}", {"type": "integer", "minimum": 1, "maximum": _MOST_PAGE}),
        ),
    ),
    Call(
        "GET", "/applications/totals", show_totals, "支付进度统计", "Sums by month, division, kind and state",
        object_(**dict.fromkeys(GROUPS, _SUMS)), _BOUNDS,
    ),
    Call(
        "GET", "/applications/{no}", show_application, "一件支付申请及其轨迹", "One application with its trace",
        object_(
            **_BRIEF, payees=list_(TEXT), contacts=list_(object_(**texts("name", "role", "phone"))),
            steps=list_(object_(number=NUMBER, mark=TEXT, at=TEXT)), contract=_CONTRACT, trace=list_(_STEP),
        ),
        (Parameter("no", "支付申请编号", "number of the application"),),
    ),
)  # fmt: skip
