"""What is kept for long: days that were reconciled, archives, what is left of a purged message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

from gateway.store.migrations.columns import TEXT, integers, texts

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        *texts("day", "treasury", "state"), *integers("lines", "matched",
        "missing_here", "missing_there", "amount_differs", "date_differs",
        "totals_differ"), *texts("waiting"), *integers("here_fen", "general_lines",
        "general_fen", "treasury_lines", "treasury_fen", "changed_at"),
        sa.PrimaryKeyConstraint("day", "treasury"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "reconciled_difference",
        *texts("day", "treasury"), *integers("number"), *texts("side", "kind", "app_no",
        "voucher_no", "detail_id", "bank_no", "here_day"), *integers("here_fen"),
        *texts("there_day"), *integers("there_fen"),
        sa.PrimaryKeyConstraint("day", "treasury", "number"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "archive",
        *texts("month", "place", "digest"), *integers("messages", "made_at",
        "purged_at"),
        sa.PrimaryKeyConstraint("month", "digest"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "purged_message",
        *texts("id", "type", "sender", "idem_key", "biz_key"), *integers("biz_version"),
        *texts("oper_type", "fingerprint", "state", "application"), *integers("received_at",
        "accepted_at"), *texts("content_type", "suite", "transport", "jti",
        "head_id"), Column("original_digest", sa.LargeBinary(), nullable=False),
        Column("log_id", TEXT, nullable=True), Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )  # fmt: skip
