"""The audit: what people did, one line an act, each bound to the one before by its hash.

A chain, not leaves of the evidence log: acts are also done by tools that have no log of their own, all nodes
share one order here, and one pass over the table proves it. A transaction writes its lines at its very end,
so the chain's lock is short and always the last one taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, or_, select

from gateway.store import account_tables as tables
from gateway.store.accountrows import NO_LINE, ActRow, AuditCheck, AuditFilter, NewAct, line_hash
from gateway.store.rows import text_of
from gateway.store.statements import Connection, Statement, insert_into

_audit, _a = tables.audit, tables.audit.c
_LAST = Statement(select(_a.id, _a.hash).order_by(_a.id.desc()).limit(1))
_INSERT = insert_into(_audit)
_FROM = Statement(select(_audit).where(_a.id > bindparam("after")).order_by(_a.id).limit(bindparam("most")))
_CHECKED_AT_ONCE = 1000


async def append(connection: Connection, at_ms: int, acts: Sequence[NewAct]) -> None:
    """Once a transaction, as its last lock. The numbers are a key, so two who append at once cannot both; the
    lock spares the second its retry."""
    await connection.lock("audit", [("chain",)])
    found = await _LAST.rows(connection)
    number, before = found[0] if found else (0, NO_LINE)
    lines = []
    for one in acts:
        number += 1
        told = (
            number, at_ms, one.actor, one.act, one.subject, one.reason, text_of(dict(one.detail)), one.origin,
        )  # fmt: skip
        before = line_hash(before, *told)
        lines.append((*told, before))
    await _INSERT.many(connection, lines)


async def find_acts(connection: Connection, wanted: AuditFilter) -> list[ActRow]:
    """Newest first."""
    conditions: list[Any] = []
    for name in ("actor", "act", "subject"):
        if getattr(wanted, name):
            conditions.append(_a[name] == getattr(wanted, name))
    if wanted.text:
        conditions.append(
            or_(
                *(_a[name].contains(wanted.text, autoescape=True) for name in ("subject", "reason", "detail"))
            )
        )
    if wanted.since:
        conditions.append(_a.at >= wanted.since)
    if wanted.until:
        conditions.append(_a.at < wanted.until)
    if wanted.before:
        conditions.append(_a.id < wanted.before)
    found = select(_audit).where(*conditions).order_by(_a.id.desc()).limit(wanted.limit)
    return [_row(row) for row in await Statement(found).rows(connection)]


async def check(connection: Connection) -> AuditCheck:
    """Walks the whole chain."""
    number, before = 0, NO_LINE
    while True:
        rows = await _FROM.rows(connection, after=number, most=_CHECKED_AT_ONCE)
        for *told, kept in rows:
            if told[0] != number + 1 or line_hash(before, *told) != kept:
                return AuditCheck(number, before, number + 1)
            number, before = told[0], kept
        if len(rows) < _CHECKED_AT_ONCE:
            return AuditCheck(number, before)


def _row(row: Sequence[Any]) -> ActRow:
    id_, at, actor, act, subject, reason, detail, origin, hash_ = row
    return ActRow(id_, at, actor, act, subject, reason, orjson.loads(detail), origin, hash_)
