"""Claiming: heads of lines that are due go to a worker under a lease; leases that ran out come back.

Claims look only at rows that are ready, by receiver and lane, so neither a long history, nor followers
that wait, nor a receiver that is left out with a long backlog makes a claim slower.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import BigInteger, bindparam, select, text

from gateway.message import DeliveryState
from gateway.store import tables
from gateway.store.contract import Claimed
from gateway.store.rows import text_of
from gateway.store.settling import settle
from gateway.store.statements import Connection, Statement, TextClause, as_given, insert_into, is_given
from gateway.store.transaction import Transaction

CRASHES_ALLOWED = 3
QUARANTINED = "delivery.quarantined"
QUARANTINE_TEXT = "three attempts ended without an outcome 三次投递均未得到结果"

# The receivers that have something ready, by a walk over the index (one seek each), not over the rows.
_RECEIVERS = f"""
WITH RECURSIVE ready_receiver(receiver) AS (
    SELECT (SELECT receiver FROM delivery WHERE {tables.IS_READY} ORDER BY receiver LIMIT 1)
    UNION ALL
    SELECT (SELECT receiver FROM delivery
            WHERE {tables.IS_READY} AND receiver > ready_receiver.receiver ORDER BY receiver LIMIT 1)
    FROM ready_receiver WHERE ready_receiver.receiver IS NOT NULL
), lanes(lane) AS (VALUES (0), (1), (2))
"""
_PAST_OTHERS = 3
_CLAIMED = """
    lane, due_at, delivery.id, message_id, delivery.receiver, type, sender, application, delivery_key,
    effect_no, tries, attempts, outcome_unknown, crashes, biz_key, biz_version, traceparent
"""
_LEASE = """
UPDATE delivery SET state = 'leased', token = :token, lease_until = :lease_until,
    attempts = attempts + 1, tries = tries + 1
"""
_CLAIM = Statement(
    text(f"""
{_LEASE} WHERE {tables.IS_READY} AND id IN (
    {_RECEIVERS}
    SELECT id FROM (
        SELECT delivery.id, delivery.receiver, delivery.lane, delivery.due_at, row_number() OVER
            (PARTITION BY delivery.receiver ORDER BY delivery.lane, delivery.due_at, delivery.id) AS place
        FROM ready_receiver CROSS JOIN lanes CROSS JOIN delivery
        WHERE ready_receiver.receiver IS NOT NULL
          AND (:rooms IS NULL
            OR ready_receiver.receiver IN (SELECT key FROM json_each(:rooms) WHERE value > 0))
          AND delivery.id IN (
            SELECT id FROM delivery WHERE {tables.IS_READY} AND receiver = ready_receiver.receiver
              AND lane = lanes.lane AND due_at <= :now ORDER BY due_at, id LIMIT :limit))
    WHERE place <= coalesce((SELECT value FROM json_each(:rooms) WHERE key = receiver), :limit)
    ORDER BY lane, due_at, id LIMIT :limit)
RETURNING {_CLAIMED}
"""),
    # The same, past what other processes are claiming at this moment: of each receiver the first that are free
    # among some times its room.
    postgresql=text(f"""
{_RECEIVERS}, head AS (
    SELECT first.id, first.lane, first.due_at
    FROM ready_receiver
    CROSS JOIN LATERAL (SELECT greatest(0, least(:limit, coalesce(
        CAST(CAST(:rooms AS JSONB) ->> ready_receiver.receiver AS BIGINT),
        CASE WHEN CAST(:rooms AS JSONB) IS NULL THEN :limit ELSE 0 END))) AS room) AS bound
    CROSS JOIN LATERAL (
        SELECT delivery.id, candidate.lane, candidate.due_at
        FROM (
            SELECT early.id, lanes.lane, early.due_at FROM lanes CROSS JOIN LATERAL (
                SELECT id, due_at FROM delivery
                WHERE {tables.IS_READY} AND receiver = ready_receiver.receiver AND lane = lanes.lane
                  AND due_at <= :now
                ORDER BY due_at, id LIMIT bound.room * {_PAST_OTHERS}) AS early
            ORDER BY lanes.lane, early.due_at, early.id LIMIT bound.room * {_PAST_OTHERS}
        ) AS candidate JOIN delivery ON delivery.id = candidate.id AND delivery.{tables.IS_READY}
        ORDER BY candidate.lane, candidate.due_at, candidate.id LIMIT bound.room
        FOR UPDATE OF delivery SKIP LOCKED) AS first
    WHERE ready_receiver.receiver IS NOT NULL AND bound.room > 0
), chosen AS (
    SELECT id FROM head ORDER BY lane, due_at, id LIMIT :limit
)
{_LEASE} FROM chosen WHERE delivery.id = chosen.id AND {tables.IS_READY}
RETURNING {_CLAIMED}
""").bindparams(bindparam("limit", type_=BigInteger), bindparam("now", type_=BigInteger)),
)
_EXPIRE = Statement(
    text(f"""
UPDATE delivery SET crashes = crashes + 1, outcome_unknown = 1, token = '', due_at = :now,
    state = CASE WHEN crashes + 1 >= {CRASHES_ALLOWED} THEN 'dead' ELSE 'ready' END,
    last_code = CASE WHEN crashes + 1 >= {CRASHES_ALLOWED} THEN '{QUARANTINED}' ELSE 'delivery.crashed' END,
    last_text = CASE WHEN crashes + 1 >= {CRASHES_ALLOWED} THEN '{QUARANTINE_TEXT}'
        ELSE 'the lease ran out without an outcome' END
WHERE {tables.IS_LEASED} AND lease_until < :boot
RETURNING state, id, attempts, tries, message_id, receiver, type, sender, application, delivery_key,
    effect_no, crashes, biz_key, biz_version, traceparent
""")
)
_form = tables.form.c
_FORMS = Statement(select(_form.delivery_id, _form.files, _form.rendered).where(is_given(_form.delivery_id)))
_INSERT_ATTEMPT = insert_into(tables.attempt)
_attempt = tables.attempt
_CRASHED = Statement(
    _attempt.update()
    .values(state="crashed", ended_at=bindparam("ended_at"), code="delivery.crashed")
    .where(
        _attempt.c.delivery_id == bindparam("of_delivery"),
        _attempt.c.number == bindparam("of_number"),
        _attempt.c.state == "running",
    )
)


def _earliest(is_everybody: str, named: str) -> TextClause:
    return text(f"""{_RECEIVERS}
SELECT min((SELECT due_at FROM delivery WHERE {tables.IS_READY} AND receiver = ready_receiver.receiver
    AND lane = lanes.lane ORDER BY due_at LIMIT 1))
FROM ready_receiver CROSS JOIN lanes
WHERE ready_receiver.receiver IS NOT NULL AND ({is_everybody} OR ready_receiver.receiver IN ({named}))
""")


_DUE = Statement(
    _earliest(":receivers IS NULL", "SELECT value FROM json_each(:receivers)"),
    postgresql=_earliest(
        "CAST(:receivers AS JSONB) IS NULL", "SELECT jsonb_array_elements_text(CAST(:receivers AS JSONB))"
    ),
)
_OLDEST = Statement(
    text(f"""{_RECEIVERS}
SELECT ready_receiver.receiver, min((SELECT due_at FROM delivery WHERE {tables.IS_READY}
    AND receiver = ready_receiver.receiver AND lane = lanes.lane ORDER BY due_at LIMIT 1))
FROM ready_receiver CROSS JOIN lanes WHERE ready_receiver.receiver IS NOT NULL GROUP BY ready_receiver.receiver
""")
)
_LEASE_END = Statement(
    text(f"SELECT lease_until FROM delivery WHERE {tables.IS_LEASED} ORDER BY lease_until LIMIT 1")
)


async def claim(
    work: Transaction, worker: str, limit: int, lease_s: float, rooms: Mapping[str, int] | None
) -> list[Claimed]:
    """Leases up to `limit` due heads, of a receiver at most its room, of one that is not named none (`rooms` None:
    of whoever has some): lower lanes first, then what is due longest. Each has its attempt's row from now on; its
    token must come back with the outcome."""
    token = f"{worker}:{secrets.token_hex(8)}"
    lease_until = work.lease_s + lease_s
    leased = await _CLAIM.rows(
        work.connection, token=token, lease_until=lease_until, now=work.steady_ms, limit=limit,
        rooms=None if rooms is None else text_of(dict(rooms)),
    )  # fmt: skip
    if not leased:
        return []
    leased.sort()
    forms = await _forms(work, [row[2] for row in leased])
    claimed, attempts = [], []
    for row in leased:
        _, _, id_, message_id, receiver, type_, sender, application, delivery_key, effect_no = row[:10]
        tries, number, outcome_unknown, crashes, biz_key, biz_version, traceparent = row[10:]
        files, rendered = forms[id_]
        work.count(receiver, DeliveryState.READY, -1)
        work.count(receiver, DeliveryState.LEASED, 1)
        attempts.append((id_, number, work.at_ms, worker, "running", 0, 0, 0, "", "", b"", ""))
        claimed.append(
            Claimed(
                id_, message_id, receiver, type_, sender, application, delivery_key, effect_no, tries, token,
                lease_until, rendered, files, bool(outcome_unknown), crashes, biz_key, biz_version, traceparent,
            )
        )  # fmt: skip
    await _INSERT_ATTEMPT.many(work.connection, attempts)
    return claimed


async def _forms(work: Transaction, ids: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
    """Most of what is claimed along was written by the very transaction: that need not be read back."""
    forms = work.forms
    older = [id_ for id_ in ids if id_ not in forms]
    if not older:
        return forms
    read = await _FORMS.rows(work.connection, given=as_given(older))
    return {**forms, **{id_: (files, rendered) for id_, files, rendered in read}}


async def expire(work: Transaction) -> list[Claimed]:
    """Takes back what workers hold beyond their lease: its outcome is unknown, the third time it is dead.
    Returned are the dead ones, as they were claimed last."""
    rows = await _EXPIRE.rows(work.connection, now=work.steady_ms, boot=work.lease_s)
    if not rows:
        return []
    await _CRASHED.many(work.connection, [_crashed(work.at_ms, id_, number) for _, id_, number, *_ in rows])
    dead = []
    for state, id_, _, tries, message_id, receiver, *rest in rows:
        work.count(receiver, DeliveryState.LEASED, -1)
        work.count(receiver, state, 1)
        if state == DeliveryState.DEAD:
            dead.append(_last_claimed(id_, tries, message_id, receiver, *rest))
            work.note(message_id, "quarantined", {"delivery": id_, "receiver": receiver})
    await settle(work, {one.message_id for one in dead})
    return dead


def _last_claimed(
    id_: int, tries: int, message_id: str, receiver: str, type_: str, sender: str, application: str,
    delivery_key: str, effect_no: int, crashes: int, biz_key: str, biz_version: int, traceparent: str,
) -> Claimed:  # fmt: skip
    return Claimed(
        id_, message_id, receiver, type_, sender, application, delivery_key, effect_no, tries, "", 0.0,
        b"", b"", True, crashes, biz_key, biz_version, traceparent,
    )  # fmt: skip


def _crashed(at_ms: int, delivery_id: int, number: int) -> list[object]:
    return _CRASHED.values({"ended_at": at_ms, "of_delivery": delivery_id, "of_number": number})


async def due_in_ms(
    connection: Connection, steady_ms: int, boot_s: float, receivers: Collection[str] | None
) -> float | None:
    """Milliseconds until something can be claimed (negative: since when); None if nothing waits. `receivers`
    None: for whomever."""
    named = None if receivers is None else as_given(receivers)
    due = (await _DUE.rows(connection, receivers=named))[0][0]
    lease = await _LEASE_END.rows(connection)
    waits = [] if due is None else [float(due - steady_ms)]
    if lease:
        waits.append((lease[0][0] - boot_s) * 1000)
    return min(waits, default=None)


async def oldest_due_s(connection: Connection, steady_ms: int) -> dict[str, float]:
    """Seconds since the first delivery of each receiver was due; of those that have one that is ready."""
    found = await _OLDEST.rows(connection)
    return {receiver: max(0.0, (steady_ms - due_at) / 1000) for receiver, due_at in found}
