"""The words of messages are made anew, by what indexes them anyhow: beginnings and amounts stand there as terms of their own."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("TRUNCATE message_words")
    op.execute("DELETE FROM note WHERE name = 'words'")
