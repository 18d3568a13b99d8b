"""Messages that the gateway itself sends to platforms, as arrivals for the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import orjson

from gateway import clock
from gateway.arrivals import ArrivalMaker
from gateway.message import GATEWAY_NODE, Head, Record
from gateway.payments.ground import NO_NEEDS, Ground, Needs
from gateway.standard import head as heads
from gateway.store.contract import Arrival, LastVersion, Verdict


def own_message(maker: ArrivalMaker, number: str, body: Record, receiver: str, version: int) -> Arrival:
    """`body` by the standard, to one receiver. The same content and version has the same key, whoever makes it.

    In the store the business key ends with the receiver, since two of them may number alike; in the head it is
    the standard's own. MessageError where the standard or the receiver's form cannot hold the body."""
    kind = maker.standard.catalogue.get(number)
    canonical = maker.standard.check(number, body, on=clock.now().date())
    fingerprint = hashlib.sha256(canonical).hexdigest()
    biz_key = maker.standard.business_key(number, body)
    kept_key = f"{biz_key}|{receiver}"
    key = hashlib.sha256(f"own|{number}|{kept_key}|{version}|{fingerprint}".encode()).hexdigest()
    head = own_head(
        maker, number, canonical, receiver, key, biz_key, version,
        maker.settings.platforms[receiver].values.get("AdmDivCode", "310000")[:6],
    )  # fmt: skip
    delivery = maker.render(number, body, head, kind, GATEWAY_NODE, key, receiver, version, kept_key, None)

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        return Verdict(deliveries=(delivery,), biz_version=version)

    return own_arrival(
        head,
        canonical,
        kept_key,
        judge,
        search=f"{biz_key} {receiver}",
        message_id=clock.new_id(),
        at=clock.now_ms(),
    )


def own_head(
    maker: ArrivalMaker,
    number: str,
    canonical: bytes,
    receiver: str,
    key: str,
    biz_key: str,
    version: int,
    adm_div: str,
    ref: str = "",
) -> Head:
    """The head of what the gateway says itself. `ref`: the message that it speaks of; else its own id."""
    moment = clock.t17()
    return Head(
        MsgNo=number,
        MsgId=key[:32],
        MsgRef=ref or key[:32],
        Src=GATEWAY_NODE,
        Des=receiver,
        AdmDivCode=adm_div,
        StYear=moment[:4],
        BizType=maker.standard.catalogue.get(number).step,
        BizKey=biz_key,
        BizVersion=str(version),
        OperType="1",
        IdemKey=key,
        BodyDigest=heads.body_digest(canonical),
        WorkDate=moment[:8],
        SendTime=moment,
    )


def own_arrival(
    head: Head,
    canonical: bytes,
    biz_key: str,
    judge: Callable[[Ground, LastVersion | None], Verdict],
    *,
    search: str,
    message_id: str,
    at: int,
    needs: Needs = NO_NEEDS,
) -> Arrival:
    """What no seal came with, ready for the store; `at` in ms."""
    return Arrival(
        message_id=message_id,
        type=head.MsgNo,
        sender=GATEWAY_NODE,
        idem_key=head.IdemKey,
        jti=clock.new_id(),
        biz_key=biz_key,
        biz_version=int(head.BizVersion),
        given_version=True,
        oper_type=head.OperType,
        fingerprint=hashlib.sha256(canonical).hexdigest(),
        original=canonical,
        content_type="application/xml",
        body=canonical,
        head=orjson.dumps(head.as_record()),
        suite="",
        cert="",
        transport="gateway",
        received_at=at,
        sender_time=head.SendTime,
        needs=needs,
        judge=judge,
        search=search,
    )
