"""Refusals are noted for the log alone: they bind nothing, and only the newest are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from gateway.store import tables
from gateway.store.rows import text_of
from gateway.store.statements import Statement, insert_into
from gateway.store.transaction import Transaction
from gateway.store.watchingrows import REFUSED

KEPT = 100_000
_refusal = tables.refusal
_INSERT = insert_into(_refusal, without=["id"])
_newest = select(func.max(_refusal.c.id)).scalar_subquery()
_FORGET = Statement(delete(_refusal).where(_refusal.c.id <= _newest - bindparam("kept")))


async def note_refusal(
    work: Transaction,
    sender: str,
    type_: str,
    at: int,
    faults: Sequence[Mapping[str, Any]],
    detail: Mapping[str, Any],
) -> None:
    codes = " ".join(sorted({str(fault["code"]) for fault in faults}))
    row = (at, sender, type_, codes, text_of(faults), text_of(dict(detail)))
    await _INSERT.many(work.connection, [row])
    work.count_error(sender, REFUSED)
    await _FORGET.run(work.connection, kept=KEPT)
