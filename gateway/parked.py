"""A fact that was stored and not applied, told again by a person: the same content, judged as the case is now.

It is a message of its own, the next version of the same business key, with its evidence; its timeline and the
first one's say who told it and why. What still does not fit is refused and changes nothing. A receiver that was
given the first one is not given it again.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import replace

import orjson

from gateway import clock
from gateway.arrivals import ArrivalMaker, Submission
from gateway.errors import Fault, MessageError
from gateway.message import GATEWAY_NODE, Claims, DeliveryState, Parsed
from gateway.payments.faults import PARKED as WHY
from gateway.payments.ground import Ground
from gateway.store.contract import (
    COMMAND_LINE,
    PARKED,
    Arrival,
    LastVersion,
    MessageRow,
    ResolveRefused,
    Store,
    Verdict,
)
from gateway.translate import Read

TRANSPORT = "operator"


async def apply_parked(
    store: Store, maker: ArrivalMaker, message_id: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
) -> MessageRow:
    """The message that was applied in its place. LookupError, ResolveRefused for what is not parked or is no
    platform's any more, MessageError where it still does not fit."""
    row = await store.get_message(message_id)
    if row is None:
        raise LookupError(f"no message {message_id}")
    if not row.note.startswith(PARKED):
        raise ResolveRefused("not-parked", f"message {message_id} is not parked")
    if not reason.strip():
        raise ResolveRefused("no-reason", "a reason is required")
    outcome = await store.accept(await _told_again(store, maker, row))
    if outcome.message is None or outcome.kind != "accepted":
        raise MessageError(outcome.faults or [_refusal(outcome.kind)])
    await store.close_parked(message_id, actor, reason, outcome.message.id, origin=origin)
    return outcome.message


async def _told_again(store: Store, maker: ArrivalMaker, row: MessageRow) -> Arrival:
    platform = maker.settings.platforms.get(row.sender)
    if platform is None:
        raise ResolveRefused("no-platform", f"{row.sender} is no platform any more")
    newest = await store.find_message(row.sender, row.type, row.biz_key)
    version = str((newest or row).biz_version + 1)
    key = hashlib.sha256(f"told again|{row.id}|{version}".encode()).hexdigest()
    claims = Claims(
        row.sender, GATEWAY_NODE, row.type, key, clock.now_s(), secrets.token_hex(16), row.content_type
    )
    submission = Submission(platform, row.type, key, row.original, claims, row.cert, row.suite, TRANSPORT)
    head = {
        name: str(value) for name, value in orjson.loads(row.head).items() if name in ("AdmDivCode", "StYear")
    }
    head |= {"OperType": row.oper_type, "BizVersion": version, "MsgRef": row.id, "SendTime": clock.t17()}
    read = Read(maker.standard.read(row.type, row.body), Parsed({}, head), None)
    arrival = (await maker.draft(submission, read, time.perf_counter_ns())).arrival()
    given = {
        one.receiver for one in await store.deliveries(row.id) if one.state is not DeliveryState.DISCARDED
    }

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        verdict = arrival.judge(ground, last)
        if verdict.note.startswith(PARKED):
            return Verdict(faults=(_still(verdict.note.removeprefix(PARKED).strip()),))
        return replace(
            verdict,
            deliveries=tuple(one for one in verdict.deliveries if one.receiver not in given),
            origin_id=row.id,
        )

    return replace(arrival, judge=judge)


def _still(why: str) -> Fault:
    words = WHY[why]
    zh, en = f"仍不能入账：{words.zh}", f"it still does not fit: {words.en}"
    return Fault("process.still-parked", "", zh, en, "30006")


def _refusal(kind: str) -> Fault:
    return Fault(f"key.{kind}", "", "已有更新的版本", f"a newer version came meanwhile ({kind})", "90004")
