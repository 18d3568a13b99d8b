"""What is kept for long: days that were reconciled, archives, what is left of a purged message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, TEXT, nullable=False)


def _integer(name: str) -> Column[int]:
    return Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        _text("day"), _text("treasury"), _text("state"), _integer("lines"), _integer("matched"),
        _integer("missing_here"), _integer("missing_there"), _integer("amount_differs"), _integer("date_differs"),
        _integer("totals_differ"), _text("waiting"), _integer("here_fen"), _integer("general_lines"),
        _integer("general_fen"), _integer("treasury_lines"), _integer("treasury_fen"), _integer("changed_at"),
        sa.PrimaryKeyConstraint("day", "treasury"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "reconciled_difference",
        _text("day"), _text("treasury"), _integer("number"), _text("side"), _text("kind"), _text("app_no"),
        _text("voucher_no"), _text("detail_id"), _text("bank_no"), _text("here_day"), _integer("here_fen"),
        _text("there_day"), _integer("there_fen"),
        sa.PrimaryKeyConstraint("day", "treasury", "number"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "archive",
        _text("month"), _text("place"), _text("digest"), _integer("messages"), _integer("made_at"),
        _integer("purged_at"),
        sa.PrimaryKeyConstraint("month", "digest"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "purged_message",
        _text("id"), _text("type"), _text("sender"), _text("idem_key"), _text("biz_key"), _integer("biz_version"),
        _text("oper_type"), _text("fingerprint"), _text("state"), _text("application"), _integer("received_at"),
        _integer("accepted_at"), _text("content_type"), _text("suite"), _text("transport"), _text("jti"),
        _text("head_id"), Column("original_digest", sa.LargeBinary(), nullable=False),
        Column("log_id", TEXT, nullable=True), Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )  # fmt: skip
