"""What steers delivery, for all processes: pauses, the health of receivers, receipts due."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table

from gateway.store.columns import TEXT, integer, metadata, partial, text

IS_AWAITED = "received_at = 0 AND alarmed_at = 0"
IS_OVERDUE = "received_at = 0 AND alarmed_at > 0"

receiver_pause = Table(
    "receiver_pause",
    metadata,
    Column("receiver", TEXT, primary_key=True),  # "*" for all
    integer("paused_at"),
    text("actor"),
    text("reason"),
    sqlite_with_rowid=False,
)

receiver_health = Table(
    "receiver_health",
    metadata,
    Column("receiver", TEXT, primary_key=True),
    text("state"),  # up | slow | open | half-open | recovering
    integer("since"),
    integer("until"),  # steady ms: when a probe may be made, or until when somebody makes one
    integer("times"),  # opened in a row
    text("code"),
    text("text"),
    sqlite_with_rowid=False,
)

# One row a business message at a receiver that owes a receipt (8002) of it. Either side may come first.
business_receipt = Table(
    "business_receipt",
    metadata,
    text("receiver"),
    text("type"),
    text("biz_key"),
    integer("biz_version"),
    integer("delivery_id"),
    text("message_id"),
    integer("due_at"),  # ms; 0: its delivery is not recorded yet
    integer("received_at"),  # ms; 0: not yet
    text("receipt_id"),  # the message that is the receipt
    integer("alarmed_at"),
    PrimaryKeyConstraint("receiver", "type", "biz_key", "biz_version"),
    sqlite_with_rowid=False,
)
partial("business_receipt_awaited", business_receipt, IS_AWAITED, "due_at")
partial("business_receipt_overdue", business_receipt, IS_OVERDUE, "due_at")
