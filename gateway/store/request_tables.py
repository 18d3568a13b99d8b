"""Acts on many deliveries at once: what was asked, who approved it, and what came of each delivery."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from gateway.store.columns import TEXT, integer, metadata, text

resolve_request = Table(
    "resolve_request",
    metadata,
    Column("id", TEXT, primary_key=True),
    text("action"),
    text("reason"),
    integer("is_sure"),
    text("actor"),
    integer("asked_at"),
    text("state"),  # asked | running | done | declined
    text("approver"),
    integer("decided_at"),
    text("word"),
    integer("seen_at"),
    integer("ended_at"),
    sqlite_with_rowid=False,
)
Index("resolve_request_asked_at", resolve_request.c.asked_at)

resolve_item = Table(
    "resolve_item",
    metadata,
    text("request"),
    integer("place"),
    integer("delivery_id"),
    text("result"),
    integer("is_refused"),
    PrimaryKeyConstraint("request", "place"),
    sqlite_with_rowid=False,
)
