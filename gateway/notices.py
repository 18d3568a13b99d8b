"""The gateway's own messages: 8002 with status 4 tells a sender that its message could not be delivered."""

from __future__ import annotations

import hashlib
import secrets

import orjson

from gateway import clock
from gateway.arrivals import ArrivalMaker
from gateway.message import GATEWAY_NODE, Head, Record
from gateway.payments.ground import NO_NEEDS, Ground
from gateway.standard import head as heads
from gateway.store.contract import Arrival, Claimed, LastVersion, Verdict

RECEIPT = "8002"


def make_notice(maker: ArrivalMaker, claimed: Claimed, code: str, text: str) -> Arrival | None:
    """8002/4 to the sender of a delivery that died; None where the sender is the gateway or takes no 8002."""
    sender = maker.settings.platforms.get(claimed.sender)
    if sender is None or RECEIPT not in sender.receives:
        return None
    body: Record = {
        "OriMsgNo": claimed.type,
        "BizKey": claimed.biz_key,
        "BizVersion": str(claimed.biz_version),
    }
    if claimed.application:
        body["PayAppNo"] = claimed.application
    body["ReceiptStatus"] = "4"
    place = f"{claimed.receiver}: {code}"
    body["Errors"] = {"Error": [{"Code": "99999", "Path": place[:100], "Text": (text or code)[:100]}]}
    kind = maker.standard.catalogue.get(RECEIPT)
    canonical = maker.standard.check(RECEIPT, body, on=clock.now().date())
    key = hashlib.sha256(f"notice|{claimed.delivery_key}|{claimed.attempt}".encode()).hexdigest()
    moment = clock.t17()
    biz_key = f"{maker.standard.business_key(RECEIPT, body)}|{claimed.receiver}|{key[:8]}"
    head = Head(
        MsgNo=RECEIPT,
        MsgId=key[:32],
        MsgRef=claimed.message_id,
        Src=GATEWAY_NODE,
        Des=claimed.sender,
        AdmDivCode="310000",
        StYear=moment[:4],
        BizType=kind.step,
        BizKey=biz_key,
        BizVersion="1",
        OperType="1",
        IdemKey=key,
        BodyDigest=heads.body_digest(canonical),
        WorkDate=moment[:8],
        SendTime=moment,
    )
    line = claimed.application or biz_key
    delivery = maker.render(RECEIPT, body, head, kind, GATEWAY_NODE, key, claimed.sender, 1, line, None)

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        return Verdict(deliveries=(delivery,), application=claimed.application, biz_version=1)

    return Arrival(
        message_id=clock.new_id(),
        type=RECEIPT,
        sender=GATEWAY_NODE,
        idem_key=key,
        jti=secrets.token_hex(16),
        biz_key=biz_key,
        biz_version=1,
        given_version=True,
        oper_type="1",
        fingerprint=hashlib.sha256(canonical).hexdigest(),
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
        search=f"{claimed.biz_key} {claimed.receiver}",
    )
