"""Reading the evidence logs: their heads, their checkpoints, and what joins a checkpoint to the one before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from gateway.store import tables
from gateway.store.keepingrows import ChainLink, CheckpointRow, LogHead
from gateway.store.rows import split_hashes
from gateway.store.statements import Connection, Statement, as_given, is_given

_c, _l, _log = tables.checkpoint.c, tables.leaf.c, tables.evidence_log.c
_COLUMNS = (_c.log_id, _c.tree_size, _c.root, _c.signed_at, _c.signature, _c.key_id)
_LOGS = Statement(select(_log.log_id, _log.size).order_by(_log.log_id))
_NEWEST = Statement(
    select(*_COLUMNS)
    .where(_c.log_id == bindparam("of_log"), _c.tree_size < bindparam("before", type_=BigInteger()))
    .order_by(_c.tree_size.desc())
    .limit(bindparam("most"))
)
_FROM = Statement(
    select(*_COLUMNS)
    .where(_c.log_id == bindparam("of_log"), _c.tree_size >= bindparam("first", type_=BigInteger()))
    .order_by(_c.tree_size)
    .limit(bindparam("most"))
)
_LEAVES = Statement(
    select(_l.leaf_index, _l.hash, _l.tree_size, _l.path).where(
        _l.log_id == bindparam("of_log"), is_given(_l.leaf_index)
    )
)
_BEYOND = 2**62


async def logs(connection: Connection) -> list[LogHead]:
    return [LogHead(log_id, size) for log_id, size in await _LOGS.rows(connection)]


async def newest(connection: Connection, log_id: str, before: int, limit: int) -> list[CheckpointRow]:
    """Largest first, of those with fewer leaves than `before` (0: all)."""
    rows = await _NEWEST.rows(connection, of_log=log_id, before=before or _BEYOND, most=limit)
    return [_row(row) for row in rows]


async def find(connection: Connection, log_id: str, size: int) -> CheckpointRow | None:
    found = await _FROM.rows(connection, of_log=log_id, first=size, most=1)
    return _row(found[0]) if found and found[0][1] == size else None


async def links(
    connection: Connection, log_id: str, first: int, limit: int
) -> tuple[CheckpointRow | None, list[ChainLink]]:
    """The checkpoint before, and those from `first` leaves on, in order, each with the first leaf of its batch."""
    before = await newest(connection, log_id, first, 1) if first else []
    rows = [_row(row) for row in await _FROM.rows(connection, of_log=log_id, first=first, most=limit)]
    starts = [before[0].size if before else 0, *(row.size for row in rows[:-1])] if rows else []
    found = await _LEAVES.rows(connection, of_log=log_id, given=as_given(starts))
    leaves = {
        index: (bytes(leaf), tree_size, split_hashes(bytes(path))) for index, leaf, tree_size, path in found
    }
    made = [
        ChainLink(row, *leaves.get(start, (None, 0, ()))) for start, row in zip(starts, rows, strict=True)
    ]
    return before[0] if before else None, made


def _row(values: Sequence[Any]) -> CheckpointRow:
    log_id, size, root, signed_at, signature, key_id = values
    return CheckpointRow(log_id, size, bytes(root), signed_at, bytes(signature), key_id)
