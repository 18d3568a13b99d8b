"""Deliveries that wait for a person, by filter; and one that a platform holds under its own lease."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, func, or_, select, text

from gateway.store import tables
from gateway.store.contract import Claimed, DeliveryRow
from gateway.store.queries import deliveries_with_forms
from gateway.store.rows import delivery_row
from gateway.store.statements import Connection, Statement
from gateway.store.steeringrows import StuckFilter

_d, _a, _m, _f = tables.delivery.c, tables.attempt.c, tables.message.c, tables.form.c
_EVER_MS = 2**62
_last_at = func.coalesce(
    select(func.max(_a.ended_at)).where(_a.delivery_id == _d.id).scalar_subquery(),
    select(_m.accepted_at).where(_m.id == _d.message_id).scalar_subquery(),
)


def _unless_empty(name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(bindparam(name, type_=Text()) == "", column == bindparam(name, type_=Text()))


_FIND = Statement(
    deliveries_with_forms.where(
        text(f"delivery.{tables.IS_STUCK}"),
        _d.id > bindparam("behind"),
        _unless_empty("of_receiver", _d.receiver),
        _unless_empty("of_type", _d.type),
        _unless_empty("of_code", _d.last_code),
        _unless_empty("of_state", _d.state),
        _last_at >= bindparam("since", type_=BigInteger()),
        _last_at < bindparam("until", type_=BigInteger()),
    )
    .order_by(_d.id)
    .limit(bindparam("most"))
)
_HELD = Statement(
    select(
        _d.id, _d.message_id, _d.receiver, _d.type, _d.sender, _d.application, _d.delivery_key, _d.effect_no,
        _d.tries, _d.token, _d.lease_until, _f.rendered, _f.files, _d.outcome_unknown, _d.crashes, _d.biz_key,
        _d.biz_version, _d.traceparent,
    )
    .select_from(tables.delivery.join(tables.form, _f.delivery_id == _d.id))
    .where(
        _d.id == bindparam("of_delivery"), _d.token == bindparam("of_token"),
        _d.receiver == bindparam("of_receiver"), _d.state == "leased",
    )
)  # fmt: skip


async def find_stuck(connection: Connection, wanted: StuckFilter) -> list[DeliveryRow]:
    """Oldest first, so that the head of a line comes before what is behind it."""
    found = await _FIND.rows(
        connection, behind=wanted.after, of_receiver=wanted.receiver, of_type=wanted.type, of_code=wanted.code,
        of_state=wanted.state, since=wanted.since, until=wanted.until or _EVER_MS, most=wanted.limit,
    )  # fmt: skip
    return [delivery_row(row) for row in found]


async def find_held(connection: Connection, delivery_id: int, token: str, receiver: str) -> Claimed | None:
    """The delivery as it was claimed, while this lease holds it."""
    found = await _HELD.rows(connection, of_delivery=delivery_id, of_token=token, of_receiver=receiver)
    if not found:
        return None
    values = list(found[0])
    values[13] = bool(values[13])
    return Claimed(*values)
