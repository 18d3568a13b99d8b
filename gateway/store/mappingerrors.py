"""How often mappings failed, by day of Shanghai: what a mapping or the standard refused on the way in (as far as
refusals are kept), and deliveries whose form could not be made on the way out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, cast, func, literal, or_, select, union_all

from gateway import clock
from gateway.clock import DAY_MS, SHANGHAI_MS
from gateway.store import tables
from gateway.store.statements import Connection, Statement

NO_FORM = "delivery.no-form"
_r, _d, _m = tables.refusal.c, tables.delivery.c, tables.message.c


@dataclass(frozen=True, slots=True)
class ErrorDay:
    """`count` messages of a type on a day, counted from 1970-01-01. `direction` in: `platform` sent them; out: they are for it."""

    direction: str
    platform: str
    type: str
    day: int
    count: int


_refused_on = (_r.at + SHANGHAI_MS) // DAY_MS
_by_us = or_(_r.codes.contains("mapping."), _r.codes.contains("standard."))
_IN = (
    select(literal("in"), _r.sender, _r.type, _refused_on, cast(func.count(), BigInteger))
    .where(_r.at >= bindparam("since"), _by_us)
    .group_by(_r.sender, _r.type, _refused_on)
)
_accepted_on = (_m.accepted_at + SHANGHAI_MS) // DAY_MS
_OUT = (
    select(literal("out"), _d.receiver, _d.type, _accepted_on, cast(func.count(), BigInteger))
    .join(tables.message, _m.id == _d.message_id)
    .where(_d.last_code == NO_FORM, _d.message_id >= bindparam("first"))
    .group_by(_d.receiver, _d.type, _accepted_on)
)
_ERRORS = Statement(union_all(_IN, _OUT))


async def mapping_errors(connection: Connection, since_ms: int) -> list[ErrorDay]:
    found = await _ERRORS.rows(connection, since=since_ms, first=clock.first_id(since_ms))
    return [ErrorDay(*row) for row in found]
