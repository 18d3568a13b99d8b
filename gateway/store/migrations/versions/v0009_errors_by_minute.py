"""Errors by minute, for whoever watches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.columns import integers, texts

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "error_minute",
        *integers("minute"), *texts("node", "kind", "writer"), *integers("count"),
        sa.PrimaryKeyConstraint("minute", "node", "kind", "writer"),
        sqlite_with_rowid=False,
    )  # fmt: skip
