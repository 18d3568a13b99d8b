"""Acts on many deliveries at once, which a second person may have to approve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, TEXT, nullable=False) for name in names]


def _integer(*names: str) -> list[Column[int]]:
    return [Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "resolve_request",
        *_text("id", "action", "reason"), *_integer("is_sure"), *_text("actor"), *_integer("asked_at"),
        *_text("state", "approver"), *_integer("decided_at"), *_text("word"), *_integer("seen_at", "ended_at"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("resolve_request_asked_at", "resolve_request", ["asked_at"], unique=False)
    op.create_table(
        "resolve_item",
        *_text("request"), *_integer("place", "delivery_id"), *_text("result"), *_integer("is_refused"),
        sa.PrimaryKeyConstraint("request", "place"),
        sqlite_with_rowid=False,
    )  # fmt: skip
