"""Which applications somebody may see, as a condition of the statement: what is beyond is not even counted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_

from gateway.clock import SHANGHAI
from gateway.payments.authorities import Authorities, Authority
from gateway.rights import Scope
from gateway.store import case_tables as tables

_a = tables.application.c


def within(scope: Scope, authorities: Authorities) -> list[ColumnElement[bool]]:
    """Conditions on the applications; none for an open scope. The authority is the one that the table names
    for the day on which the application was opened, as `is_within` has it."""
    conditions: list[ColumnElement[bool]] = []
    if scope.divisions:
        conditions.append(or_(*(_a.adm_div == one for one in scope.divisions)))
    if scope.project_kinds:
        conditions.append(or_(*(_a.project_kind == one for one in scope.project_kinds)))
    if scope.authorities:
        own = [_of(row, authorities) for row in authorities.rows if row.code in scope.authorities]
        conditions.append(or_(false(), *own))
    return conditions


def _of(row: Authority, authorities: Authorities) -> ColumnElement[bool]:
    """A tenderer's own row counts before the row of its whole division, an earlier row before a later."""
    before = authorities.rows[: authorities.rows.index(row)]
    stronger = [one for one in before if one.adm_div == row.adm_div and one.tenderer == row.tenderer]
    if not row.tenderer:
        stronger += [one for one in authorities.rows if one.adm_div == row.adm_div and one.tenderer]
    return and_(_covers(row), *(not_(_covers(one)) for one in stronger))


def _covers(row: Authority) -> ColumnElement[bool]:
    parts: list[Any] = [_a.adm_div == row.adm_div]
    if row.tenderer:
        parts.append(_a.tenderer == row.tenderer)
    if row.since:
        parts.append(_a.opened_at >= _ms(row.since))
    if row.until:
        parts.append(_a.opened_at < _ms(row.until + timedelta(days=1)))
    return and_(*parts)


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp() * 1000)
