"""Alarms in the store: judged under a lease in one transaction, acknowledged by a person, ended by what is.

A judgement, its alarms and what is to be told of them are one transaction: what fired is told, and what could not
be written did not fire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, or_, select, text, update

from gateway import clock
from gateway.alarmrules import (
    ACKNOWLEDGED,
    ENDED,
    FIRING,
    PENDING,
    Known,
    Labels,
    Move,
    Rule,
    Sample,
    judge,
)
from gateway.store import alarm_tables as tables
from gateway.store import notifications
from gateway.store.accountrows import NewAct
from gateway.store.alarmrows import FIRED, OVER, REPEATED, AlarmFilter, AlarmRow, ChangedRule
from gateway.store.contract import ResolveRefused
from gateway.store.rows import text_of
from gateway.store.statements import Connection, Statement, add_to, insert_into
from gateway.store.transaction import Transaction

_alarm, _rule, _lease = tables.alarm, tables.alarm_rule, tables.alarm_lease
_a = _alarm.c
_COLUMNS = (
    _a.id, _a.scope, _a.rule, _a.labels, _a.state, _a.severity, _a.value, _a.since, _a.fired_at,
    _a.acknowledged_at, _a.acknowledged_by, _a.reason, _a.ended_at,
)  # fmt: skip
_KEPT_MS = 180 * 86_400_000
_GONE_MS = 86_400_000
_TAKE = Statement(
    update(_lease)
    .values(holder=bindparam("by"), until=bindparam("ends"))
    .where(
        _lease.c.scope == bindparam("of_scope"),
        or_(_lease.c.holder == bindparam("by"), _lease.c.until <= bindparam("now")),
    )
)
_ADD_LEASE = add_to(_lease)
_HELD = Statement(
    select(_lease.c.holder)
    .where(_lease.c.scope == bindparam("of_scope"), _lease.c.holder == bindparam("by"), _lease.c.until > bindparam("now"))
    .with_for_update()
)  # fmt: skip
_OPEN = Statement(
    select(*_COLUMNS, _a.steady_since, _a.calm_since, _a.told_at).where(
        _a.scope == bindparam("of_scope"), text(tables.IS_OPEN)
    )
)
_GONE = Statement(
    select(_a.scope)
    .distinct()
    .join(_lease, _lease.c.scope == _a.scope)
    .where(text(f"alarm.{tables.IS_OPEN}"), _a.scope != "", _lease.c.until < bindparam("old"))
)
_INSERT = insert_into(_alarm)
_MOVE = Statement(
    update(_alarm)
    .values(
        state=bindparam("new"), value=bindparam("is_now"), fired_at=bindparam("fired"), ended_at=bindparam("ended"),
        calm_since=bindparam("calm"), told_at=bindparam("told"),
    )
    .where(_a.id == bindparam("of_id"), text(tables.IS_OPEN))
)  # fmt: skip
_DROP = Statement(delete(_alarm).where(_a.id == bindparam("of_id"), _a.state == PENDING))
_ACKNOWLEDGE = Statement(
    update(_alarm)
    .values(
        state=ACKNOWLEDGED, acknowledged_at=bindparam("now"), acknowledged_by=bindparam("by"),
        reason=bindparam("said"),
    )
    .where(_a.id == bindparam("of_id"), _a.state == FIRING)
)  # fmt: skip
_FIND = Statement(select(*_COLUMNS).where(_a.id == bindparam("of_id")))
_FORGET = Statement(delete(_alarm).where(_a.ended_at > 0, _a.ended_at < bindparam("old")))
_COUNTS = Statement(
    select(_a.severity, _a.state, func.count())
    .where(text(tables.IS_OPEN), _a.state != PENDING)
    .group_by(_a.severity, _a.state)
)
_RULES = Statement(select(_rule).order_by(_rule.c.name))
_ONE_RULE = Statement(select(_rule).where(_rule.c.name == bindparam("of_name")))
_DELETE_RULE = Statement(delete(_rule).where(_rule.c.name == bindparam("of_name")))
_INSERT_RULE = insert_into(_rule)


async def take_lease(work: Transaction, scope: str, holder: str, for_s: float) -> bool:
    """False where somebody else judges this scope."""
    until = work.steady_ms + int(for_s * 1000)
    if await _TAKE.run(work.connection, of_scope=scope, by=holder, ends=until, now=work.steady_ms):
        return True
    return bool(await _ADD_LEASE.many(work.connection, [(scope, holder, until)]))


async def judge_all(
    work: Transaction, scope: str, holder: str, defaults: Sequence[Rule], samples: Sequence[Sample]
) -> list[tuple[Move, Rule | None]] | None:
    """What moved, with its rule (None: there is none of that name any more); None where the lease is lost."""
    held = await _HELD.rows(work.connection, of_scope=scope, by=holder, now=work.steady_ms)
    if not held:
        return None
    rules = {one.rule.name: one.rule for one in await effective_rules(work.connection, defaults)}
    moved = await _judge(work, scope, rules, samples)
    if not scope:
        for (gone,) in await _GONE.rows(work.connection, old=work.steady_ms - _GONE_MS):
            moved += await _judge(work, gone, {}, [])
    await _FORGET.run(work.connection, old=work.at_ms - _KEPT_MS)
    await notifications.forget(work, work.at_ms - _KEPT_MS)
    return moved


async def _judge(
    work: Transaction, scope: str, rules: Mapping[str, Rule], samples: Sequence[Sample]
) -> list[tuple[Move, Rule | None]]:
    """Without rules every alarm of the scope ends: of a node that nobody has judged for a day."""
    rows = await _OPEN.rows(work.connection, of_scope=scope)
    known = {row[0]: (_row(row[:-3]), *row[-3:]) for row in rows}
    judged = [_known(*one) for one in known.values()]
    moved: list[tuple[Move, Rule | None]] = []
    for move in judge(rules.values(), judged, samples, work.steady_ms):
        rule = rules.get(move.rule)
        if await _carry_out(work, scope, move, rule, known.get(move.alarm)):
            moved.append((move, rule))
    return moved


async def _carry_out(
    work: Transaction, scope: str, move: Move, rule: Rule | None, known: tuple[AlarmRow, int, int, int] | None
) -> bool:
    """False where a person was quicker, or nothing of it is to be seen."""
    if known is None:
        if rule is None:
            raise LookupError(f"an alarm of no rule began: {move.rule}")
        return await _begin(work, scope, move, rule)
    row, _, calm, told = known
    if move.kind == "drop":
        await _DROP.run(work.connection, of_id=row.id)
        return False
    state, fired, ended = row.state, row.fired_at, 0
    if move.kind == "fire":
        state, fired, told = FIRING, work.at_ms, work.steady_ms
    elif move.kind == "repeat":
        told = work.steady_ms
    elif move.kind == "end":
        state, ended = ENDED, work.at_ms
    calm = work.steady_ms if move.kind == "calm" else 0
    await _MOVE.run(
        work.connection, new=state, is_now=repr(move.value), fired=fired, ended=ended, calm=calm, told=told,
        of_id=row.id,
    )  # fmt: skip
    kind = {"fire": FIRED, "repeat": REPEATED, "end": OVER}.get(move.kind)
    if kind is None:
        return False
    if rule is not None:
        await notifications.tell(work, kind, rule, _moved(row, move, state, fired, ended))
    return True


async def _begin(work: Transaction, scope: str, move: Move, rule: Rule) -> bool:
    fires = move.kind == "fire"
    row = AlarmRow(
        clock.new_id(), scope, rule.name, move.labels, FIRING if fires else PENDING, rule.severity, move.value, work.at_ms,
        work.at_ms if fires else 0,
    )  # fmt: skip
    steady = work.steady_ms
    await _INSERT.many(work.connection, [(*_values(row), steady, 0, steady if fires else 0)])
    if fires:
        await notifications.tell(work, FIRED, rule, row)
    return fires


async def acknowledge(work: Transaction, alarm: str, actor: str, reason: str, origin: str) -> AlarmRow:
    """LookupError; ResolveRefused where it is not firing (any more), or for no reason."""
    row = await find(work.connection, alarm)
    if row is None:
        raise LookupError(f"no alarm {alarm}")
    if not reason.strip():
        raise ResolveRefused("no-reason", "a reason is required")
    if not await _ACKNOWLEDGE.run(work.connection, now=work.at_ms, by=actor, said=reason, of_id=alarm):
        raise ResolveRefused("not-firing", f"the alarm is {row.state}")
    told = {"rule": row.rule, "labels": dict(row.labels), "severity": row.severity}
    work.audit(NewAct(actor, "acknowledge alarm", alarm, reason, told, origin))
    found = await find(work.connection, alarm)
    if found is None:
        raise LookupError(f"no alarm {alarm}")
    return found


async def find(connection: Connection, alarm: str) -> AlarmRow | None:
    found = await _FIND.rows(connection, of_id=alarm)
    return _row(found[0]) if found else None


async def search(connection: Connection, wanted: AlarmFilter) -> list[AlarmRow]:
    """Newest first; pending ones are nobody's business yet."""
    conditions: list[Any] = [_a.state != PENDING]
    if wanted.is_open:
        conditions.append(text(tables.IS_OPEN))
    if wanted.rule:
        conditions.append(_a.rule == wanted.rule)
    if wanted.severity:
        conditions.append(_a.severity == wanted.severity)
    if wanted.before:
        conditions.append(_a.id < wanted.before)
    asked = select(*_COLUMNS).where(*conditions).order_by(_a.id.desc()).limit(wanted.limit)
    return [_row(row) for row in await Statement(asked).rows(connection)]


async def counts(connection: Connection) -> dict[tuple[str, ...], int]:
    """(severity, state) of those that have not ended."""
    return {(severity, state): int(count) for severity, state, count in await _COUNTS.rows(connection)}


# rules
async def effective_rules(connection: Connection, defaults: Sequence[Rule]) -> list[ChangedRule]:
    """By name: what was changed in the console, else the configuration's."""
    rules = {one.name: ChangedRule(one) for one in defaults}
    for name, told, changed_at, changed_by in await _RULES.rows(connection):
        rules[name] = ChangedRule(_rule_of(told), changed_at, changed_by)
    return [rules[name] for name in sorted(rules)]


async def put_rule(
    work: Transaction, rule: Rule, before: Rule | None, actor: str, reason: str, origin: str
) -> None:
    await _DELETE_RULE.run(work.connection, of_name=rule.name)
    await _INSERT_RULE.many(work.connection, [(rule.name, _rule_text(rule), work.at_ms, actor)])
    told = {"before": _summary(before) if before else "", "after": _summary(rule)}
    work.audit(NewAct(actor, "set alarm rule", rule.name, reason, told, origin))


async def drop_rule(work: Transaction, name: str, actor: str, reason: str, origin: str) -> bool:
    """Back to the configuration's, or to none. False where it was not changed."""
    found = await _ONE_RULE.rows(work.connection, of_name=name)
    if not found:
        return False
    await _DELETE_RULE.run(work.connection, of_name=name)
    told = {"before": _summary(_rule_of(found[0][1])), "after": ""}
    work.audit(NewAct(actor, "reset alarm rule", name, reason, told, origin))
    return True


def _summary(rule: Rule) -> str:
    sent = ", ".join(rule.targets)
    return (
        f"{rule.condition} {rule.for_s} s, {rule.severity}, repeat {rule.repeat_s} s, to [{sent}], "
        f"{'on' if rule.is_active else 'off'}"
    )


def _rule_text(rule: Rule) -> str:
    return text_of({name: getattr(rule, name) for name in Rule.__slots__})


def _rule_of(told: str) -> Rule:
    values = orjson.loads(told)
    values["labels"] = _labels(values["labels"])
    values["targets"] = tuple(values["targets"])
    values["threshold"] = float(values["threshold"])
    return Rule(**values)


def _labels(pairs: Sequence[Sequence[str]]) -> Labels:
    return tuple((name, value) for name, value in pairs)


def _row(values: Sequence[Any]) -> AlarmRow:
    id_, scope, rule, labels, state, severity, value, *rest = values
    return AlarmRow(id_, scope, rule, _labels(orjson.loads(labels)), state, severity, float(value), *rest)


def _values(row: AlarmRow) -> tuple[Any, ...]:
    return (
        row.id, row.scope, row.rule, text_of(row.labels), row.state, row.severity, repr(row.value), row.since,
        row.fired_at, row.acknowledged_at, row.acknowledged_by, row.reason, row.ended_at,
    )  # fmt: skip


def _known(row: AlarmRow, since: int, calm_since: int, told_at: int) -> Known:
    return Known(row.id, row.rule, row.labels, row.state, row.value, since, calm_since, told_at)


def _moved(row: AlarmRow, move: Move, state: str, fired: int, ended: int) -> AlarmRow:
    return AlarmRow(
        row.id, row.scope, row.rule, row.labels, state, row.severity, move.value, row.since, fired,
        row.acknowledged_at, row.acknowledged_by, row.reason, ended,
    )  # fmt: skip
