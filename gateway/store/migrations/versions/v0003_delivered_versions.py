"""A delivery knows the version of its message's business key: what the gateway says of it needs no look-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("biz_version", sa.BigInteger(), nullable=False, server_default="1"))
    op.execute(
        "UPDATE delivery SET biz_version ="
        " (SELECT message.biz_version FROM message WHERE message.id = delivery.message_id)"
    )
