"""Business receipts (8002) that receivers owe: expected with the delivery, answered by the message, alarmed once.

Which of the two comes first is nobody's promise: the treasury may be polled before the outcome of its delivery is
recorded. So both sides write the same row, each its own half.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.sqlite import insert

from gateway.store import steering_tables as tables
from gateway.store.deliveryrows import AttemptResult
from gateway.store.messagerows import Arrival
from gateway.store.statements import Statement
from gateway.store.steeringrows import ReceiptDue
from gateway.store.transaction import Transaction

_table = tables.business_receipt
_KEY = ["receiver", "type", "biz_key", "biz_version"]
_insert = insert(_table).values({column.name: bindparam(column.name) for column in _table.columns})
_EXPECT = Statement(
    _insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={name: _insert.excluded[name] for name in ("delivery_id", "message_id", "due_at")},
    )
)
_ANSWER = Statement(
    _insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={name: _insert.excluded[name] for name in ("received_at", "receipt_id")},
        where=text("business_receipt.received_at = 0"),
    )
)
_ALARM = Statement(
    update(_table)
    .values(alarmed_at=bindparam("now"))
    .where(text(tables.IS_AWAITED), _table.c.due_at > 0, _table.c.due_at <= bindparam("now"))
    .returning(*_table.columns)
)
_NEXT = Statement(select(func.min(_table.c.due_at)).where(text(tables.IS_AWAITED), _table.c.due_at > 0))
_by_due = select(_table).order_by(_table.c.due_at).limit(bindparam("most"))
_OVERDUE = Statement(_by_due.where(text(tables.IS_OVERDUE)))
_AWAITED = Statement(_by_due.where(text(tables.IS_AWAITED), _table.c.due_at > 0))
_COUNT_OVERDUE = Statement(select(func.count()).select_from(_table).where(text(tables.IS_OVERDUE)))


def expect(work: Transaction, results: Sequence[AttemptResult]) -> None:
    """What was taken over now owes a receipt within its time."""
    _EXPECT.many(
        work.connection,
        [
            (
                one.claimed.receiver, one.claimed.type, one.claimed.biz_key, one.claimed.biz_version,
                one.claimed.delivery_id, one.claimed.message_id, work.at_ms + int(one.receipt_within_s * 1000), 0,
                "", 0,
            )
            for one in results
        ],
    )  # fmt: skip


def answer(work: Transaction, arrivals: Sequence[Arrival]) -> None:
    """Accepted receipts end the wait for them."""
    _ANSWER.many(
        work.connection,
        [(one.sender, *one.answers, 0, "", 0, work.at_ms, one.message_id, 0) for one in arrivals],
    )


def alarm(work: Transaction) -> list[ReceiptDue]:
    """Those that are overdue and were not told yet: each is told once, in its message's timeline too."""
    found = [ReceiptDue(*row) for row in _ALARM.rows(work.connection, now=work.at_ms)]
    for one in found:
        work.note(
            one.message_id, "receipt-overdue", {"receiver": one.receiver, "delivery": one.delivery_id, "due_at": one.due_at}
        )  # fmt: skip
    return found


def next_due(connection: sqlite3.Connection) -> int:
    """ms of the first receipt that is waited for; 0 if none is."""
    return int(_NEXT.rows(connection)[0][0] or 0)


def overdue_count(connection: sqlite3.Connection) -> int:
    return int(_COUNT_OVERDUE.rows(connection)[0][0])


def listed(connection: sqlite3.Connection, limit: int, *, overdue: bool) -> list[ReceiptDue]:
    """What was alarmed and is still missing, or what is waited for in time; by when it was due."""
    wanted = _OVERDUE if overdue else _AWAITED
    return [ReceiptDue(*row) for row in wanted.rows(connection, most=limit)]
