"""What is left of a purged message: enough for its first reply and its receipt, and no content.

It is found through the sender's key, which is never purged, so a retry of a purged message is told from a new
one and gets the first reply again (DESIGN.md promise 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, select

from gateway.message import MessageState
from gateway.store import tables
from gateway.store.keeping_tables import purged_message
from gateway.store.messagerows import MessageRow
from gateway.store.rows import place_of
from gateway.store.statements import Connection, Statement

PURGED = "purged"
_p, _l, _c, _key = purged_message.c, tables.leaf.c, tables.checkpoint.c, tables.sender_key.c
_left = select(
    *purged_message.columns,
    _l.log_id, _l.leaf_index, _l.hash, _l.tree_size, _l.path, _c.root, _c.signed_at, _c.signature, _c.key_id,
).select_from(
    purged_message.outerjoin(tables.leaf, and_(_l.log_id == _p.log_id, _l.leaf_index == _p.leaf_index))
    .outerjoin(tables.checkpoint, and_(_c.log_id == _l.log_id, _c.tree_size == _l.tree_size))
)  # fmt: skip
_BY_ID = Statement(_left.where(_p.id == bindparam("message_id")))
_BY_KEY = Statement(
    _left.where(
        _p.id
        == select(_key.message_id)
        .where(_key.sender == bindparam("of_sender"), _key.idem_key == bindparam("of_key"))
        .scalar_subquery()
    )
)


async def find_purged(connection: Connection, message_id: str) -> MessageRow | None:
    return _row(await _BY_ID.rows(connection, message_id=message_id))


async def find_purged_by_key(connection: Connection, sender: str, idem_key: str) -> MessageRow | None:
    return _row(await _BY_KEY.rows(connection, of_sender=sender, of_key=idem_key))


def purged_values(row: MessageRow) -> tuple[Any, ...]:
    """The row of `purged_message` for a message that goes."""
    log_id, index = (row.place.log_id, row.place.index) if row.place else (None, None)
    head_id = orjson.loads(row.head).get("MsgId", "") if row.head else ""
    return (
        row.id, row.type, row.sender, row.idem_key, row.biz_key, row.biz_version, row.oper_type, row.fingerprint,
        row.state.value, row.application, row.received_at, row.accepted_at, row.content_type, row.suite,
        row.transport, row.jti, head_id, hashlib.sha256(row.original).digest(), log_id, index,
    )  # fmt: skip


def _row(found: Sequence[Sequence[Any]]) -> MessageRow | None:
    if not found:
        return None
    (
        id_, type_, sender, idem_key, biz_key, biz_version, oper_type, fingerprint, state, application,
        received_at, accepted_at, content_type, suite, transport, jti, head_id, original_digest, _, _, *leaf,
    ) = found[0]  # fmt: skip
    head = orjson.dumps({"MsgId": head_id})
    return MessageRow(
        id_, type_, sender, idem_key, biz_key, biz_version, oper_type, fingerprint, MessageState(state),
        application, received_at, content_type, b"", b"", head, suite, "", jti, transport, b"", PURGED, "", "",
        place_of(leaf), accepted_at, bytes(original_digest),
    )  # fmt: skip
