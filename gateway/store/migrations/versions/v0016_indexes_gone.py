"""On PostgreSQL the indexes of types and states that 0014 has made anew go: at once, but nobody reads meanwhile."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for name in ("message_type", "message_unusual"):
        op.drop_index(name, "message", if_exists=True)
