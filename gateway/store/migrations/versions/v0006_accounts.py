"""Users of the console, their sessions and invitations; the audit as a chain, with the acts that were kept without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

from gateway.store.accountrows import NO_LINE, line_hash
from gateway.store.migrations.columns import integers, texts

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_user",
        *texts("name", "title", "roles", "authorities", "divisions", "project_kinds", "state", "password", "totp"),
        *texts("totp_new"), *integers("totp_step"), *texts("recovery"),
        *integers("failures", "refused_until", "created_at", "password_at", "signed_in_at"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "console_session",
        *texts("hash", "name", "kind"),
        *integers("began_at", "seen_at", "ends_at"),
        *texts("origin"),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("console_session_name", "console_session", ["name"], unique=False)
    op.create_table(
        "console_invitation",
        *texts("hash", "name"),
        *integers("made_at", "ends_at"),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        *integers("at"),
        *texts("actor", "act", "subject", "reason", "detail", "origin", "hash"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_subject", "audit", ["subject", "id"], unique=False)
    op.create_index("audit_actor", "audit", ["actor", "id"], unique=False)
    _take_over()
    op.drop_table("operator_act")


def _take_over() -> None:
    """The acts that stand there become the first lines of the chain."""
    connection = op.get_bind()
    kept = connection.execute(
        sa.text("SELECT at, actor, act, subject, reason, detail FROM operator_act ORDER BY id")
    ).all()
    before = NO_LINE
    for number, (at, actor, act, subject, reason, detail) in enumerate(kept, start=1):
        before = line_hash(before, number, at, actor, act, subject, reason, detail, "")
        connection.execute(
            sa.text(
                "INSERT INTO audit (id, at, actor, act, subject, reason, detail, origin, hash)"
                " VALUES (:id, :at, :actor, :act, :subject, :reason, :detail, '', :hash)"
            ),
            {
                "id": number, "at": at, "actor": actor, "act": act, "subject": subject, "reason": reason,
                "detail": detail, "hash": before,
            },
        )  # fmt: skip
