"""Reading cases: applications, their trace, contracts, and the other objects that messages made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select, text

from gateway.clock import DAY_MS, SHANGHAI_MS
from gateway.payments.ground import Application, BusinessObject, Contract, TraceStep
from gateway.store import case_tables as tables
from gateway.store import rows
from gateway.store.caserows import CaseTotal
from gateway.store.statements import Connection, Statement

_a, _c, _o, _t = tables.application.c, tables.contract.c, tables.business_object.c, tables.trace.c
_APPLICATION = Statement(select(tables.application).where(_a.no == bindparam("of_no")))
_CONTRACT = Statement(select(tables.contract).where(_c.no == bindparam("of_no")))
_OBJECT = Statement(
    select(tables.business_object).where(_o.kind == bindparam("of_kind"), _o.key == bindparam("of_key"))
)
_OBJECTS = Statement(
    select(tables.business_object).where(_o.kind == bindparam("of_kind")).order_by(_o.message_id)
)
_MESSAGES = Statement(select(_o.message_id).where(_o.kind == bindparam("of_kind")).order_by(_o.message_id))
_TRACE = Statement(
    select(*(column for column in tables.trace.columns if column.name != "id"))
    .where(_t.app_no == bindparam("of_no"))
    .order_by(_t.id)
)


async def find_application(connection: Connection, no: str) -> Application | None:
    found = await _APPLICATION.rows(connection, of_no=no)
    return rows.application_row(found[0]) if found else None


async def find_contract(connection: Connection, no: str) -> Contract | None:
    found = await _CONTRACT.rows(connection, of_no=no)
    return rows.contract_row(found[0]) if found else None


async def find_object(connection: Connection, kind: str, key: str) -> BusinessObject | None:
    found = await _OBJECT.rows(connection, of_kind=kind, of_key=key)
    return rows.object_row(found[0]) if found else None


async def objects_of(connection: Connection, kind: str) -> list[BusinessObject]:
    return [rows.object_row(row) for row in await _OBJECTS.rows(connection, of_kind=kind)]


async def messages_of(connection: Connection, kind: str) -> list[str]:
    return [row[0] for row in await _MESSAGES.rows(connection, of_kind=kind)]


async def trace_of(connection: Connection, app_no: str) -> list[TraceStep]:
    return [rows.step_row(row) for row in await _TRACE.rows(connection, of_no=app_no)]


async def search_applications(
    connection: Connection,
    *,
    contract_no: str,
    deal: str,
    party: str,
    since: int,
    until: int,
    limit: int,
    offset: int,
    states: Sequence[str] = (),
    bounds: Sequence[ColumnElement[bool]] = (),
) -> tuple[int, list[Application]]:
    """How many there are, and one page of them, newest first. `since` ≤ opened_at < `until`, 0: open."""
    conditions: list[Any] = [*bounds]
    if states:
        conditions.append(or_(*(_a.state == one for one in states)))
    if contract_no:
        conditions.append(_a.contract_no == contract_no)
    if deal:
        conditions.append(_a.contract_no.in_(select(_c.no).where(_c.unified_deal_code == deal)))
    if party:
        own = tables.application_party.c
        conditions.append(_a.no.in_(select(own.app_no).where(own.party == party)))
    if since:
        conditions.append(_a.opened_at >= since)
    if until:
        conditions.append(_a.opened_at < until)
    total = Statement(select(func.count()).select_from(tables.application).where(*conditions))
    page = select(tables.application).where(*conditions).order_by(_a.opened_at.desc(), _a.no.desc())
    found = await Statement(page.limit(limit).offset(offset)).rows(connection)
    return int((await total.rows(connection))[0][0]), [rows.application_row(row) for row in found]


async def totals(connection: Connection, bounds: Sequence[ColumnElement[bool]]) -> list[CaseTotal]:
    """What was applied for, by the day in Shanghai on which it was opened, division, project kind and state."""
    day = ((_a.opened_at + SHANGHAI_MS) // DAY_MS).label("day")
    keys = (day, _a.adm_div, _a.project_kind, _a.state)
    sums = (func.sum(one) for one in (_a.app_fen, _a.approved_fen, _a.paid_fen, _a.refunded_fen))
    found = await Statement(
        select(*keys, func.count(), *sums)
        .where(*bounds)
        .group_by(text("day"), *keys[1:])
        .order_by(text("day"), *keys[1:])
    ).rows(connection)
    return [CaseTotal(*row[:4], *(int(one) for one in row[4:])) for row in found]
