"""Counts are kept by writer, so that several at a time do not wait for one another's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "tally_by_writer",
        Column("receiver", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("writer", TEXT, nullable=False),
        Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "state", "writer"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO tally_by_writer SELECT receiver, state, '', count FROM tally")
    op.drop_table("tally")
    op.rename_table("tally_by_writer", "tally")
