"""Users of the console, their sessions and invitations; the audit as a chain, with the acts that were kept without."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

from gateway.store.accountrows import NO_LINE, line_hash

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, TEXT, nullable=False) for name in names]


def _integer(*names: str) -> list[Column[int]]:
    return [Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "console_user",
        *_text("name", "title", "roles", "authorities", "divisions", "project_kinds", "state", "password", "totp"),
        *_text("totp_new"), *_integer("totp_step"), *_text("recovery"),
        *_integer("failures", "refused_until", "created_at", "password_at", "signed_in_at"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "console_session",
        *_text("hash", "name", "kind"),
        *_integer("began_at", "seen_at", "ends_at"),
        *_text("origin"),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("console_session_name", "console_session", ["name"], unique=False)
    op.create_table(
        "console_invitation",
        *_text("hash", "name"),
        *_integer("made_at", "ends_at"),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        *_integer("at"),
        *_text("actor", "act", "subject", "reason", "detail", "origin", "hash"),
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
