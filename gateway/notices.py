"""The gateway's own messages: 8002 with status 4 tells a sender that its message could not be delivered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gateway import clock
from gateway.arrivals import ArrivalMaker
from gateway.message import GATEWAY_NODE, Record
from gateway.ownmessages import own_arrival, own_head
from gateway.payments.case import Case, Finding, Rule
from gateway.payments.ground import NO_NEEDS, Ground
from gateway.payments.process import needs
from gateway.payments.results import judge_undelivered
from gateway.receiptwatch import RECEIPT
from gateway.standard.naming import without
from gateway.store.contract import Arrival, Claimed, DeliveryRow, LastVersion, MessageRow, Verdict

DISCARDED = "delivery.discarded"
GATEWAY_NAME = "网关"


@dataclass(frozen=True, slots=True)
class _Undelivered:
    """A message that did not reach its receiver, and why. `occasion` tells one notice from another."""

    sender: str
    receiver: str
    type: str
    biz_key: str
    biz_version: int
    application: str
    message_id: str
    occasion: str
    code: str
    text: str


def make_notice(maker: ArrivalMaker, claimed: Claimed, code: str, text: str) -> Arrival | None:
    """8002/4 to the sender of a delivery that died; None where the sender is the gateway or takes no 8002."""
    said = _Undelivered(
        claimed.sender, claimed.receiver, claimed.type, claimed.biz_key, claimed.biz_version,
        claimed.application, claimed.message_id, f"{claimed.delivery_key}|{claimed.attempt}", code, text,
    )  # fmt: skip
    return _notice(maker, said)


def make_discard_notice(
    maker: ArrivalMaker, row: DeliveryRow, message: MessageRow, reason: str
) -> Arrival | None:
    """8002/4 to the sender of a delivery that a person gave up for good. A push (4002) that no treasury
    answered goes back to 44, as if the treasury had refused to take it over: the tenderee can push again."""
    said = _Undelivered(
        message.sender, row.receiver, row.type, message.biz_key, message.biz_version, message.application,
        message.id, f"{row.delivery_key}|discard", DISCARDED, reason,
    )  # fmt: skip
    return _notice(maker, said, judge_undelivered)


def _notice(maker: ArrivalMaker, said: _Undelivered, rule: Rule | None = None) -> Arrival | None:
    """`rule` moves the case by the table of the process, in the transaction that stores the notice."""
    sender = maker.settings.platforms.get(said.sender)
    if sender is None or RECEIPT not in sender.receives:
        return None
    body: Record = {"OriMsgNo": said.type, "BizKey": said.biz_key, "BizVersion": str(said.biz_version)}
    if said.application:
        body["PayAppNo"] = said.application
    body["ReceiptStatus"] = "4"
    place = f"{said.receiver}: {said.code}"
    body["Errors"] = {
        "Error": [{"Code": "99999", "Path": place[:100], "Text": (said.text or said.code)[:100]}]
    }
    kind = maker.standard.catalogue.get(RECEIPT)
    canonical = maker.standard.check(RECEIPT, body, on=clock.now().date())
    key = hashlib.sha256(f"notice|{said.occasion}".encode()).hexdigest()
    biz_key = f"{maker.standard.business_key(RECEIPT, body)}|{said.receiver}|{key[:8]}"
    head = own_head(maker, RECEIPT, canonical, said.sender, key, biz_key, 1, "310000", ref=said.message_id)
    line = said.application or biz_key
    delivery = maker.render(RECEIPT, body, head, kind, GATEWAY_NODE, key, said.sender, 1, line, None)

    named = without(said.biz_key, maker.standard.catalogue.sensitive_in_key(said.type, said.biz_key))
    message_id, at = clock.new_id(), clock.now_ms()
    case = Case(
        RECEIPT, body, GATEWAY_NODE, message_id, at, clock.now().date(), "1", maker.settings.coverage,
        org=GATEWAY_NAME,
    )  # fmt: skip

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        finding = Finding()
        if rule is not None:
            rule(case, ground, finding)
        if finding.faults:
            return Verdict(faults=tuple(finding.faults))
        return Verdict(deliveries=(delivery,), application=said.application, biz_version=1)

    return own_arrival(
        head, canonical, biz_key, judge, search=f"{named} {said.receiver}", message_id=message_id, at=at,
        needs=needs(case) if rule else NO_NEEDS,
    )  # fmt: skip
