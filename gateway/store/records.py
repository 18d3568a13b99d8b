"""A stored message whole, as it goes into an archive: its rows of every table, as JSON-ready data.

Texts and numbers stand as they are, bytes in Base64. The digest of a record is SHA-256 over its canonical
JSON (UTF-8, keys sorted, no white space); it moves with anything that belongs to the message.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import LargeBinary, Select, Table, and_, bindparam, select

from gateway.store import tables
from gateway.store.keeping_tables import purged_message
from gateway.store.messagerows import MessageRow
from gateway.store.queries import MESSAGE_COLUMNS, MESSAGES_JOINED
from gateway.store.rows import message_row
from gateway.store.statements import Connection, Statement, as_given, is_given

Record = dict[str, Any]
_m, _d = tables.message, tables.delivery
_left = select(purged_message.c.id).where(purged_message.c.id == _m.c.id).correlate(_m)
_IDS = Statement(
    select(_m.c.id)
    .where(_m.c.id > bindparam("after"), _m.c.id < bindparam("before"), ~_left.exists())
    .order_by(_m.c.id)
    .limit(bindparam("most"))
)


def _all(table: Table, named: Any, order: Sequence[Any]) -> Statement:
    query: Select[Any] = select(table).where(is_given(named)).order_by(*order)
    return Statement(query)


_MESSAGES = _all(_m, _m.c.id, [_m.c.id])
_CONTENTS = _all(tables.content, tables.content.c.message_seq, [tables.content.c.message_seq])
_EVENTS = _all(tables.event, tables.event.c.message_id, [tables.event.c.id])
_DELIVERIES = _all(_d, _d.c.message_id, [_d.c.id])
_FORMS = _all(tables.form, tables.form.c.delivery_id, [tables.form.c.delivery_id])
_ATTEMPTS = _all(
    tables.attempt, tables.attempt.c.delivery_id, [tables.attempt.c.delivery_id, tables.attempt.c.number]
)
_ROWS = Statement(select(*MESSAGE_COLUMNS).select_from(MESSAGES_JOINED).where(is_given(_m.c.id)))
_LEAVES = Statement(
    select(_m.c.id, *tables.leaf.c)
    .select_from(
        _m.join(
            tables.leaf,
            and_(tables.leaf.c.log_id == _m.c.log_id, tables.leaf.c.leaf_index == _m.c.leaf_index),
        )
    )
    .where(is_given(_m.c.id))
)


async def message_ids(connection: Connection, after: str, before: str, limit: int) -> list[str]:
    """Ids between the two, in order, of what is not purged (its rows may wait for their part to be dropped)."""
    found = await _IDS.rows(connection, after=after, before=before, most=limit)
    return [id_ for (id_,) in found]


async def message_rows(connection: Connection, ids: Sequence[str]) -> dict[str, MessageRow]:
    """By id, with their places in the evidence log."""
    found = await _ROWS.rows(connection, given=as_given(ids))
    return {row.id: row for row in map(message_row, found)}


async def read_records(connection: Connection, ids: Sequence[str]) -> dict[str, Record]:
    """The records of those ids that are there, by id."""
    given = as_given(ids)
    messages = _dicts(_m, await _MESSAGES.rows(connection, given=given))
    contents = _dicts(
        tables.content, await _CONTENTS.rows(connection, given=as_given(one["seq"] for one in messages))
    )
    by_seq = {one["message_seq"]: one for one in contents}
    events = _grouped("message_id", _dicts(tables.event, await _EVENTS.rows(connection, given=given)))
    deliveries = _dicts(_d, await _DELIVERIES.rows(connection, given=given))
    parcels = as_given(one["id"] for one in deliveries)
    forms = _grouped("delivery_id", _dicts(tables.form, await _FORMS.rows(connection, given=parcels)))
    attempts = _grouped("delivery_id", await _attempts(connection, parcels))
    leaves = {id_: row for id_, *row in await _LEAVES.rows(connection, given=given)}
    by_message = _grouped("message_id", deliveries)
    return {
        one["id"]: {
            "message": one,
            "content": by_seq.get(one["seq"]),
            "events": events[one["id"]],
            "deliveries": by_message[one["id"]],
            "forms": [form for parcel in by_message[one["id"]] for form in forms[parcel["id"]]],
            "attempts": [each for parcel in by_message[one["id"]] for each in attempts[parcel["id"]]],
            "leaf": next(iter(_dicts(tables.leaf, [leaves[one["id"]]] if one["id"] in leaves else [])), None),
        }
        for one in messages
    }


async def _attempts(connection: Connection, deliveries: str) -> list[Record]:
    found = _dicts(tables.attempt, await _ATTEMPTS.rows(connection, given=deliveries))
    for one in found:
        if not one["headers"]:
            del one["headers"]  # an archive of before there were any holds the same record
    return found


def record_digest(record: Mapping[str, Any]) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _dicts(table: Table, rows: Iterable[Sequence[Any]]) -> list[Record]:
    columns = [(str(column.name), isinstance(column.type, LargeBinary)) for column in table.columns]
    return [
        {
            name: base64.b64encode(value).decode() if is_bytes and value is not None else value
            for (name, is_bytes), value in zip(columns, row, strict=True)
        }
        for row in rows
    ]


def _grouped(name: str, rows: Iterable[Record]) -> defaultdict[Any, list[Record]]:
    found: defaultdict[Any, list[Record]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found
