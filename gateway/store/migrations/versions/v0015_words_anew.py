"""Words are indexed anew, by what indexes them anyhow: beginnings and amounts stand there as terms of their own.

Each row says the form of its terms, and those of before stay until they are written again: nodes of before, which
go on beside this migration, know no form; rows that were gone would not come back through them.
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE message_words ADD COLUMN form smallint NOT NULL DEFAULT 1")
