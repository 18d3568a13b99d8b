"""The message log's search: newest first, a page at a time, at any filter.

A text is first taken for a name (id, application, idempotency key, first parts of a business key), all by index.
What the log's own indexes answer (type, sender, application, state, code, time) is asked of them; texts, amounts,
receivers and what belongs to a contract, a deal or a company are asked of the index of words (wordindex.py), and
of the newest messages, which are not in it yet. Both give candidates, which are then looked at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, TextClause, bindparam, func, select, text

from gateway.message import MessageState
from gateway.store import tables
from gateway.store.contract import PARKED, MessageFilter, MessagePage
from gateway.store.lookedfor import Look, make_look
from gateway.store.queries import MESSAGE_COLUMNS, MESSAGES_JOINED
from gateway.store.rows import message_row
from gateway.store.statements import Connection, Statement, as_given, is_given
from gateway.store.transaction import MESSAGES
from gateway.store.wordindex import Candidate, WordIndex

_MOST_LOOKED_AT = 4_000  # candidates for one page
_FIRST_LOOK, _LONGEST_LOOK = 128, 2048
_SLACK_MS = 600_000  # between the orders of receiving and of acceptance
_NO_END = 1 << 62
Condition = ColumnElement[bool] | TextClause
_m, _d = tables.message.c, tables.delivery.c
_CANDIDATE = (_m.seq, _m.id, _m.state, _m.application, _m.received_at, _m.amount_fen, _m.search)
_SEQ = Statement(select(_m.seq).where(_m.id == bindparam("of_id")))
_FIRST_SINCE = Statement(
    select(_m.seq)
    .where(_m.received_at >= bindparam("at", type_=BigInteger))
    .order_by(_m.received_at)
    .limit(1)
)
_ROWS = Statement(
    select(*MESSAGE_COLUMNS).select_from(MESSAGES_JOINED).where(is_given(_m.id)).order_by(_m.seq.desc())
)
Fetch = Callable[[int, int], Awaitable[Sequence[Candidate]]]


@dataclass(frozen=True, slots=True)
class _Found:
    """Newest first, one more than the page where there are more. `stop`: the last that was looked at, where that
    was enough for one page."""

    rows: list[Candidate]
    stop: Candidate | None = None


async def search_page(connection: Connection, index: WordIndex, wanted: MessageFilter) -> MessagePage:
    """A message that `before` names but that is not there ends the page empty."""
    below = await _seq_of(connection, wanted.before) if wanted.before else _NO_END
    if not below:
        return MessagePage(())
    look = await make_look(connection, wanted)
    least, most = await _span(connection, wanted)
    below = min(below, most)
    if look.asked is None:
        found = await _read(connection, wanted, look, below, [_m.seq >= least] if least else ())
        return await _page(connection, wanted, found)
    through = await index.indexed_to()
    unindexed: list[Condition] = [_m.seq > through, _m.seq >= least]
    if index.without:
        unindexed.append(text(index.without))
    fresh = await _read(connection, wanted, look, below, unindexed)
    asked = look.asked

    async def fetch(below: int, limit: int) -> Sequence[Candidate]:
        return await index.find(asked, below, least, limit)

    older = await _scan(fetch, look.is_it, below, wanted.limit)
    stop = max((one for one in (fresh.stop, older.stop) if one), key=lambda one: one.seq, default=None)
    both = {one.seq: one for one in (*fresh.rows, *older.rows) if stop is None or one.seq >= stop.seq}
    found = _Found(sorted(both.values(), key=lambda one: -one.seq), stop)
    return await _page(connection, wanted, found)


async def _page(connection: Connection, wanted: MessageFilter, found: _Found) -> MessagePage:
    shown = found.rows[: wanted.limit]
    rows = await _ROWS.rows(connection, given=as_given(one.id for one in shown)) if shown else ()
    older = found.stop.id if found.stop else ""
    if len(found.rows) > wanted.limit:
        older = shown[-1].id
    return MessagePage([message_row(row) for row in rows], older)


async def _scan(
    fetch: Fetch, is_it: Callable[[Candidate], bool], below: int, limit: int, first: int = _FIRST_LOOK
) -> _Found:
    """Candidates piece by piece, until there are enough, no more, or enough was looked at."""
    found: list[Candidate] = []
    size, looked = max(first, limit + 1), 0
    while True:
        piece = await fetch(below, size)
        found += [one for one in piece if is_it(one)]
        looked += len(piece)
        if len(found) > limit or len(piece) < size:
            return _Found(found[: limit + 1])
        if looked >= _MOST_LOOKED_AT:
            return _Found(found, piece[-1])
        below, size = piece[-1].seq, min(size * 4, _LONGEST_LOOK)


async def _read(
    connection: Connection, wanted: MessageFilter, look: Look, below: int, more: Sequence[Condition] = ()
) -> _Found:
    """By the log's own indexes."""
    given: dict[str, Any] = {}
    conditions = [*_conditions(wanted), *more]
    if look.ids is not None:
        conditions.append(is_given(_m.id, "named"))
        given["named"] = as_given(look.ids)
    asked = select(*_CANDIDATE).where(*conditions).order_by(_m.seq.desc())

    async def fetch(below: int, limit: int) -> Sequence[Candidate]:
        query = asked if below == _NO_END else asked.where(_m.seq < below)
        return [Candidate(*row) for row in await Statement(query.limit(limit)).rows(connection, **given)]

    first = _FIRST_LOOK if look.checks else 1
    return await _scan(fetch, look.is_it_unindexed, below, wanted.limit, first)


async def _seq_of(connection: Connection, message_id: str) -> int:
    """0 where there is none."""
    found = await _SEQ.rows(connection, of_id=message_id)
    return int(found[0][0]) if found else 0


async def _span(connection: Connection, wanted: MessageFilter) -> tuple[int, int]:
    """The numbers (from, below) between which messages of that time lie."""

    async def first(at: int) -> int:
        found = await _FIRST_SINCE.rows(connection, at=at)
        return int(found[0][0]) if found else _NO_END

    least = await first(wanted.since - _SLACK_MS) if wanted.since else 0
    most = await first(wanted.until + _SLACK_MS) if wanted.until else _NO_END
    return least, most


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
    # The span of numbers bounds it already; by the index of times all of a span would have to be sorted.
    received_at = _m.received_at + 0
    if wanted.since:
        conditions.append(received_at >= wanted.since)
    if wanted.until:
        conditions.append(received_at < wanted.until)
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
