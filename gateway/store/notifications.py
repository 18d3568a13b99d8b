"""What is to be told of alarms: rows that are sent until they arrive, or until it was tried often enough.

Nobody holds a row: taking one moves its time on, so that whoever ends in the middle leaves it for another.
A notification may therefore come twice; its id is the same then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, select, text, update

from gateway import clock
from gateway.alarmrules import Rule, number_text
from gateway.store import alarm_tables as tables
from gateway.store.accountrows import NewAct
from gateway.store.alarmrows import DEAD, DONE, READY, TEST, AlarmRow, NotificationRow
from gateway.store.rows import text_of
from gateway.store.statements import Connection, Statement, insert_into
from gateway.store.transaction import Transaction

_table = tables.notification
_n = _table.c
_DAY_MS = 86_400_000
_INSERT = insert_into(_table)
_DUE = Statement(
    select(_n.id)
    .where(text(tables.IS_READY), _n.due_at <= bindparam("now"))
    .order_by(_n.due_at, _n.id)
    .limit(bindparam("most"))
)
_TAKE = Statement(
    update(_table)
    .values(attempts=_n.attempts + 1, due_at=bindparam("later"))
    .where(_n.id == bindparam("of_id"), text(tables.IS_READY), _n.due_at <= bindparam("now"))
    .returning(*_table.columns)
)
_END = Statement(
    update(_table)
    .values(state=bindparam("new"), due_at=bindparam("later"), ended_at=bindparam("ended"), fault=bindparam("why"))
    .where(_n.id == bindparam("of_id"), text(tables.IS_READY), _n.attempts == bindparam("of_attempt"))
)  # fmt: skip
_OF_ALARM = Statement(select(_table).where(_n.alarm == bindparam("of_alarm")).order_by(_n.id))
_NEWEST = Statement(select(_table).order_by(_n.made_at.desc(), _n.id.desc()).limit(bindparam("most")))
_FORGET = Statement(delete(_table).where(_n.made_at < bindparam("old"), _n.state != READY))
_DEAD = Statement(
    select(func.count()).select_from(_table).where(_n.made_at > bindparam("since"), _n.state == DEAD)
)


async def tell(work: Transaction, kind: str, rule: Rule, row: AlarmRow) -> None:
    """One row for each of the rule's targets."""
    for target in rule.targets:
        await _add(work, row.id, kind, target, _body(kind, rule, row, work.at_ms))


async def add_test(work: Transaction, target: str, actor: str, reason: str, origin: str) -> str:
    """The id of a notification that says that it is a test."""
    body = {"kind": TEST, "at": work.at_ms, "by": actor}
    id_ = await _add(work, "", TEST, target, body)
    work.audit(NewAct(actor, "test alarm target", target, reason, {"notification": id_}, origin))
    return id_


async def _add(work: Transaction, alarm: str, kind: str, target: str, body: dict[str, Any]) -> str:
    id_ = clock.new_id()
    told = text_of({"id": id_, "target": target, **body})
    await _INSERT.many(
        work.connection, [(id_, alarm, kind, target, told, READY, 0, work.steady_ms, work.at_ms, 0, "")]
    )
    return id_


def _body(kind: str, rule: Rule, row: AlarmRow, at_ms: int) -> dict[str, Any]:
    """Nothing of any message: a metric, its labels and its value."""
    return {
        "kind": kind, "at": at_ms, "alarm": row.id, "rule": rule.name, "severity": row.severity,
        "title_zh": rule.title_zh, "title_en": rule.title_en, "metric": rule.metric, "labels": dict(row.labels),
        "comparison": rule.comparison, "threshold": rule.threshold, "value": row.value, "told": number_text(row.value),
        "since": row.since, "fired_at": row.fired_at, "ended_at": row.ended_at,
    }  # fmt: skip


async def take(work: Transaction, limit: int, lease_s: float) -> list[NotificationRow]:
    """Those that are due, each given to one; it comes again after `lease_s` where nobody said how it ended."""
    due = await _DUE.rows(work.connection, now=work.steady_ms, most=limit)
    later = work.steady_ms + int(lease_s * 1000)
    taken = [
        row
        for (id_,) in due
        for row in await _TAKE.rows(work.connection, later=later, of_id=id_, now=work.steady_ms)
    ]
    return [_row(row) for row in taken]


async def end(work: Transaction, row: NotificationRow, fault: str, retry_in_s: float | None) -> bool:
    """It arrived (no fault), is tried again, or is given up (`retry_in_s` None). False where somebody else has it."""
    new = DONE if not fault else READY if retry_in_s is not None else DEAD
    later = work.steady_ms + int((retry_in_s or 0) * 1000)
    ended = 0 if new == READY else work.at_ms
    changed = await _END.run(
        work.connection, new=new, later=later, ended=ended, why=fault, of_id=row.id, of_attempt=row.attempts
    )
    return bool(changed)


async def forget(work: Transaction, before_ms: int) -> None:
    await _FORGET.run(work.connection, old=before_ms)


async def of_alarm(connection: Connection, alarm: str) -> list[NotificationRow]:
    return [_row(row) for row in await _OF_ALARM.rows(connection, of_alarm=alarm)]


async def newest(connection: Connection, limit: int) -> list[NotificationRow]:
    return [_row(row) for row in await _NEWEST.rows(connection, most=limit)]


async def dead_count(connection: Connection) -> int:
    """Of the last day."""
    ((count,),) = await _DEAD.rows(connection, since=clock.now_ms() - _DAY_MS)
    return int(count)


def _row(values: Sequence[Any]) -> NotificationRow:
    id_, alarm, kind, target, body, *rest = values
    return NotificationRow(id_, alarm, kind, target, orjson.loads(body), *rest)
