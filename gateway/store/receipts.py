"""Business receipts (8002) that receivers owe: expected with the delivery, answered by the message, alarmed once.

Which of the two comes first is nobody's promise: the treasury may be polled before the outcome of its delivery is
recorded. So both sides write the same row, each its own half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, text, tuple_, update

from gateway.store import steering_tables as tables
from gateway.store.deliveryrows import AttemptResult
from gateway.store.messagerows import Arrival
from gateway.store.statements import Connection, Statement, as_given, given, insert, is_given
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
_keys = given(*_KEY, numbers={"biz_version"}, name="keys")
_FORGET = Statement(
    delete(_table).where(
        tuple_(*(_table.c[name] for name in _KEY)).in_(select(*(_keys.c[name] for name in _KEY))),
        or_(_table.c.message_id == "", is_given(_table.c.message_id)),
    )
)


async def expect(work: Transaction, results: Sequence[AttemptResult]) -> None:
    """What was taken over now owes a receipt within its time."""
    rows = {
        (one.claimed.receiver, one.claimed.type, one.claimed.biz_key, one.claimed.biz_version): (
            one.claimed.delivery_id, one.claimed.message_id, work.at_ms + int(one.receipt_within_s * 1000), 0, "", 0
        )
        for one in results
    }  # fmt: skip
    await _EXPECT.many(work.connection, _in_key_order(rows))


async def answer(work: Transaction, arrivals: Sequence[Arrival]) -> None:
    """Accepted receipts end the wait for them; of several of one message the first."""
    rows = {
        (one.sender, *one.answers): (0, "", 0, work.at_ms, one.message_id, 0) for one in reversed(arrivals)
    }
    await _ANSWER.many(work.connection, _in_key_order(rows))


def _in_key_order(rows: dict[Any, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """One row a key; in their order, so that two transactions never wait for each other."""
    return [(*key, *rows[key]) for key in sorted(rows)]


async def alarm(work: Transaction) -> list[ReceiptDue]:
    """Those that are overdue and were not told yet: each is told once, in its message's timeline too."""
    found = [ReceiptDue(*row) for row in await _ALARM.rows(work.connection, now=work.at_ms)]
    for one in found:
        work.note(
            one.message_id, "receipt-overdue", {"receiver": one.receiver, "delivery": one.delivery_id, "due_at": one.due_at}
        )  # fmt: skip
    return found


async def forget(
    work: Transaction, messages: Sequence[str], keys: Sequence[tuple[str, str, str, int]]
) -> None:
    """What messages that go owe, or were given: (receiver, type, business key, version) of their deliveries."""
    if keys:
        await _FORGET.run(work.connection, keys=as_given(keys), given=as_given(messages))


async def next_due(connection: Connection) -> int:
    """ms of the first receipt that is waited for; 0 if none is."""
    return int((await _NEXT.rows(connection))[0][0] or 0)


async def overdue_count(connection: Connection) -> int:
    return int((await _COUNT_OVERDUE.rows(connection))[0][0])


async def listed(connection: Connection, limit: int, *, overdue: bool) -> list[ReceiptDue]:
    """What was alarmed and is still missing, or what is waited for in time; by when it was due."""
    wanted = _OVERDUE if overdue else _AWAITED
    return [ReceiptDue(*row) for row in await wanted.rows(connection, most=limit)]
