"""Acts on many deliveries at once, which a second person may have to approve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.columns import integers, texts

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resolve_request",
        *texts("id", "action", "reason"), *integers("is_sure"), *texts("actor"), *integers("asked_at"),
        *texts("state", "approver"), *integers("decided_at"), *texts("word"), *integers("seen_at", "ended_at"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("resolve_request_asked_at", "resolve_request", ["asked_at"], unique=False)
    op.create_table(
        "resolve_item",
        *texts("request"), *integers("place", "delivery_id"), *texts("result"), *integers("is_refused"),
        sa.PrimaryKeyConstraint("request", "place"),
        sqlite_with_rowid=False,
    )  # fmt: skip
