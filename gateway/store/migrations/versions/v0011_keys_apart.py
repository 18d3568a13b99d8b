"""On SQLite the rows of `sender_key` lie in the order in which they came, and the index over random keys holds keys alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.columns import texts

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_table(
        "sender_key_apart",
        *texts("sender", "idem_key", "fingerprint", "message_id", "kind"),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sender", "idem_key"),
    )
    op.execute("INSERT INTO sender_key_apart SELECT * FROM sender_key ORDER BY message_id")
    op.drop_table("sender_key")
    op.rename_table("sender_key_apart", "sender_key")
