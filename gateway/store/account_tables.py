"""Users of the console, their sessions, invitations, tokens and saved filters, and the audit of what people do."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table

from gateway.store.columns import TEXT, integer, metadata, text

console_user = Table(
    "console_user",
    metadata,
    Column("name", TEXT, primary_key=True),
    text("title"),
    text("roles"),
    text("authorities"),
    text("divisions"),
    text("project_kinds"),
    text("state"),  # invited | active | locked
    text("password"),  # argon2id; "" until an invitation was taken up
    text("totp"),
    text("totp_new"),  # shown to its owner, not confirmed yet
    integer("totp_step"),
    text("recovery"),
    integer("failures"),
    integer("refused_until"),
    integer("created_at"),
    integer("password_at"),
    integer("signed_in_at"),
    sqlite_with_rowid=False,
)

console_session = Table(
    "console_session",
    metadata,
    Column("hash", TEXT, primary_key=True),
    text("name"),
    text("kind"),  # full | second
    integer("began_at"),
    integer("seen_at"),
    integer("ends_at"),
    text("origin"),
    sqlite_with_rowid=False,
)
Index("console_session_name", console_session.c.name)

console_invitation = Table(
    "console_invitation",
    metadata,
    Column("hash", TEXT, primary_key=True),
    text("name"),  # "" invites the first user
    integer("made_at"),
    integer("ends_at"),
    sqlite_with_rowid=False,
)

console_token = Table(
    "console_token",
    metadata,
    Column("hash", TEXT, primary_key=True),
    text("name"),
    text("purpose"),
    integer("made_at"),
    integer("ends_at"),
    integer("used_at"),
    sqlite_with_rowid=False,
)
Index("console_token_name", console_token.c.name)

saved_filter = Table(
    "saved_filter",
    metadata,
    text("name"),  # whose it is
    text("title"),
    text("query"),  # as it stands in an address
    integer("saved_at"),
    PrimaryKeyConstraint("name", "title"),
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    # counted by us without a gap, in the order of the chain
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    integer("at"),
    text("actor"),
    text("act"),
    text("subject"),
    text("reason"),
    text("detail"),
    text("origin"),
    text("hash"),
)
Index("audit_subject", audit.c.subject, audit.c.id)
Index("audit_actor", audit.c.actor, audit.c.id)
