"""The headers of an attempt. Both databases add the column without writing the rows again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.columns import TEXT

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt", sa.Column("headers", TEXT, nullable=False, server_default=""))
