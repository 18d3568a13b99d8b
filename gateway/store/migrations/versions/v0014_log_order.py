"""Indexes by which a page of the log is read in its order: those parked, whose index holds them alone; and on
PostgreSQL, whose rows do not lie by number, a type's and a state's messages by number.

On PostgreSQL nothing is dropped here: while indexes are built, what reads goes on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
_PARKED = sa.text("note >= 'parked' AND note < 'parkee'")
_UNUSUAL = sa.text("state <> 'delivered'")


def upgrade() -> None:
    op.create_index(
        "message_parked", "message", ["note"],
        sqlite_where=_PARKED, postgresql_where=_PARKED, if_not_exists=True,
    )  # fmt: skip
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_index("message_type_order", "message", ["type", "seq"])
    op.create_index("message_unusual_order", "message", ["state", "seq"], postgresql_where=_UNUSUAL)
