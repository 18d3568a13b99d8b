"""What steers delivery: pauses, the health of receivers, acts of operators, receipts that are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

from gateway.store.migrations.columns import integers, texts

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name, table, columns, unique=False, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
    )  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "receiver_pause",
        *texts("receiver"), *integers("paused_at"), *texts("actor", "reason"),
        sa.PrimaryKeyConstraint("receiver"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "receiver_health",
        *texts("receiver", "state"), *integers("since", "until", "times"), *texts("code",
        "text"),
        sa.PrimaryKeyConstraint("receiver"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "operator_act",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *integers("at"), *texts("actor", "act", "subject", "reason", "detail"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("operator_act_subject", "operator_act", ["subject"], unique=False)
    op.create_table(
        "business_receipt",
        *texts("receiver", "type", "biz_key"), *integers("biz_version", "delivery_id"),
        *texts("message_id"), *integers("due_at", "received_at"), *texts("receipt_id"),
        *integers("alarmed_at"),
        sa.PrimaryKeyConstraint("receiver", "type", "biz_key", "biz_version"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    awaited, overdue = "received_at = 0 AND alarmed_at = 0", "received_at = 0 AND alarmed_at > 0"
    _partial("business_receipt_awaited", "business_receipt", ["due_at"], awaited)
    _partial("business_receipt_overdue", "business_receipt", ["due_at"], overdue)
