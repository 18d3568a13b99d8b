"""Tokens of users for scripts, and the searches of the message log that they keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.columns import integers, texts

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_token",
        *texts("hash", "name", "purpose"), *integers("made_at", "ends_at", "used_at"),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("console_token_name", "console_token", ["name"], unique=False)
    op.create_table(
        "saved_filter",
        *texts("name", "title", "query"), *integers("saved_at"),
        sa.PrimaryKeyConstraint("name", "title"),
        sqlite_with_rowid=False,
    )  # fmt: skip
