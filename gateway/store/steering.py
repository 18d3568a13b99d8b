"""Pauses and the health of receivers: each change is one guarded statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select, update

from gateway.store import steering_tables as tables
from gateway.store.accountrows import NewAct
from gateway.store.statements import Connection, Statement, add_to, as_given, is_given
from gateway.store.steeringrows import OPEN, UP, HealthRow, PauseRow
from gateway.store.transaction import Transaction

_pause, _health = tables.receiver_pause, tables.receiver_health
_PAUSES = Statement(select(_pause).order_by(_pause.c.receiver))
_ADD_PAUSE = add_to(_pause)
_RESUME = Statement(
    delete(_pause).where(_pause.c.receiver == bindparam("of_receiver")).returning(_pause.c.receiver)
)
_HEALTH = Statement(select(_health).order_by(_health.c.receiver))
_ADD_HEALTH = add_to(_health)
_ALWAYS_MS = 2**62
_MOVE = Statement(
    update(_health)
    .values(
        state=bindparam("new"),
        since=bindparam("now"),
        until=bindparam("next"),
        times=_health.c.times * bindparam("kept", type_=BigInteger())
        + bindparam("opened", type_=BigInteger()),
        code=bindparam("why"),
        text=bindparam("said"),
    )
    .where(
        _health.c.receiver == bindparam("of_receiver"),
        is_given(_health.c.state, "old"),
        _health.c.until <= bindparam("latest"),
    )
    .returning(*_health.columns)
)


async def pauses(connection: Connection) -> list[PauseRow]:
    return [PauseRow(*row) for row in await _PAUSES.rows(connection)]


async def health(connection: Connection, steady_ms: int) -> list[HealthRow]:
    return [_health_row(row, steady_ms) for row in await _HEALTH.rows(connection)]


async def pause(work: Transaction, receiver: str, actor: str, reason: str, origin: str) -> bool:
    """False where it was paused already (who did it first stands)."""
    known = not await _ADD_PAUSE.many(work.connection, [(receiver, work.at_ms, actor, reason)])
    work.audit(NewAct(actor, "pause", receiver, reason, {"was_paused": known}, origin))
    return not known


async def resume(work: Transaction, receiver: str, actor: str, reason: str, origin: str) -> bool:
    """False where it was not paused."""
    known = bool(await _RESUME.rows(work.connection, of_receiver=receiver))
    work.audit(NewAct(actor, "resume", receiver, reason, {"was_paused": known}, origin))
    work.has_work |= known
    return known


async def move_health(
    work: Transaction, receiver: str, old: Sequence[str], new: str, for_s: float, code: str, text: str, *, only_due: bool
) -> HealthRow | None:  # fmt: skip
    """The row after the move; None where it stands in no `old` state, or is not due yet (somebody else was
    first)."""
    await _ADD_HEALTH.many(work.connection, [(receiver, UP, work.at_ms, 0, 0, "", "")])
    found = await _MOVE.rows(
        work.connection, new=new, now=work.at_ms, next=work.steady_ms + int(for_s * 1000), why=code, said=text,
        of_receiver=receiver, old=as_given(old), latest=work.steady_ms if only_due else _ALWAYS_MS,
        opened=int(new == OPEN), kept=int(new != UP),
    )  # fmt: skip
    return _health_row(found[0], work.steady_ms) if found else None


def _health_row(row: Sequence[Any], steady_ms: int) -> HealthRow:
    receiver, state, since, until, times, code, text = row
    return HealthRow(receiver, state, since, (until - steady_ms) / 1000, times, code, text)
