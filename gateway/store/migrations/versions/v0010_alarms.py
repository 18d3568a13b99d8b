"""Alarms: rules, their alarms, notifications, and who judges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.columns import integers, texts

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_rule",
        *texts("name", "rule"), *integers("changed_at"), *texts("changed_by"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "alarm",
        *texts("id", "scope", "rule", "labels", "state", "severity", "value"),
        *integers("since", "fired_at", "acknowledged_at"), *texts("acknowledged_by", "reason"),
        *integers("ended_at", "steady_since", "calm_since", "told_at"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    is_open = sa.text("state <> 'ended'")
    op.create_index(
        "alarm_open", "alarm", ["scope", "rule", "labels"], unique=True, sqlite_where=is_open,
        postgresql_where=is_open,
    )  # fmt: skip
    op.create_index("alarm_fired_at", "alarm", ["fired_at"], unique=False)
    op.create_table(
        "notification",
        *texts("id", "alarm", "kind", "target", "body", "state"),
        *integers("attempts", "due_at", "made_at", "ended_at"), *texts("fault"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    is_ready = sa.text("state = 'ready'")
    op.create_index(
        "notification_ready", "notification", ["due_at"], unique=False, sqlite_where=is_ready,
        postgresql_where=is_ready,
    )  # fmt: skip
    op.create_index("notification_alarm", "notification", ["alarm"], unique=False)
    op.create_index("notification_made_at", "notification", ["made_at"], unique=False)
    op.create_table(
        "alarm_lease",
        *texts("scope", "holder"), *integers("until"),
        sa.PrimaryKeyConstraint("scope"),
        sqlite_with_rowid=False,
    )  # fmt: skip
