"""What steers delivery: pauses, the health of receivers, acts of operators, receipts that are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, TEXT, nullable=False)


def _integer(name: str) -> Column[int]:
    return Column(name, sa.BigInteger(), nullable=False)


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name, table, columns, unique=False, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
    )  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "receiver_pause",
        _text("receiver"), _integer("paused_at"), _text("actor"), _text("reason"),
        sa.PrimaryKeyConstraint("receiver"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "receiver_health",
        _text("receiver"), _text("state"), _integer("since"), _integer("until"), _integer("times"), _text("code"),
        _text("text"),
        sa.PrimaryKeyConstraint("receiver"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "operator_act",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        _integer("at"), _text("actor"), _text("act"), _text("subject"), _text("reason"), _text("detail"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("operator_act_subject", "operator_act", ["subject"], unique=False)
    op.create_table(
        "business_receipt",
        _text("receiver"), _text("type"), _text("biz_key"), _integer("biz_version"), _integer("delivery_id"),
        _text("message_id"), _integer("due_at"), _integer("received_at"), _text("receipt_id"),
        _integer("alarmed_at"),
        sa.PrimaryKeyConstraint("receiver", "type", "biz_key", "biz_version"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    awaited, overdue = "received_at = 0 AND alarmed_at = 0", "received_at = 0 AND alarmed_at > 0"
    _partial("business_receipt_awaited", "business_receipt", ["due_at"], awaited)
    _partial("business_receipt_overdue", "business_receipt", ["due_at"], overdue)
