"""What is watched over time: errors by minute, counted where they are written down anyway."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from gateway.store.columns import integer, metadata, text

error_minute = Table(
    "error_minute",
    metadata,
    integer("minute"),  # since 1970 UTC
    text("node"),  # the sender of what was refused, the receiver of what failed
    text("kind"),  # refused | failed
    text("writer"),  # as in tally
    integer("count"),
    PrimaryKeyConstraint("minute", "node", "kind", "writer"),
    sqlite_with_rowid=False,
)
