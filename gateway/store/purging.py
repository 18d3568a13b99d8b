"""Purging messages that a verified archive holds, in bounded batches; keys and evidence stay for ever.

A message goes only where its record is, in this very transaction, what the archive says (digest by digest).
Where rows lie in monthly parts (PostgreSQL), the batch takes what lies outside of them, and the parts are
dropped whole afterwards (postgres_purge.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, text, update

from gateway.message import DeliveryState
from gateway.store import keeping_tables, tables
from gateway.store.accountrows import NewAct
from gateway.store.case_tables import HOLDS_NODE, application
from gateway.store.keeping_tables import purged_message
from gateway.store.keepingrows import ArchiveRow, Holds, Purged
from gateway.store.messagerows import PARKED, MessageRow
from gateway.store.months import Month
from gateway.store.purged import purged_values
from gateway.store.receipts import forget
from gateway.store.records import message_rows, read_records, record_digest
from gateway.store.statements import Connection, Statement, add_to, as_given, is_given, put_into
from gateway.store.steering_tables import business_receipt
from gateway.store.transaction import MESSAGES, Transaction

_m, _d, _archive = tables.message, tables.delivery, keeping_tables.archive
_month_of = and_(_m.c.id > bindparam("after"), _m.c.id < bindparam("before"))
_OPEN = Statement(
    select(func.count())
    .select_from(_d)
    .where(_d.c.message_id > bindparam("after"), _d.c.message_id < bindparam("before"), text(tables.IS_OPEN))
)
_PARKED = Statement(
    select(func.count()).select_from(_m).where(_month_of, _m.c.note.like(f"{PARKED}%"))
)  # fmt: skip
_LIVE = Statement(
    select(func.count(application.c.no.distinct()))
    .select_from(_m.join(application, application.c.no == _m.c.application))
    .where(_month_of, text(tables.HAS_APPLICATION), text(HOLDS_NODE))
)
_LOCK = Statement(
    select(_d.c.id, _d.c.state, _d.c.receiver, _d.c.is_open)
    .where(is_given(_d.c.message_id))
    .order_by(_d.c.id)
    .with_for_update()
)
_GONE = Statement(select(purged_message.c.id).where(is_given(purged_message.c.id)))
_ADD_LEFT = add_to(purged_message)
_DELETE_DELIVERIES = Statement(delete(_d).where(is_given(_d.c.message_id)))
_DELETE_EVENTS = Statement(delete(tables.event).where(is_given(tables.event.c.message_id)))
_DELETE_MESSAGES = Statement(delete(_m).where(is_given(_m.c.id)))


def _outside(column: Any) -> Any:
    """Is the row's number none of the month's part? Without a part, all are outside."""
    return or_(column < bindparam("first"), column >= bindparam("last"))


_DELETE_CONTENTS = Statement(
    delete(tables.content).where(
        is_given(tables.content.c.message_seq), _outside(tables.content.c.message_seq)
    )
)
_DELETE_FORMS = Statement(
    delete(tables.form).where(is_given(tables.form.c.delivery_id), _outside(tables.form.c.delivery_id))
)
_DELETE_ATTEMPTS = Statement(
    delete(tables.attempt).where(
        is_given(tables.attempt.c.delivery_id), _outside(tables.attempt.c.delivery_id)
    )
)
_receipt = business_receipt.c
_FORGET_UNEXPECTED = Statement(
    delete(business_receipt).where(
        and_(_receipt.message_id == "", _receipt.received_at < bindparam("before"))
    )
)
_PUT_ARCHIVE = put_into(_archive)
_ARCHIVES = Statement(select(_archive).order_by(_archive.c.month, _archive.c.made_at))
_SET_PURGED = Statement(
    update(_archive).values(purged_at=bindparam("now")).where(_archive.c.month == bindparam("of_month"))
)


async def what_holds(connection: Connection, after: str, before: str) -> Holds:
    """Of the messages with ids between the two."""
    given = {"after": after, "before": before}
    counts = [(await one.rows(connection, **given))[0][0] for one in (_OPEN, _PARKED, _LIVE)]
    return Holds(*counts)


async def purge_batch(work: Transaction, archived: Mapping[str, str], part: range) -> Purged:
    """`archived`: message id → digest of its record; ids that are gone already are passed over. `part`: the
    numbers whose rows are dropped with their monthly part; empty where there is none."""
    connection = work.connection
    parcels = await _LOCK.rows(connection, given=as_given(archived))
    done = {id_ for (id_,) in await _GONE.rows(connection, given=as_given(archived))}
    wanted = [id_ for id_ in archived if id_ not in done]
    records = await read_records(connection, wanted)
    unchanged = [id_ for id_, record in records.items() if record_digest(record) == archived[id_]]
    changed = tuple(sorted(set(records) - set(unchanged)))
    rows = await message_rows(connection, unchanged)
    await _ADD_LEFT.many(connection, [purged_values(row) for row in rows.values()])
    ids = set(unchanged)
    ours = [parcel for id_ in unchanged for parcel in records[id_]["deliveries"]]
    numbers = [parcel["id"] for parcel in ours]
    owed = [(one["receiver"], one["type"], one["biz_key"], one["biz_version"]) for one in ours]
    await forget(work, unchanged, owed)
    await _delete(
        connection, sorted(ids), numbers, [records[id_]["message"]["seq"] for id_ in unchanged], part
    )
    _count_down(work, rows.values(), [one for one in parcels if one[0] in set(numbers)])
    return Purged(len(ids), changed)


async def _delete(
    connection: Connection, ids: Sequence[str], parcels: Sequence[int], seqs: Sequence[int], part: range
) -> None:
    bounds = {"first": part.start, "last": part.stop}
    await _DELETE_ATTEMPTS.run(connection, given=as_given(parcels), **bounds)
    await _DELETE_FORMS.run(connection, given=as_given(parcels), **bounds)
    await _DELETE_DELIVERIES.run(connection, given=as_given(ids))
    await _DELETE_CONTENTS.run(connection, given=as_given(seqs), **bounds)
    if not part:
        await _DELETE_EVENTS.run(connection, given=as_given(ids))
        await _DELETE_MESSAGES.run(connection, given=as_given(ids))


def _count_down(work: Transaction, rows: Iterable[MessageRow], parcels: Sequence[Sequence[Any]]) -> None:
    """Counts are of what is stored."""
    for row in rows:
        work.count(MESSAGES, row.state, -1)
    for _, state, receiver, is_open in parcels:
        if is_open:
            raise LookupError(f"a delivery that is {DeliveryState(state)} cannot be purged")
        work.count(receiver, state, -1)


async def forget_unexpected(work: Transaction, before_ms: int) -> None:
    """Business receipts that came before this moment and that no delivery ever asked for: one walk over the table."""
    await _FORGET_UNEXPECTED.run(work.connection, before=before_ms)


async def put_archive(work: Transaction, row: ArchiveRow) -> None:
    """Beside the older ones of the month, which may hold what was purged already."""
    values = (row.month, row.place, row.digest, row.messages, row.made_at, row.purged_at)
    await _PUT_ARCHIVE.many(work.connection, [values])


async def archives(connection: Connection) -> list[ArchiveRow]:
    """By month, and as they were made."""
    return [ArchiveRow(*row) for row in await _ARCHIVES.rows(connection)]


async def set_purged(work: Transaction, month: Month) -> None:
    """With a line in the audit. Business receipts of the month or before that belong to no delivery go too."""
    await forget_unexpected(work, month.next.first_ms)
    await _SET_PURGED.run(work.connection, now=work.at_ms, of_month=str(month))
    work.audit(NewAct("operator", "purge", str(month), "retention", {}))
