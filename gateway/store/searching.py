"""The message log's search: indexed conditions, newest first, a page at a time.

A text is first taken for a name (id, application, idempotency key, beginning of a business key), all by
index; only where it names nothing are the newest messages read through for it, and then, where the
database has them, the indexes of older months (partitions.py).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, TextClause, bindparam, func, select, text

from gateway.message import MessageState
from gateway.store import tables
from gateway.store.contract import PARKED, MessageFilter, MessageRow
from gateway.store.queries import MESSAGE_COLUMNS, MESSAGES_JOINED
from gateway.store.rows import message_row
from gateway.store.statements import Connection, Statement, as_given, is_given
from gateway.store.transaction import MESSAGES

READ_THROUGH = 20_000  # messages that are read for a part of a text
_MOST_NAMED = 1000
Condition = ColumnElement[bool] | TextClause
_m, _d = tables.message.c, tables.delivery.c

# Every (sender, type) that there is: a walk over the index, one seek each.
_PAIRS = """
WITH RECURSIVE pair(sender, type) AS (
    SELECT * FROM (SELECT sender, type FROM message ORDER BY sender, type LIMIT 1) AS first
    UNION ALL
    SELECT next.sender, next.type FROM pair JOIN message AS next ON next.seq = coalesce(
        (SELECT seq FROM message WHERE sender = pair.sender AND type > pair.type ORDER BY type LIMIT 1),
        (SELECT seq FROM message WHERE sender > pair.sender ORDER BY sender, type LIMIT 1))
)
"""
_NAMED = Statement(
    text(f"""{_PAIRS}
SELECT id FROM (
    SELECT id FROM message WHERE id = :wanted
    UNION SELECT id FROM (SELECT id FROM message
        WHERE {tables.HAS_APPLICATION} AND application = :wanted ORDER BY seq DESC LIMIT :most) AS of_case
    UNION SELECT sender_key.message_id FROM (SELECT DISTINCT sender FROM pair) AS known
        CROSS JOIN sender_key WHERE sender_key.sender = known.sender AND sender_key.idem_key = :wanted
    UNION SELECT message_id FROM (SELECT business_key.message_id FROM pair CROSS JOIN business_key
        WHERE business_key.sender = pair.sender AND business_key.type = pair.type
        AND business_key.biz_key >= :wanted AND business_key.biz_key < :beyond LIMIT :most) AS of_key
) AS named LIMIT :most
""").bindparams(
        bindparam("wanted", type_=Text), bindparam("beyond", type_=Text), bindparam("most", type_=BigInteger)
    )
)


async def search(connection: Connection, wanted: MessageFilter) -> list[MessageRow]:
    """One page of the log. A message that `before` names but that is not there ends the page empty."""
    query = select(_m.seq).order_by(_m.seq.desc()).limit(wanted.limit).where(*_conditions(wanted))
    given: dict[str, Any] = {}
    named: list[Any] = []
    word = wanted.text.strip()
    if word:
        named = await _NAMED.rows(connection, wanted=word, beyond=word + "\U0010ffff", most=_MOST_NAMED)
        if named:
            query = query.where(is_given(_m.id, "named"))
            given["named"] = as_given(id_ for (id_,) in named)
        else:
            query = _read_through(query, word)
    found = await _page(connection, query, given)
    rest = wanted.limit - len(found)
    if word and not named and rest > 0 and len(word) > 1 and connection.texts_before:
        older = select(_m.seq).order_by(_m.seq.desc()).limit(rest).where(*_conditions(wanted))
        known = as_given(row.id for row in found)
        older = _by_pairs(older, word, connection.texts_before)
        found += await _page(connection, older, {"known": known})
    return found


async def _page(connection: Connection, query: Select[Any], given: dict[str, Any]) -> list[MessageRow]:
    page = query.subquery("page")
    rows = select(*MESSAGE_COLUMNS).select_from(page.join(MESSAGES_JOINED, _m.seq == page.c.seq))
    found = await Statement(rows.order_by(_m.seq.desc())).rows(connection, **given)
    return [message_row(row) for row in found]


def _by_pairs(query: Select[Any], word: str, before: str) -> Select[Any]:
    """Of the months that have an index of their texts; what is known already is left out."""
    holds = text("gateway_pairs(message.search) @> gateway_pairs(:part)").bindparams(
        bindparam("part", word, type_=Text)
    )
    return query.where(
        _m.id < before, ~is_given(_m.id, "known"), holds, _m.search.contains(word, autoescape=True)
    )


def _read_through(query: Select[Any], word: str) -> Select[Any]:
    newest = select(func.max(_m.seq)).scalar_subquery()
    return query.where(_m.seq > newest - READ_THROUGH, _m.search.contains(word, autoescape=True))


def _conditions(wanted: MessageFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.type:
        conditions.append(_m.type == wanted.type)
    if wanted.sender:
        conditions.append(_m.sender == wanted.sender)
    if wanted.application:
        conditions += [_m.application == wanted.application, text(tables.HAS_APPLICATION)]
    if wanted.state:
        conditions.append(_m.state == wanted.state)
        if wanted.state != MessageState.DELIVERED:
            conditions.append(text(tables.IS_UNUSUAL))
    if wanted.parked:
        # There are few, and mostly none: then no message is looked at.
        tally = tables.tally.c
        some = select(func.sum(tally.count)).where(tally.receiver == MESSAGES, tally.state == PARKED)
        conditions += [some.scalar_subquery() > 0, _m.note.startswith(PARKED)]
    if wanted.since:
        conditions.append(_m.received_at >= wanted.since)
    if wanted.until:
        conditions.append(_m.received_at < wanted.until)
    if wanted.before:
        older = select(_m.seq).where(_m.id == wanted.before).scalar_subquery()
        conditions.append(_m.seq < older)
    return conditions + _of_deliveries(wanted)


def _of_deliveries(wanted: MessageFilter) -> list[Condition]:
    if wanted.code:
        failed = select(_d.message_id).where(_d.last_code == wanted.code, text(tables.HAS_FAILED))
        if wanted.receiver:
            failed = failed.where(_d.receiver == wanted.receiver)
        return [_m.id.in_(failed)]
    if wanted.receiver:
        own = select(_d.id).where(_d.message_id == _m.id, _d.receiver == wanted.receiver)
        # A receiver that never got anything would else be looked for in every message.
        known = select(tables.tally.c.receiver).where(tables.tally.c.receiver == wanted.receiver).exists()
        return [known, own.correlate(tables.message).exists()]
    return []
