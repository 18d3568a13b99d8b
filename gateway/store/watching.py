"""Counting what is recent or open, for whoever watches; and errors by minute as they are written."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import BigInteger, bindparam, delete, func, select, text

from gateway import clock
from gateway.store import steering_tables, tables
from gateway.store.statements import Connection, Statement, insert
from gateway.store.watching_tables import error_minute
from gateway.store.watchingrows import MINUTE_MS, ErrorCount, ReceiptLag

KEPT_MINUTES = 7 * 24 * 60
MOST_OVERDUE = 100_000
_m, _d, _e = tables.message.c, tables.delivery.c, error_minute.c
_receipt = steering_tables.business_receipt.c
_insert = insert(error_minute).values(
    {column.name: bindparam(column.name) for column in error_minute.columns}
)
_COUNT = Statement(
    _insert.on_conflict_do_update(
        index_elements=["minute", "node", "kind", "writer"],
        set_={"count": _e["count"] + _insert.excluded["count"]},
    )
)
_FORGET = Statement(delete(error_minute).where(_e.minute < bindparam("before")))
_RECEIVED = Statement(
    select(_m.sender, func.count())
    .where(
        _m.received_at >= bindparam("since", type_=BigInteger()),
        _m.received_at < bindparam("until", type_=BigInteger()),
    )
    .group_by(_m.sender)
)
_ERRORS = Statement(
    select(_e.minute, _e.node, _e.kind, func.sum(_e["count"]))
    .where(_e.minute >= bindparam("since", type_=BigInteger()))
    .group_by(_e.minute, _e.node, _e.kind)
)
_first = (
    select(func.min(_d.id).label("id")).where(text(tables.IS_READY)).group_by(_d.receiver).subquery("first")
)
_OLDEST_READY = Statement(select(_d.receiver, _d.message_id).join(_first, _first.c.id == _d.id))
# By due time and with a bound, or SQLite reads all receipts in the order of receivers to group them.
_overdue = (
    select(_receipt.receiver, _receipt.due_at)
    .where(text(steering_tables.IS_OVERDUE))
    .order_by(_receipt.due_at)
    .limit(MOST_OVERDUE)
    .subquery("overdue")
)
_LAGS = Statement(
    select(_overdue.c.receiver, func.count(), func.min(_overdue.c.due_at)).group_by(_overdue.c.receiver)
)


async def count_errors(
    connection: Connection, at_ms: int, errors: Counter[tuple[str, str]], writer: str
) -> None:
    """Adds to this minute's counts of (node, kind), and forgets those of more than a week ago."""
    minute = at_ms // MINUTE_MS
    rows = [(minute, node, kind, writer, count) for (node, kind), count in sorted(errors.items())]
    await _COUNT.many(connection, rows)
    await _FORGET.run(connection, before=minute - KEPT_MINUTES)


async def received(connection: Connection, since: int, until: int) -> dict[str, int]:
    return dict(await _RECEIVED.rows(connection, since=since, until=until))


async def errors(connection: Connection, since_minute: int) -> list[ErrorCount]:
    found = await _ERRORS.rows(connection, since=since_minute)
    return [ErrorCount(minute, node, kind, int(count)) for minute, node, kind, count in found]


async def oldest_ready(connection: Connection) -> dict[str, int]:
    """Reads every delivery that is ready, in the index: their number is bounded by the platforms' `backlog`."""
    found = await _OLDEST_READY.rows(connection)
    return {receiver: clock.ms_of_id(message_id) for receiver, message_id in found}


async def receipt_lags(connection: Connection) -> dict[str, ReceiptLag]:
    return {receiver: ReceiptLag(count, since) for receiver, count, since in await _LAGS.rows(connection)}
