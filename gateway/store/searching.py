"""The message log's search: newest first, a page at a time, at any filter.

A text is first taken for a name (id, application, idempotency key, first parts of a business key), all by index.
What the log's own indexes answer (type, application, state, code, time) is asked of one of them; texts, amounts,
senders, receivers and what belongs to a contract, a deal or a company are asked of the index of words
(wordindex.py), and of the newest messages, which are not in it yet. Both give candidates, newest first, which are
then looked at: so many for one page and no more, whatever else is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, TextClause, and_, bindparam, func, select, text, true

from gateway.message import MessageState
from gateway.store import tables
from gateway.store.contract import MessageFilter, MessagePage
from gateway.store.lookedfor import Look, make_look
from gateway.store.queries import MESSAGE_COLUMNS, MESSAGES_JOINED
from gateway.store.rows import message_row
from gateway.store.statements import Connection, Statement, as_given, is_given
from gateway.store.wordindex import Candidate, WordIndex

_MOST_LOOKED_AT = 2_500  # candidates for one page
_FIRST_LOOK, _LONGEST_LOOK = 128, 2048
_MOST_FAILED = 10_000  # deliveries whose messages are all sought and put in order
_SLACK_MS = 600_000  # between the orders of receiving and of acceptance
_NO_END = 1 << 62
Condition = ColumnElement[bool] | TextClause
_m, _d = tables.message.c, tables.delivery.c
_CANDIDATE = (_m.seq, _m.id, _m.state, _m.application, _m.received_at, _m.amount_fen, _m.search)
_SEQ = Statement(select(_m.seq).where(_m.id == bindparam("of_id")))
_o = tables.message.alias("other").c
_at = bindparam("at", type_=BigInteger)
_first = select(_o.received_at).where(_o.received_at >= _at).order_by(_o.received_at).limit(1)
_last = select(_o.received_at).where(_o.received_at < _at).order_by(_o.received_at.desc()).limit(1)
# Over what was received near the first since a moment, and the last before it; + 0, or the log would be read from its end.
_LEAST = Statement(
    select(func.min(_m.seq + 0)).where(
        _m.received_at >= _at, _m.received_at <= _first.scalar_subquery() + _SLACK_MS
    )
)
_MOST = Statement(
    select(func.max(_m.seq + 0)).where(
        _m.received_at < _at, _m.received_at >= _last.scalar_subquery() - _SLACK_MS
    )
)
_FAILED = Statement(
    select(func.count()).select_from(
        select(_d.id)
        .where(_d.last_code == bindparam("code"), text(tables.HAS_FAILED))
        .limit(bindparam("most"))
        .subquery()
    )
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
    if below <= least:
        return MessagePage(())
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

    older = await _scan(fetch, look.is_it, below, wanted.limit, _FIRST_LOOK)
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
    fetch: Fetch, is_it: Callable[[Candidate], bool], below: int, limit: int, first: int
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
    """By one of the log's own indexes; everything else is asked of the rows that it gives, never of the planner:
    SQLite, which counts nothing, would rather read all of a sender's or a type's messages."""
    given: dict[str, Any] = {} if look.ids is None else {"named": as_given(look.ids)}
    is_rare = await _is_failure_rare(connection, wanted.code)
    choices = _choices(wanted, look, is_rare)
    by_index = choices[0].by_index if choices else ()
    rest = [*(one for each in choices[1:] for one in each.of_a_row), *_of_a_row(wanted)]
    if wanted.code and not is_rare:
        rest.append(_has_failed(wanted))
    asked = (
        select(*_CANDIDATE, and_(true(), *rest).label("fits"))
        .where(*by_index, *_at_all(wanted), *more)
        .order_by(_m.seq.desc())
    )
    fitting: set[int] = set()

    async def fetch(below: int, limit: int) -> Sequence[Candidate]:
        query = asked if below == _NO_END else asked.where(_m.seq < below)
        rows = await Statement(query.limit(limit)).rows(connection, **given)
        fitting.update(row[0] for row in rows if row[-1])
        return [Candidate(*row[:-1]) for row in rows]

    def is_it(one: Candidate) -> bool:
        return one.seq in fitting and look.is_it_unindexed(one)

    first = _FIRST_LOOK if look.checks or rest else 1
    return await _scan(fetch, is_it, below, wanted.limit, first)


async def _is_failure_rare(connection: Connection, code: str) -> bool:
    """Else it is found soon among the newest messages."""
    if not code:
        return False
    ((count,),) = await _FAILED.rows(connection, code=code, most=_MOST_FAILED + 1)
    return int(count) <= _MOST_FAILED


async def _seq_of(connection: Connection, message_id: str) -> int:
    """0 where there is none."""
    found = await _SEQ.rows(connection, of_id=message_id)
    return int(found[0][0]) if found else 0


async def _span(connection: Connection, wanted: MessageFilter) -> tuple[int, int]:
    """The numbers (from, below) between which messages of that time lie, without those beyond that were received
    near its ends: on a busy day they would be all that is looked at. What is received _SLACK_MS after the first
    of that time, or before the last, has a number beyond that one's."""
    least, below = 0, _NO_END
    if wanted.since:
        ((found,),) = await _LEAST.rows(connection, at=wanted.since)
        least = _NO_END if found is None else found
    if wanted.until:
        ((found,),) = await _MOST.rows(connection, at=wanted.until)
        below = 0 if found is None else found + 1
    return least, below


@dataclass(frozen=True, slots=True)
class _Choice:
    """One thing that is asked: as an index finds it, and as a row is asked for it."""

    by_index: Sequence[Condition]
    of_a_row: Sequence[Condition] = ()


def _choices(wanted: MessageFilter, look: Look, is_failure_rare: bool) -> list[_Choice]:
    """What an index of the log's own can answer, what leaves the fewest first."""
    choices: list[_Choice] = []
    if look.ids is not None:
        choices.append(_Choice([is_given(_m.id, "named")]))
    if wanted.application:
        is_its = _m.application == wanted.application
        choices.append(_Choice([is_its, text(tables.HAS_APPLICATION)], [is_its]))
    if is_failure_rare:
        failed = select(_d.message_id).where(_d.last_code == wanted.code, text(tables.HAS_FAILED))
        choices.append(_Choice([_m.id.in_(failed.where(*_of_receiver(wanted)))], [_has_failed(wanted)]))
    if wanted.parked:
        choices.append(_Choice([text(tables.IS_PARKED)], [text(tables.IS_PARKED)]))
    if wanted.state not in ("", MessageState.DELIVERED):
        is_in = _m.state == wanted.state
        choices.append(_Choice([is_in, text(tables.IS_UNUSUAL)], [is_in]))
    if wanted.type:
        is_of = _m.type == wanted.type
        choices.append(_Choice([is_of], [is_of]))
    return choices


def _of_receiver(wanted: MessageFilter) -> list[Condition]:
    return [_d.receiver == wanted.receiver] if wanted.receiver else []


def _has_failed(wanted: MessageFilter) -> Condition:
    """Not by the index of codes, which PostgreSQL takes as long as it has not counted what failed only now."""
    return _has_delivery([_d.last_code.concat("") == wanted.code, *_of_receiver(wanted)])


def _has_delivery(conditions: Sequence[Condition]) -> Condition:
    """Not said as EXISTS, for which PostgreSQL may read all deliveries there are, once, in advance."""
    own = select(_d.id).where(_d.message_id == _m.id, *conditions).limit(1)
    return own.correlate(tables.message).scalar_subquery().is_not(None)


def _at_all(wanted: MessageFilter) -> list[Condition]:
    """What can be asked once for all messages; and the time, whose span of numbers is a little wider."""
    tally = tables.tally.c
    conditions: list[Condition] = []
    if wanted.receiver:  # one that never got anything
        conditions.append(select(tally.receiver).where(tally.receiver == wanted.receiver).exists())
    received_at = _m.received_at + 0  # by the index of times all of a span would have to be sorted
    if wanted.since:
        conditions.append(received_at >= wanted.since)
    if wanted.until:
        conditions.append(received_at < wanted.until)
    return conditions


def _of_a_row(wanted: MessageFilter) -> list[Condition]:
    """What no index of the log's own is asked for."""
    conditions: list[Condition] = []
    if wanted.sender:
        conditions.append(_m.sender == wanted.sender)
    if wanted.state == MessageState.DELIVERED:
        conditions.append(_m.state == wanted.state)
    if wanted.receiver and not wanted.code:
        conditions.append(_has_delivery([_d.receiver == wanted.receiver]))
    return conditions
