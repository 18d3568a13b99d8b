"""Watching for business receipts (8002) that do not come: each is an event, a metric and a line of the log, once."""

from __future__ import annotations

import structlog

from gateway import clock
from gateway.message import Record
from gateway.repeating import Repeating
from gateway.settings import Platform
from gateway.store.contract import Store, StoreUnavailable

log = structlog.get_logger("receipts")
RECEIPT = "8002"
LOOK_EVERY_S = 5.0


def answered(platform: Platform, number: str, record: Record) -> tuple[str, str, int] | tuple[()]:
    """What a business receipt (8002) of this platform ends the wait for: (type, business key, version)."""
    if (
        not platform.receipt_within_s
        or number != RECEIPT
        or record["OriMsgNo"] not in platform.receipt_within_s
    ):
        return ()
    return record["OriMsgNo"], record["BizKey"], int(record["BizVersion"])


class ReceiptWatch(Repeating):
    """Any number may run: the store gives each alarm to one of them."""

    def __init__(self, store: Store, *, look_every_s: float = LOOK_EVERY_S):
        super().__init__(look_every_s)
        self.store = store

    async def look(self) -> None:
        """Alarms what is overdue now. Nothing is written where nothing is."""
        due_at = await self.store.next_receipt_due()
        if not 0 < due_at <= clock.now_ms():
            return
        try:
            overdue = await self.store.alarm_receipts()
        except StoreUnavailable:  # the next look tells it
            return
        for one in overdue:
            log.error(
                "receipt overdue", receiver=one.receiver, type=one.type, message=one.message_id,
                delivery=one.delivery_id,
            )  # fmt: skip
