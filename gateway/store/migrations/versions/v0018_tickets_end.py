"""Tickets that ended are found by their time, to be forgotten."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ticket_expires_at", "ticket", ["expires_at"])
