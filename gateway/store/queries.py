"""Reading messages, deliveries and attempts: short, by index, each in one step, so that checkpoints finish."""

from __future__ import annotations

from collections import defaultdict

import orjson
from sqlalchemy import BigInteger, and_, bindparam, cast, func, select, text

from gateway.errors import Fault
from gateway.store import tables
from gateway.store.contract import (
    PARKED,
    AttemptRow,
    Counts,
    DeliveryRow,
    EventRow,
    MessageRow,
    RefusalRow,
)
from gateway.store.purged import find_purged, find_purged_by_key
from gateway.store.rows import delivery_row, message_row
from gateway.store.statements import Connection, Statement
from gateway.store.transaction import MESSAGES

_m, _c, _l, _p = tables.message.c, tables.content.c, tables.leaf.c, tables.checkpoint.c
MESSAGE_COLUMNS = (
    _m.id, _m.type, _m.sender, _m.idem_key, _m.biz_key, _m.biz_version, _m.oper_type, _m.fingerprint,
    _m.state, _m.application, _m.received_at, _m.accepted_at, _m.content_type, _m.suite, _m.cert, _m.jti,
    _m.transport, _m.note, _m.origin_id, _m.search,
    _c.head, _c.answer, _c.body, _c.original,
    _l.log_id, _l.leaf_index, _l.hash, _l.tree_size, _l.path,
    _p.root, _p.signed_at, _p.signature, _p.key_id,
)  # fmt: skip
MESSAGES_JOINED = (
    tables.message.join(tables.content, _c.message_seq == _m.seq)
    .outerjoin(tables.leaf, and_(_l.log_id == _m.log_id, _l.leaf_index == _m.leaf_index))
    .outerjoin(tables.checkpoint, and_(_p.log_id == _l.log_id, _p.tree_size == _l.tree_size))
)
_messages = select(*MESSAGE_COLUMNS).select_from(MESSAGES_JOINED)
_BY_ID = Statement(_messages.where(_m.id == bindparam("message_id")))
_key, _business = tables.sender_key.c, tables.business_key.c
_BY_KEY = Statement(
    _messages.where(
        _m.id
        == select(_key.message_id)
        .where(_key.sender == bindparam("of_sender"), _key.idem_key == bindparam("of_key"))
        .scalar_subquery()
    )
)
_BY_BUSINESS_KEY = Statement(
    _messages.where(
        _m.id
        == select(_business.message_id)
        .where(
            _business.sender == bindparam("of_sender"),
            _business.type == bindparam("of_type"),
            _business.biz_key == bindparam("of_key"),
        )
        .order_by(_business.version.desc())
        .limit(1)
        .scalar_subquery()
    )
)
_TOKEN = Statement(
    select(tables.seen_token.c.jti).where(
        tables.seen_token.c.sender == bindparam("of_sender"), tables.seen_token.c.jti == bindparam("of_jti")
    )
)
_STATE = Statement(select(_m.state).where(_m.id == bindparam("message_id")))

_d, _f = tables.delivery.c, tables.form.c
deliveries_with_forms = select(
    _d.id, _d.message_id, _d.receiver, _d.type, _d.state, _d.line, _d.seq, _d.lane, _d.due_at, _d.attempts,
    _d.delivery_key, _d.effect_no, _f.rendered, _d.rendered_digest, _d.rendered_version, _d.last_code,
    _d.last_text, _d.done_at, _d.crashes,
).select_from(tables.delivery.join(tables.form, _f.delivery_id == _d.id))  # fmt: skip
_DELIVERY = Statement(deliveries_with_forms.where(_d.id == bindparam("delivery_id")))
_DELIVERIES = Statement(deliveries_with_forms.where(_d.message_id == bindparam("of_message")).order_by(_d.id))
_STUCK = Statement(
    deliveries_with_forms.where(text(f"delivery.{tables.IS_STUCK}"))
    .order_by(_d.id.desc())
    .limit(bindparam("most"))
)
_a = tables.attempt.c
_ATTEMPTS = Statement(
    select(
        _a.delivery_id, _a.number, _a.started_at, _a.ended_at, _a.state, _a.status, _a.latency_ms, _a.code,
        _a.text, _a.answer, _a.headers,
    ).where(_a.delivery_id == bindparam("of_delivery")).order_by(_a.number)
)  # fmt: skip
_e = tables.event.c
_EVENTS = Statement(
    select(_e.message_id, _e.at, _e.stage, _e.detail)
    .where(_e.message_id == bindparam("of_message"))
    .order_by(_e.id)
)
_t = tables.tally.c
_sum = cast(func.sum(_t.count), BigInteger)
_TALLY = Statement(select(_t.receiver, _t.state, _sum).group_by(_t.receiver, _t.state).having(_sum != 0))
_r = tables.refusal.c
_refusals = select(_r.id, _r.at, _r.sender, _r.type, _r.faults, _r.detail).order_by(_r.id.desc())
_REFUSALS = Statement(_refusals.limit(bindparam("most")))
_REFUSALS_OF = Statement(_refusals.where(_r.sender == bindparam("of_sender")).limit(bindparam("most")))


async def find_message_row(connection: Connection, message_id: str) -> MessageRow | None:
    """Of a purged message, what is left of it."""
    row = _one(await _BY_ID.rows(connection, message_id=message_id))
    return row or await find_purged(connection, message_id)


async def find_by_key(connection: Connection, sender: str, idem_key: str) -> MessageRow | None:
    """The message that a sender's key is bound to; of a duplicate's key, the first message."""
    row = _one(await _BY_KEY.rows(connection, of_sender=sender, of_key=idem_key))
    return row or await find_purged_by_key(connection, sender, idem_key)


async def find_newest(connection: Connection, sender: str, type_: str, biz_key: str) -> MessageRow | None:
    return _one(await _BY_BUSINESS_KEY.rows(connection, of_sender=sender, of_type=type_, of_key=biz_key))


async def is_token_seen(connection: Connection, sender: str, jti: str) -> bool:
    return bool(await _TOKEN.rows(connection, of_sender=sender, of_jti=jti))


async def find_state(connection: Connection, message_id: str) -> str | None:
    found = await _STATE.rows(connection, message_id=message_id)
    return str(found[0][0]) if found else None


async def find_delivery(connection: Connection, delivery_id: int) -> DeliveryRow | None:
    found = await _DELIVERY.rows(connection, delivery_id=delivery_id)
    return delivery_row(found[0]) if found else None


async def deliveries_of(connection: Connection, message_id: str) -> list[DeliveryRow]:
    return [delivery_row(row) for row in await _DELIVERIES.rows(connection, of_message=message_id)]


async def stuck_deliveries(connection: Connection, limit: int) -> list[DeliveryRow]:
    """Dead ones and those whose outcome is unknown, newest first."""
    return [delivery_row(row) for row in await _STUCK.rows(connection, most=limit)]


async def attempts_of(connection: Connection, delivery_id: int) -> list[AttemptRow]:
    return [AttemptRow(*row) for row in await _ATTEMPTS.rows(connection, of_delivery=delivery_id)]


async def events_of(connection: Connection, message_id: str) -> list[EventRow]:
    found = await _EVENTS.rows(connection, of_message=message_id)
    return [EventRow(id_, at, stage, orjson.loads(detail)) for id_, at, stage, detail in found]


# In bytes, of the whole database; on SQLite without what is only in the WAL yet.
SIZE = Statement(
    text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"),
    postgresql=text("SELECT pg_database_size(current_database())"),
)


async def counts(connection: Connection) -> Counts:
    messages = parked = 0
    by_state: dict[str, int] = defaultdict(int)
    by_receiver: dict[str, dict[str, int]] = defaultdict(dict)
    for receiver, state, count in await _TALLY.rows(connection):
        if receiver == MESSAGES and state == PARKED:
            parked = count
        elif receiver == MESSAGES:
            messages += count
        else:
            by_state[state] += count
            by_receiver[receiver][state] = count
    return Counts(messages, dict(by_state), dict(by_receiver), parked)


async def refusals(connection: Connection, limit: int, sender: str) -> list[RefusalRow]:
    found = (
        await _REFUSALS_OF.rows(connection, most=limit, of_sender=sender)
        if sender
        else await _REFUSALS.rows(connection, most=limit)
    )
    return [
        RefusalRow(
            id_, at, of, type_, tuple(Fault(**one) for one in orjson.loads(faults)), orjson.loads(detail)
        )
        for id_, at, of, type_, faults, detail in found
    ]


def _one(found: list[tuple[object, ...]]) -> MessageRow | None:
    return message_row(found[0]) if found else None
