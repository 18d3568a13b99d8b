"""Days that were reconciled: each is replaced whole, and its time moves only where it says something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace

from sqlalchemy import and_, bindparam, delete, or_, select

from gateway.store import keeping_tables as tables
from gateway.store.keepingrows import ReconciledDifference, Reconciliation, ReconciliationFilter
from gateway.store.statements import Connection, Statement, insert_into, put_into
from gateway.store.transaction import Transaction

_day, _difference = tables.reconciliation, tables.reconciled_difference
_PUT = put_into(_day)
_INSERT_DIFFERENCE = insert_into(_difference)
_DELETE_DIFFERENCES = Statement(
    delete(_difference).where(
        _difference.c.day == bindparam("of_day"), _difference.c.treasury == bindparam("of_treasury")
    )
)
_ONE = Statement(
    select(_day).where(_day.c.day == bindparam("of_day"), _day.c.treasury == bindparam("of_treasury"))
)
_DIFFERENCES = Statement(
    select(*[column for column in _difference.c if column.name not in ("day", "treasury")])
    .where(_difference.c.day == bindparam("of_day"), _difference.c.treasury == bindparam("of_treasury"))
    .order_by(_difference.c.number)
)


async def put_reconciliation(
    work: Transaction, row: Reconciliation, differences: Sequence[ReconciledDifference]
) -> bool:
    """False where it says what was stored already."""
    await work.connection.lock("reconciliation", [(row.day, row.treasury)])
    known = await find_reconciliation(work.connection, row.day, row.treasury)
    told = await reconciled_differences(work.connection, row.day, row.treasury)
    is_known = known is not None and replace(known, changed_at=0) == replace(row, changed_at=0)
    if is_known and told == list(differences):
        return False
    place = {"of_day": row.day, "of_treasury": row.treasury}
    await _DELETE_DIFFERENCES.run(work.connection, **place)
    await _PUT.many(work.connection, [astuple(replace(row, changed_at=work.at_ms))])
    await _INSERT_DIFFERENCE.many(
        work.connection, [(row.day, row.treasury, *astuple(one)) for one in differences]
    )
    return True


async def find_reconciliation(connection: Connection, day: str, treasury: str) -> Reconciliation | None:
    found = await _ONE.rows(connection, of_day=day, of_treasury=treasury)
    return Reconciliation(*found[0]) if found else None


async def reconciliations(
    connection: Connection, limit: int, wanted: ReconciliationFilter
) -> list[Reconciliation]:
    """Newest day first."""
    conditions = [
        _day.c[name] == getattr(wanted, name) for name in ("state", "treasury") if getattr(wanted, name)
    ]
    if wanted.before:
        day, _, treasury = wanted.before.partition("/")
        conditions.append(or_(_day.c.day < day, and_(_day.c.day == day, _day.c.treasury > treasury)))
    asked = select(_day).where(*conditions).order_by(_day.c.day.desc(), _day.c.treasury).limit(limit)
    return [Reconciliation(*row) for row in await Statement(asked).rows(connection)]


async def reconciled_differences(
    connection: Connection, day: str, treasury: str
) -> list[ReconciledDifference]:
    found = await _DIFFERENCES.rows(connection, of_day=day, of_treasury=treasury)
    return [ReconciledDifference(*row) for row in found]
