"""A message that the gateway itself sends to a platform, as an arrival for the store."""

from __future__ import annotations

import hashlib
import secrets

import orjson

from gateway import clock
from gateway.arrivals import ArrivalMaker
from gateway.message import GATEWAY_NODE, Head, Record
from gateway.payments.ground import NO_NEEDS, Ground
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
    moment = clock.t17()
    head = Head(
        MsgNo=number,
        MsgId=key[:32],
        MsgRef=key[:32],
        Src=GATEWAY_NODE,
        Des=receiver,
        AdmDivCode=maker.settings.platforms[receiver].values.get("AdmDivCode", "310000")[:6],
        StYear=moment[:4],
        BizType=kind.step,
        BizKey=biz_key,
        BizVersion=str(version),
        OperType="1",
        IdemKey=key,
        BodyDigest=heads.body_digest(canonical),
        WorkDate=moment[:8],
        SendTime=moment,
    )
    delivery = maker.render(number, body, head, kind, GATEWAY_NODE, key, receiver, version, kept_key, None)

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        return Verdict(deliveries=(delivery,), biz_version=version)

    return Arrival(
        message_id=clock.new_id(),
        type=number,
        sender=GATEWAY_NODE,
        idem_key=key,
        jti=secrets.token_hex(16),
        biz_key=kept_key,
        biz_version=version,
        given_version=True,
        oper_type="1",
        fingerprint=fingerprint,
        original=canonical,
        content_type="application/xml",
        body=canonical,
        head=orjson.dumps(head.as_record()),
        suite="",
        cert="",
        transport="gateway",
        received_at=clock.now_ms(),
        sender_time=moment,
        needs=NO_NEEDS,
        judge=judge,
        search=f"{biz_key} {receiver}",
    )
