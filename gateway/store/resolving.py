"""What a person does with a delivery: replay, a new effect, done, discard. Each act is audited."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from gateway.message import DELIVERY_MOVES, DeliveryState, check_move
from gateway.store import tables
from gateway.store.accepting import INSERT_DELIVERY, INSERT_FORM, Rows, add_delivery, find_busy_lines
from gateway.store.accountrows import COMMAND_LINE, NewAct
from gateway.store.contract import Arrival, DeliveryRow, MessageRow, NewDelivery, Outcome, ResolveRefused
from gateway.store.queries import find_delivery, find_message_row
from gateway.store.settling import is_head, release, settle
from gateway.store.statements import Connection, Statement
from gateway.store.transaction import Transaction

_delivery, _form = tables.delivery, tables.form
_HIDDEN = Statement(
    select(_delivery.c.outcome_unknown, _delivery.c.traceparent, _delivery.c.line, _delivery.c.receiver)
    .where(_delivery.c.id == bindparam("of_delivery"))
    .with_for_update()
)
_SIBLINGS = Statement(
    select(_delivery.c.id)
    .where(
        _delivery.c.message_id == bindparam("of_message"),
        _delivery.c.receiver == bindparam("of_receiver"),
        _delivery.c.id != bindparam("but"),
        or_(
            _delivery.c.is_open == 1,
            _delivery.c.outcome_unknown == 1,
            _delivery.c.effect_no >= bindparam("effect"),
        ),
    )
    .limit(1)
)
_MOVE = Statement(
    update(_delivery)
    .values(
        state=bindparam("new"),
        is_open=bindparam("open_now"),
        due_at=bindparam("due"),
        done_at=bindparam("done"),
        outcome_unknown=bindparam("unknown"),
        tries=0,
        crashes=0,
    )
    .where(_delivery.c.id == bindparam("of_delivery"), _delivery.c.state == bindparam("old"))
)
_RENEW = Statement(
    update(_delivery)
    .values(
        delivery_key=bindparam("key"),
        effect_no=bindparam("effect"),
        rendered_digest=bindparam("digest"),
        rendered_version=bindparam("version"),
    )
    .where(_delivery.c.id == bindparam("of_delivery"))
)
_RENEW_FORM = Statement(
    update(_form)
    .values(files=bindparam("new_files"), rendered=bindparam("new_rendered"))
    .where(_form.c.delivery_id == bindparam("of_delivery"))
)
_TARGETS = {
    "replay": DeliveryState.READY,
    "new-effect": DeliveryState.READY,
    "done": DeliveryState.DONE,
    "discard": DeliveryState.DISCARDED,
}
_ENDED = frozenset({DeliveryState.DONE, DeliveryState.DISCARDED})


Accept = Callable[[Sequence[Arrival]], Awaitable[Sequence[Outcome | Exception]]]


@dataclass(frozen=True, slots=True)
class Act:
    """What a person asks for; see `Store.resolve`."""

    delivery_id: int
    action: str
    actor: str
    reason: str
    renewed: NewDelivery | None = None
    notice: Arrival | None = None
    sure: bool = False
    origin: str = COMMAND_LINE


async def resolve(work: Transaction, act: Act, accept: Accept) -> DeliveryRow:
    """Does it and notes who and why. LookupError for an unknown delivery; ResolveRefused where its state,
    its line or an unknown outcome forbids the act. `accept` stores the notice in the same transaction."""
    delivery_id, action, actor, reason, renewed = (
        act.delivery_id, act.action, act.actor, act.reason, act.renewed,
    )  # fmt: skip
    hidden = await _HIDDEN.rows(work.connection, of_delivery=delivery_id)
    if not hidden:
        raise LookupError(f"no delivery {delivery_id}")
    ((unknown, traceparent, *line),) = hidden
    await work.connection.lock("line", [line])
    row = await _get(work.connection, delivery_id)
    target = _TARGETS.get(action)
    if target is None:
        raise ResolveRefused("unknown-action", f"there is no {action!r}; there are: {', '.join(_TARGETS)}")
    if not reason.strip():
        raise ResolveRefused("no-reason", "a reason is required")
    if action == "discard" and not act.sure and (unknown or row.state is DeliveryState.UNKNOWN):
        raise ResolveRefused(
            "outcome-unknown",
            "an attempt may have taken effect: ask the receiver, then say that you are sure",
        )
    if action == "new-effect":
        await _check_new_effect(work.connection, row, bool(unknown), renewed)
    audit: dict[str, Any] = {
        "delivery": delivery_id,
        "action": action,
        "actor": actor,
        "reason": reason,
        "was": row.state,
    }
    if action == "new-effect" and renewed is not None:
        audit |= {"effect_no": renewed.effect_no, "mapping": renewed.rendered_version}
    if action == "new-effect" and renewed is not None and row.state in _ENDED:
        new_id = await _append(work, row, renewed, traceparent)
        _note(work, row, act, {**audit, "new_delivery": new_id})
        await settle(work, {row.message_id})
        return await _get(work.connection, new_id)
    await _check(work.connection, row, target, action)
    if action == "new-effect" and renewed is not None:
        await _renew(work, row, renewed)
    await _move(work, row, target, unknown=bool(unknown) and target is DeliveryState.READY)
    _note(work, row, act, audit)
    if act.notice is not None:
        await _tell(accept, act.notice)
    await release(work, {(row.line, row.receiver)})
    await settle(work, {row.message_id})
    return await _get(work.connection, delivery_id)


async def _tell(accept: Accept, notice: Arrival) -> None:
    """The word to the sender, and what it moves: both or neither of act and word."""
    (outcome,) = await accept([notice])
    if isinstance(outcome, Exception):
        raise outcome
    if outcome.kind not in ("accepted", "replayed", "duplicate"):
        said = "; ".join(fault.en for fault in outcome.faults) or outcome.kind
        raise ResolveRefused("notice", f"the sender could not be told: {said}")


async def _check(connection: Connection, row: DeliveryRow, target: DeliveryState, action: str) -> None:
    try:
        check_move(DELIVERY_MOVES, row.state, target)
    except ValueError as error:
        raise ResolveRefused("not-allowed", f"a delivery that is {row.state} cannot be {target}") from error
    if target is not DeliveryState.READY:
        return
    if row.state is DeliveryState.WAITING or not await is_head(connection, row.id, row.line, row.receiver):
        raise ResolveRefused("not-the-head", "an earlier delivery of the same line is still open")
    if action == "replay" and not row.rendered:
        raise ResolveRefused("no-form", "its form could not be made; it needs a new effect with another form")


async def _check_new_effect(
    connection: Connection, row: DeliveryRow, unknown: bool, renewed: NewDelivery | None
) -> None:
    if renewed is None:
        raise ResolveRefused("no-form", "a new effect needs its form, key and number")
    if unknown or row.state is DeliveryState.UNKNOWN:
        raise ResolveRefused(
            "outcome-unknown", "an attempt may have taken effect; a new effect could double it"
        )
    if renewed.fault:
        raise ResolveRefused("no-form", f"the form could not be made: {renewed.fault}")
    if renewed.receiver != row.receiver or renewed.effect_no <= row.effect_no:
        raise ResolveRefused("not-renewed", f"expected {row.receiver} and an effect above {row.effect_no}")
    given = {"of_message": row.message_id, "of_receiver": row.receiver, "but": row.id}
    if await _SIBLINGS.rows(connection, **given, effect=renewed.effect_no):
        raise ResolveRefused(
            "effect-under-way", "another effect of this message is not settled, or has this number"
        )


async def _append(work: Transaction, row: DeliveryRow, renewed: NewDelivery, traceparent: str) -> int:
    """Another delivery at the end of the line; what was done stays done."""
    message = await _message(work.connection, row.message_id)
    rows, line = Rows(), (renewed.line, renewed.receiver)
    (new_id,) = await work.connection.new_numbers(tables.delivery, 1)
    busy = await find_busy_lines(work.connection, {line})
    add_delivery(work, rows, renewed, message, traceparent, new_id, busy)
    await INSERT_DELIVERY.many(work.connection, rows.deliveries)
    await INSERT_FORM.many(work.connection, rows.forms)
    return new_id


async def _renew(work: Transaction, row: DeliveryRow, renewed: NewDelivery) -> None:
    await _RENEW.run(
        work.connection, key=renewed.delivery_key, effect=renewed.effect_no,
        digest=hashlib.sha256(renewed.rendered).hexdigest(), version=renewed.rendered_version,
        of_delivery=row.id,
    )  # fmt: skip
    await _RENEW_FORM.run(
        work.connection, new_files=renewed.files, new_rendered=renewed.rendered, of_delivery=row.id
    )


async def _move(work: Transaction, row: DeliveryRow, target: DeliveryState, *, unknown: bool) -> None:
    ended = target in _ENDED
    await _MOVE.run(
        work.connection, new=target.value, open_now=int(not ended), due=work.steady_ms,
        done=work.at_ms if ended else 0, unknown=int(unknown), of_delivery=row.id, old=row.state.value,
    )  # fmt: skip
    work.count(row.receiver, row.state, -1)
    work.count(row.receiver, target, 1)
    work.has_work |= target is DeliveryState.READY


def _note(work: Transaction, row: DeliveryRow, act: Act, detail: Mapping[str, Any]) -> None:
    """In the message's timeline, and in the audit of all acts."""
    work.note(row.message_id, "resolved", detail)
    told = {name: value for name, value in detail.items() if name not in ("actor", "action", "reason")}
    told["receiver"] = row.receiver
    work.audit(NewAct(act.actor, act.action, row.message_id, act.reason, told, act.origin))


async def _get(connection: Connection, delivery_id: int) -> DeliveryRow:
    row = await find_delivery(connection, delivery_id)
    if row is None:
        raise LookupError(f"no delivery {delivery_id}")
    return row


async def _message(connection: Connection, message_id: str) -> MessageRow:
    row = await find_message_row(connection, message_id)
    if row is None:
        raise LookupError(f"no message {message_id}")
    return row
