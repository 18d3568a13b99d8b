"""Accepting a batch: load what is known, judge, write the accepted with everything that belongs to them.

All rows of a table are inserted by one statement a batch. Nothing of a refused item is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select, text

from gateway.merkle import Frontier
from gateway.message import DeliveryState, MessageState
from gateway.store import tables
from gateway.store.contract import (
    PARKED,
    Arrival,
    Evidence,
    LeafPlace,
    MessageRow,
    NewDelivery,
    Outcome,
    SealedBatch,
    Verdict,
)
from gateway.store.entrances import let_in
from gateway.store.grounding import save_ground
from gateway.store.judging import Judged, judge_all, used_for
from gateway.store.keys import load_known
from gateway.store.mappingerrors import NO_FORM
from gateway.store.queries import find_message_row
from gateway.store.receipts import answer
from gateway.store.rows import split_hashes
from gateway.store.statements import Connection, Statement, as_given, given, insert_into, put_into
from gateway.store.transaction import MESSAGES, Transaction

_lines = given("line", "receiver")
# With a limit it is looked for once a line; PostgreSQL would read all open deliveries for an EXISTS.
_open_in_line = (
    select(tables.delivery.c.id)
    .where(
        tables.delivery.c.line == _lines.c.line,
        tables.delivery.c.receiver == _lines.c.receiver,
        text(tables.IS_OPEN),
    )
    .limit(1)
    .correlate(_lines)
    .scalar_subquery()
)
_BUSY_LINES = Statement(select(_lines.c.line, _lines.c.receiver).where(_open_in_line.is_not(None)))
_log = tables.evidence_log.c
_FRONTIER = Statement(
    select(_log.size, _log.frontier).where(_log.log_id == bindparam("log_id")).with_for_update()
)
_INSERT_MESSAGE = insert_into(tables.message)
_INSERT_CONTENT = insert_into(tables.content)
_INSERT_KEY = insert_into(tables.sender_key)
_INSERT_BUSINESS_KEY = insert_into(tables.business_key)
_INSERT_TOKEN = insert_into(tables.seen_token)
INSERT_DELIVERY = insert_into(tables.delivery)
INSERT_FORM = insert_into(tables.form)
_INSERT_LEAF = insert_into(tables.leaf)
_INSERT_CHECKPOINT = insert_into(tables.checkpoint)
_PUT_LOG = put_into(tables.evidence_log)
_LANES = 2


@dataclass(slots=True)
class Rows:
    """The rows of a batch, by table."""

    messages: list[tuple[Any, ...]] = field(default_factory=list)
    contents: list[tuple[Any, ...]] = field(default_factory=list)
    keys: list[tuple[Any, ...]] = field(default_factory=list)
    business_keys: list[tuple[Any, ...]] = field(default_factory=list)
    tokens: list[tuple[Any, ...]] = field(default_factory=list)
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    forms: list[tuple[Any, ...]] = field(default_factory=list)


async def accept_all(
    work: Transaction,
    arrivals: Sequence[Arrival],
    evidence: Evidence | None,
) -> list[Outcome | Exception]:
    """The outcome of each arrival, in order; an exception where its rules raised one."""
    if not arrivals:
        return []
    known = await load_known(work.connection, arrivals)
    judged = judge_all(arrivals, known)
    accepted = [one for one in judged if one.kind == "accepted"]
    stored = await _store(work, accepted, evidence) if accepted else {}
    await save_ground(work.connection, known.ground)
    answered = [one.arrival for one in accepted if one.arrival.answers]
    if answered:
        await answer(work, answered)
    await _bind(work, judged, stored)

    async def outcome(one: Judged) -> Outcome | Exception:
        if one.error is not None:
            return one.error
        row = stored.get(one.stored_id)
        if row is None and one.stored_id:
            row = await find_message_row(work.connection, one.stored_id)
        return Outcome(one.kind, row, one.faults)

    return [await outcome(one) for one in judged]


async def _store(
    work: Transaction, accepted: Sequence[Judged], evidence: Evidence | None
) -> dict[str, MessageRow]:
    """Writes the accepted messages, their deliveries and their evidence; the rows by message id."""
    messages = [_message_row(work, one) for one in accepted]
    # Lines before numbers: where several write at a time, who waited for a line comes later in it.
    busy = await _busy_lines(work, accepted)
    if evidence is not None:
        frontier = await find_frontier(work.connection, evidence.log_id)
        sealed = evidence.seal_batch(frontier, messages)
        for at, row in enumerate(messages):
            # Nobody else has the row yet; a copy of its 25 fields is dearer than the sealing.
            object.__setattr__(row, "place", _place(sealed, at))
        await _write_evidence(work.connection, sealed)
    numbers = await work.connection.new_numbers(tables.message, len(accepted))
    parcels = sum(len(_verdict(one).deliveries) for one in accepted)
    ids = iter(await work.connection.new_numbers(tables.delivery, parcels))
    rows = Rows()
    for one, row, seq in zip(accepted, messages, numbers, strict=True):
        _add_message(rows, one.arrival, row, seq)
        work.count(MESSAGES, row.state, 1)
        if row.note.startswith(PARKED):
            work.count(MESSAGES, PARKED, 1)
        for new in _verdict(one).deliveries:
            add_delivery(work, rows, new, row, one.arrival.traceparent, next(ids), busy)
        work.note(row.id, "accepted", _story(one))
        if row.state is not MessageState.ACCEPTED:
            work.settled.append(row.id)
    await _INSERT_MESSAGE.many(work.connection, rows.messages)
    await _INSERT_CONTENT.many(work.connection, rows.contents)
    await INSERT_DELIVERY.many(work.connection, rows.deliveries)
    await INSERT_FORM.many(work.connection, rows.forms)
    work.forms.update((id_, (files, rendered)) for id_, files, rendered in rows.forms)
    await let_in(
        work.connection,
        [
            (digest, one.arrival.sender, new.receiver)
            for one in accepted
            for digest in one.arrival.files
            for new in _verdict(one).deliveries
        ],
    )
    return {row.id: row for row in messages}


async def _bind(work: Transaction, judged: Sequence[Judged], stored: dict[str, MessageRow]) -> None:
    """Binds the keys and tokens of what was accepted, and of its retries and duplicates."""
    rows = Rows()
    for one in judged:
        arrival = one.arrival
        if one.kind not in ("accepted", "replayed", "duplicate"):
            continue
        if one.binds_token:
            rows.tokens.append((arrival.sender, arrival.jti, used_for(arrival)))
        if one.binds_key:
            row = stored.get(one.stored_id)
            outcome = row.place.leaf if row is not None and row.place is not None else None
            rows.keys.append(
                (arrival.sender, arrival.idem_key, arrival.fingerprint, one.stored_id, one.kind, outcome)
            )
        if one.kind == "accepted":
            rows.business_keys.append(
                (
                    arrival.sender, arrival.type, arrival.biz_key, one.version, arrival.fingerprint,
                    arrival.message_id, arrival.sender_time,
                )
            )  # fmt: skip
        else:
            work.note(one.stored_id, one.kind, {"idem_key": arrival.idem_key, "transport": arrival.transport})
    await _INSERT_KEY.many(work.connection, rows.keys)
    await _INSERT_BUSINESS_KEY.many(work.connection, rows.business_keys)
    await _INSERT_TOKEN.many(work.connection, rows.tokens)


def _verdict(one: Judged) -> Verdict:
    if one.verdict is None:
        raise LookupError(f"{one.arrival.message_id} was accepted without a verdict")
    return one.verdict


def _message_row(work: Transaction, one: Judged) -> MessageRow:
    arrival, verdict = one.arrival, _verdict(one)
    if any(new.fault for new in verdict.deliveries):
        state = MessageState.STUCK
    elif verdict.deliveries:
        state = MessageState.ACCEPTED
    else:
        state = MessageState.ANSWERED if arrival.answer else MessageState.DELIVERED
    return MessageRow(
        arrival.message_id, arrival.type, arrival.sender, arrival.idem_key, arrival.biz_key, one.version,
        arrival.oper_type, arrival.fingerprint, state, verdict.application, arrival.received_at,
        arrival.content_type, arrival.original, arrival.body, arrival.head, arrival.suite, arrival.cert,
        arrival.jti, arrival.transport, arrival.answer, verdict.note, verdict.origin_id, arrival.search,
        None, work.at_ms,
    )  # fmt: skip


def _add_message(rows: Rows, arrival: Arrival, row: MessageRow, seq: int) -> None:
    log_id, leaf_index = (row.place.log_id, row.place.index) if row.place else (None, None)
    rows.messages.append(
        (
            seq, row.id, row.type, row.sender, row.idem_key, row.biz_key, row.biz_version, row.oper_type,
            row.fingerprint, row.state.value, row.application, row.received_at, row.accepted_at,
            row.content_type, row.suite, row.cert, row.jti, row.transport, row.note, row.origin_id,
            arrival.traceparent, arrival.amount_fen, log_id, leaf_index, row.search,
        )
    )  # fmt: skip
    rows.contents.append((seq, row.head, row.answer, row.body, row.original))


def add_delivery(
    work: Transaction,
    rows: Rows,
    new: NewDelivery,
    message: MessageRow,
    traceparent: str,
    delivery_id: int,
    busy: set[tuple[str, str]],
) -> None:
    """A delivery at the end of its line: ready if the line is idle, waiting behind others, dead at birth
    where its form could not be made (it holds the line all the same)."""
    line = (new.line, new.receiver)
    if new.fault:
        state, code = DeliveryState.DEAD, NO_FORM
    else:
        state, code = (DeliveryState.WAITING if line in busy else DeliveryState.READY), ""
    busy.add(line)
    work.has_work |= state is DeliveryState.READY
    work.count(new.receiver, state, 1)
    rows.deliveries.append(
        (
            delivery_id, message.id, new.receiver, message.type, message.sender, message.application,
            message.biz_key, message.biz_version, new.line, delivery_id % tables.NUMBERS_A_MONTH, min(max(new.lane, 0), _LANES), new.delivery_key,
            new.effect_no, hashlib.sha256(new.rendered).hexdigest(), new.rendered_version, traceparent,
            state.value, 1, work.steady_ms, 0, 0, 0, 0, "", 0.0, code, new.fault, 0,
        )
    )  # fmt: skip
    rows.forms.append((delivery_id, new.files, new.rendered))


async def _busy_lines(work: Transaction, accepted: Sequence[Judged]) -> set[tuple[str, str]]:
    lines = {(new.line, new.receiver) for one in accepted for new in _verdict(one).deliveries}
    return await find_busy_lines(work.connection, lines) if lines else set()


async def find_busy_lines(connection: Connection, lines: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the lines that hold an open delivery; the lines are the transaction's from now on."""
    await connection.lock("line", lines)
    return set(await _BUSY_LINES.rows(connection, given=as_given(lines)))


def _story(one: Judged) -> dict[str, Any]:
    arrival, verdict = one.arrival, _verdict(one)
    story: dict[str, Any] = {"transport": arrival.transport, "suite": arrival.suite}
    if arrival.stages:
        story["stages_us"] = dict(arrival.stages)
    if verdict.note:
        story["note"] = verdict.note
    return story


async def find_frontier(connection: Connection, log_id: str) -> Frontier:
    """The frontier of an evidence log; of a log that is not there yet, the empty one."""
    found = await _FRONTIER.rows(connection, log_id=log_id)
    return Frontier(found[0][0], split_hashes(found[0][1])) if found else Frontier()


def _place(sealed: SealedBatch, at: int) -> LeafPlace:
    size = sealed.frontier.size
    return LeafPlace(
        sealed.log_id, size - len(sealed.leaves) + at, sealed.leaves[at], sealed.paths[at], size, sealed.root,
        sealed.signed_at, sealed.signature, sealed.key_id,
    )  # fmt: skip


async def _write_evidence(connection: Connection, sealed: SealedBatch) -> None:
    size = sealed.frontier.size
    first = size - len(sealed.leaves)
    await _INSERT_LEAF.many(
        connection,
        [
            (sealed.log_id, first + at, leaf, size, b"".join(path))
            for at, (leaf, path) in enumerate(zip(sealed.leaves, sealed.paths, strict=True))
        ],
    )
    await _INSERT_CHECKPOINT.many(
        connection, [(sealed.log_id, size, sealed.root, sealed.signed_at, sealed.signature, sealed.key_id)]
    )
    await _PUT_LOG.many(connection, [(sealed.log_id, size, b"".join(sealed.frontier.hashes))])
