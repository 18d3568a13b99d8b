"""What a message comes to when its deliveries move: settled, stuck, or open again; and who is next in a line."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import and_, bindparam, func, select, text, update

from gateway.message import MESSAGE_MOVES, DeliveryState, MessageState, check_move
from gateway.store import tables
from gateway.store.statements import Connection, Statement, as_given, given, is_given
from gateway.store.transaction import MESSAGES, Transaction

_ids = given("id")
_message, _delivery = tables.message, tables.delivery
_STANDS = Statement(
    select(
        _message.c.id,
        _message.c.state,
        func.count().filter(text(f"delivery.{tables.IS_OPEN}")),
        func.count().filter(text(f"delivery.{tables.IS_STUCK}")),
    )
    .select_from(
        _ids.join(_message, _message.c.id == _ids.c.id).join(
            _delivery, and_(_delivery.c.message_id == _message.c.id)
        )
    )
    .group_by(_message.c.id, _message.c.state)
)
_MOVE = Statement(
    update(_message)
    .values(state=bindparam("new"))
    .where(_message.c.id == bindparam("of_message"), _message.c.state == bindparam("old"))
)
_LOCK = Statement(
    select(_message.c.id).where(is_given(_message.c.id)).order_by(_message.c.id).with_for_update()
)
_lines = given("line", "receiver")
_head = (
    select(_delivery.c.id)
    .where(_delivery.c.line == _lines.c.line, _delivery.c.receiver == _lines.c.receiver, text(tables.IS_OPEN))
    .order_by(_delivery.c.seq)
    .limit(1)
    .correlate(_lines)
    .scalar_subquery()
)
_released = _delivery.alias("released")
_RELEASE = Statement(
    update(_delivery)
    .values(state="ready", due_at=bindparam("now"))
    .where(_delivery.c.id.in_(select(_head).select_from(_lines)), _delivery.c.state == "waiting")
    .returning(_delivery.c.receiver)
)
_IS_HEAD = Statement(
    select(_delivery.c.id)
    .where(
        _delivery.c.line == bindparam("line"),
        _delivery.c.receiver == bindparam("receiver"),
        text(tables.IS_OPEN),
    )
    .order_by(_delivery.c.seq)
    .limit(1)
)


async def release(work: Transaction, lines: Collection[tuple[str, str]]) -> None:
    """Makes the first open delivery of each line ready, if it waits. A dead one holds its line."""
    if not lines:
        return
    await work.connection.lock("line", lines)
    for (receiver,) in await _RELEASE.rows(work.connection, given=as_given(lines), now=work.steady_ms):
        work.count(receiver, DeliveryState.WAITING, -1)
        work.count(receiver, DeliveryState.READY, 1)
        work.has_work = True


async def settle(work: Transaction, message_ids: Iterable[str]) -> None:
    """Moves messages to where their deliveries stand: stuck before open before delivered."""
    wanted = [[message_id] for message_id in message_ids]
    if not wanted:
        return
    if not work.connection.alone:
        # Two that end the last two deliveries of a message must not each see the other's still open.
        await _LOCK.rows(work.connection, given=as_given(sorted(one for (one,) in wanted)))
    moves = []
    for message_id, old, open_count, stuck_count in await _STANDS.rows(
        work.connection, given=as_given(wanted)
    ):
        new = (
            MessageState.STUCK
            if stuck_count
            else MessageState.ACCEPTED if open_count else MessageState.DELIVERED
        )  # fmt: skip
        if new == old:
            continue
        check_move(MESSAGE_MOVES, MessageState(old), new)
        moves.append(_MOVE.values({"new": new.value, "of_message": message_id, "old": old}))
        work.count(MESSAGES, old, -1)
        work.count(MESSAGES, new, 1)
        work.note(message_id, new, {})
        if new is not MessageState.ACCEPTED:
            work.settled.append(message_id)
    if await _MOVE.many(work.connection, moves) != len(moves):
        raise LookupError("a message moved while its deliveries were settled")


async def is_head(connection: Connection, delivery_id: int, line: str, receiver: str) -> bool:
    """Is it the first open delivery of its line?"""
    found = await _IS_HEAD.rows(connection, line=line, receiver=receiver)
    return bool(found) and found[0][0] == delivery_id
