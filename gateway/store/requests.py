"""Acts on many deliveries at once: asked for, approved by somebody else, told of one by one. Each is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, or_, select, text, update

from gateway.store import request_tables, tables
from gateway.store.accountrows import NewAct
from gateway.store.contract import ResolveRefused
from gateway.store.requestrows import (
    ALONE_MS,
    ASKED,
    DECLINED,
    DONE,
    RUNNING,
    Cause,
    RequestCount,
    RequestItem,
    RequestRow,
)
from gateway.store.statements import Connection, Statement, add_to
from gateway.store.transaction import Transaction

_request, _item = request_tables.resolve_request, request_tables.resolve_item
_r, _i, _d = _request.c, _item.c, tables.delivery.c
_ADD, _ADD_ITEM = add_to(_request), add_to(_item)
_FIND = Statement(select(_request).where(_r.id == bindparam("of_id")))
_NEWEST = Statement(select(_request).order_by(_r.asked_at.desc(), _r.id.desc()).limit(bindparam("most")))
_ITEMS = Statement(
    select(_i.place, _i.delivery_id, _i.result, _i.is_refused)
    .where(_i.request == bindparam("of_id"))
    .order_by(_i.place)
)
_COUNT = Statement(
    select(
        func.count(),
        func.count(func.nullif(_i.result, "")),
        func.coalesce(func.sum(_i.is_refused), 0),
    ).where(_i.request == bindparam("of_id"))
)
_ALONE = Statement(
    select(func.count())
    .select_from(_request.join(_item, _i.request == _r.id))
    .where(
        _r.asked_at >= bindparam("since", type_=BigInteger), _r.actor == bindparam("by"), _r.approver == "",
        or_(_r.state == RUNNING, _r.state == DONE), _i.is_refused == 0,
    )
)  # fmt: skip
_DECIDE = Statement(
    update(_request)
    .values(
        state=bindparam("new"), approver=bindparam("by"), decided_at=bindparam("now"), word=bindparam("said"),
        seen_at=bindparam("now"),
    )
    .where(_r.id == bindparam("of_id"), _r.state == ASKED, _r.actor != bindparam("by"))
)  # fmt: skip
_TELL = Statement(
    update(_item)
    .values(result=bindparam("said"), is_refused=bindparam("refused"))
    .where(_i.request == bindparam("of_id"), _i.place == bindparam("of_place"))
)
_SEE = Statement(update(_request).values(seen_at=bindparam("now")).where(_r.id == bindparam("of_id")))
_END = Statement(
    update(_request)
    .values(state=DONE, ended_at=bindparam("now"))
    .where(_r.id == bindparam("of_id"), _r.state == RUNNING)
)
_CAUSES = Statement(
    select(
        _d.receiver, _d.type, _d.state, _d.last_code, func.count().label("how_many"), func.min(_d.id),
        func.max(_d.id),
    )
    .where(text(f"delivery.{tables.IS_STUCK}"))
    .group_by(_d.receiver, _d.type, _d.state, _d.last_code)
    .order_by(text("how_many DESC"), _d.receiver, _d.type, _d.state, _d.last_code)
    .limit(bindparam("most"))
)  # fmt: skip


async def add(
    work: Transaction, row: RequestRow, deliveries: Sequence[int], origin: str, above: int | None
) -> RequestRow:
    """As it stands now: what would run waits for a second person where it and what its actor did without one of
    late are more than `above` deliveries. One at a time of each actor, so that many small ones are no way round."""
    await work.connection.lock("resolve", [(row.actor,)])
    if above is not None and row.state == RUNNING:
        before = await alone(work.connection, row.actor, row.asked_at - ALONE_MS)
        if before + len(deliveries) > above:
            row = replace(row, state=ASKED)
    await _ADD.many(work.connection, [[int(one) if isinstance(one, bool) else one for one in astuple(row)]])
    await _ADD_ITEM.many(
        work.connection, [(row.id, place, delivery, "", 0) for place, delivery in enumerate(deliveries)]
    )
    told = {"action": row.action, "deliveries": len(deliveries), "state": row.state}
    work.audit(NewAct(row.actor, "ask resolve", row.id, row.reason, told, origin))
    return row


async def alone(connection: Connection, actor: str, since: int) -> int:
    """On how many deliveries somebody acted since then, or is about to, without a second person; refused ones
    do not count."""
    return int((await _ALONE.rows(connection, by=actor, since=since))[0][0])


async def decide(
    work: Transaction, request: str, approver: str, word: str, origin: str, *, approved: bool
) -> RequestRow:
    """LookupError; ResolveRefused where it was decided already, or by whoever asked."""
    row = await find(work.connection, request)
    if row is None:
        raise LookupError(f"no request {request}")
    if row.actor == approver:
        raise ResolveRefused("own-request", "a second person approves, not who asked")
    if not word.strip():
        raise ResolveRefused("no-reason", "a reason is required")
    new = RUNNING if approved else DECLINED
    if not await _DECIDE.run(work.connection, new=new, by=approver, now=work.at_ms, said=word, of_id=request):
        raise ResolveRefused("decided", f"the request is {row.state}")
    act = "approve resolve" if approved else "decline resolve"
    work.audit(NewAct(approver, act, request, word, {"action": row.action, "asked_by": row.actor}, origin))
    return await _get(work.connection, request)


async def tell(work: Transaction, request: str, items: Sequence[RequestItem]) -> None:
    for one in items:
        await _TELL.run(
            work.connection, said=one.result, refused=int(one.is_refused), of_id=request, of_place=one.place
        )
    await _SEE.run(work.connection, now=work.at_ms, of_id=request)


async def end(work: Transaction, request: str, origin: str) -> bool:
    """False where it is not running (any more)."""
    if not await _END.run(work.connection, now=work.at_ms, of_id=request):
        return False
    row, counted = await _get(work.connection, request), await count(work.connection, request)
    told = {
        "request": request, "asked_by": row.actor, "approver": row.approver, "matched": counted.items,
        "resolved": counted.told - counted.refused, "refused": counted.refused,
    }  # fmt: skip
    work.audit(NewAct(row.approver or row.actor, f"resolve {row.action}", "", row.reason, told, origin))
    return True


async def find(connection: Connection, request: str) -> RequestRow | None:
    found = await _FIND.rows(connection, of_id=request)
    return _row(found[0]) if found else None


async def newest(connection: Connection, limit: int) -> list[RequestRow]:
    return [_row(row) for row in await _NEWEST.rows(connection, most=limit)]


async def items(connection: Connection, request: str) -> list[RequestItem]:
    return [
        RequestItem(place, delivery, result, bool(refused))
        for place, delivery, result, refused in await _ITEMS.rows(connection, of_id=request)
    ]


async def count(connection: Connection, request: str) -> RequestCount:
    return RequestCount(*(int(one) for one in (await _COUNT.rows(connection, of_id=request))[0]))


async def causes(connection: Connection, limit: int) -> list[Cause]:
    """Most frequent first."""
    return [Cause(*row) for row in await _CAUSES.rows(connection, most=limit)]


async def _get(connection: Connection, request: str) -> RequestRow:
    row = await find(connection, request)
    if row is None:
        raise LookupError(f"no request {request}")
    return row


def _row(values: Sequence[Any]) -> RequestRow:
    given = list(values)
    given[3] = bool(given[3])
    return RequestRow(*given)
