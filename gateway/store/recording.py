"""Recording outcomes: guarded by the lease's token, so that a worker that was late changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, select, update

from gateway.message import DELIVERY_MOVES, DeliveryState, check_move
from gateway.store import tables
from gateway.store.contract import AttemptResult
from gateway.store.receipts import expect
from gateway.store.settling import release, settle
from gateway.store.statements import Connection, Statement, as_given, given
from gateway.store.transaction import Transaction
from gateway.store.watchingrows import FAILED

_ANSWER_BYTES = 65_536
_ENDED = frozenset({DeliveryState.DONE, DeliveryState.DISCARDED})
_STUCK = frozenset({DeliveryState.DEAD, DeliveryState.UNKNOWN})
_leases = given("id", "token", numbers={"id"})
_delivery, _attempt = tables.delivery, tables.attempt
_HELD = Statement(
    select(_delivery.c.id, _delivery.c.token, _delivery.c.line, _delivery.c.attempts)
    .select_from(
        _leases.join(
            _delivery,
            and_(
                _delivery.c.id == _leases.c.id,
                _delivery.c.token == _leases.c.token,
                _delivery.c.state == DeliveryState.LEASED.value,
            ),
        )
    )
    .order_by(_delivery.c.id)
    .with_for_update(of=_delivery)
)
_RECORD = Statement(
    update(_delivery)
    .values(
        state=bindparam("new"),
        is_open=bindparam("open_now"),
        due_at=bindparam("due"),
        outcome_unknown=bindparam("unknown"),
        last_code=bindparam("code"),
        last_text=bindparam("said"),
        done_at=bindparam("done"),
        token="",
    )
    .where(
        _delivery.c.id == bindparam("of_delivery"),
        _delivery.c.token == bindparam("of_token"),
        _delivery.c.state == DeliveryState.LEASED.value,
    )
)
_END_ATTEMPT = Statement(
    update(_attempt)
    .values(
        state=bindparam("new"),
        ended_at=bindparam("ended"),
        status=bindparam("status_code"),
        latency_ms=bindparam("latency"),
        code=bindparam("said_code"),
        text=bindparam("said"),
        answer=bindparam("said_answer"),
        headers=bindparam("went_with"),
    )
    .where(_attempt.c.delivery_id == bindparam("of_delivery"), _attempt.c.number == bindparam("of_number"))
)


async def record_all(work: Transaction, results: Sequence[AttemptResult]) -> list[bool]:
    """Writes the outcomes whose lease still holds; False where it was lost. The next of a line whose head
    is done becomes ready; messages move to where their deliveries stand."""
    held = await _held(work.connection, results)
    kept: list[bool] = []
    records, attempts = [], []
    lines: set[tuple[str, str]] = set()
    messages: set[str] = set()
    owed: list[AttemptResult] = []
    for result in results:
        found = held.pop((result.claimed.delivery_id, result.claimed.token), None)
        kept.append(found is not None)
        if found is None:
            continue
        check_move(DELIVERY_MOVES, DeliveryState.LEASED, result.state)
        line, number = found
        records.append(_record_values(work, result))
        attempts.append(_attempt_values(work, result, number))
        work.count(result.claimed.receiver, DeliveryState.LEASED, -1)
        work.count(result.claimed.receiver, result.state, 1)
        if result.state in _ENDED:
            lines.add((line, result.claimed.receiver))
            messages.add(result.claimed.message_id)
            if result.receipt_within_s:
                owed.append(result)
        elif result.state in _STUCK:
            messages.add(result.claimed.message_id)
        if result.state is not DeliveryState.DONE:
            work.count_error(result.claimed.receiver, FAILED)
    if await _RECORD.many(work.connection, records) != len(records) and records:
        raise LookupError("a lease changed while its outcome was recorded")
    await _END_ATTEMPT.many(work.connection, attempts)
    if owed:
        await expect(work, owed)
    await release(work, lines)
    await settle(work, messages)
    return kept


async def _held(
    connection: Connection, results: Sequence[AttemptResult]
) -> dict[tuple[int, str], tuple[str, int]]:
    tokens = {(result.claimed.delivery_id, result.claimed.token) for result in results}
    found = await _HELD.rows(connection, given=as_given(tokens))
    return {(id_, token): (line, number) for id_, token, line, number in found}


def _record_values(work: Transaction, result: AttemptResult) -> list[object]:
    state = result.state
    return _RECORD.values(
        {
            "new": state.value,
            "open_now": int(state not in _ENDED),
            "due": work.steady_ms + int(result.retry_in_s * 1000),
            "unknown": int(result.outcome_unknown or state is DeliveryState.UNKNOWN),
            "code": result.code,
            "said": result.text,
            "done": work.at_ms if state in _ENDED else 0,
            "of_delivery": result.claimed.delivery_id,
            "of_token": result.claimed.token,
        }
    )


def _attempt_values(work: Transaction, result: AttemptResult, number: int) -> list[object]:
    return _END_ATTEMPT.values(
        {
            "new": result.state.value,
            "ended": work.at_ms,
            "status_code": result.status,
            "latency": result.latency_ms,
            "said_code": result.code,
            "said": result.text,
            "said_answer": result.answer[:_ANSWER_BYTES],
            "went_with": result.headers,
            "of_delivery": result.claimed.delivery_id,
            "of_number": number,
        }
    )
