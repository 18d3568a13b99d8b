"""Messages, deliveries, evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        Column("delivery_id", sa.BigInteger(), nullable=False),
        Column("number", sa.BigInteger(), nullable=False),
        Column("started_at", sa.BigInteger(), nullable=False),
        Column("worker", sa.Text(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("ended_at", sa.BigInteger(), nullable=False),
        Column("status", sa.BigInteger(), nullable=False),
        Column("latency_ms", sa.BigInteger(), nullable=False),
        Column("code", sa.Text(), nullable=False),
        Column("text", sa.Text(), nullable=False),
        Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "business_key",
        Column("sender", sa.Text(), nullable=False),
        Column("type", sa.Text(), nullable=False),
        Column("biz_key", sa.Text(), nullable=False),
        Column("version", sa.BigInteger(), nullable=False),
        Column("fingerprint", sa.Text(), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        Column("sender_time", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "type", "biz_key", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoint",
        Column("log_id", sa.Text(), nullable=False),
        Column("tree_size", sa.BigInteger(), nullable=False),
        Column("root", sa.LargeBinary(), nullable=False),
        Column("signed_at", sa.BigInteger(), nullable=False),
        Column("signature", sa.LargeBinary(), nullable=False),
        Column("key_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "tree_size"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "content",
        Column("message_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("head", sa.LargeBinary(), nullable=False),
        Column("answer", sa.LargeBinary(), nullable=False),
        Column("body", sa.LargeBinary(), nullable=False),
        Column("original", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_seq"),
    )
    op.create_table(
        "delivery",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        Column("receiver", sa.Text(), nullable=False),
        Column("type", sa.Text(), nullable=False),
        Column("sender", sa.Text(), nullable=False),
        Column("application", sa.Text(), nullable=False),
        Column("biz_key", sa.Text(), nullable=False),
        Column("line", sa.Text(), nullable=False),
        Column("seq", sa.BigInteger(), nullable=False),
        Column("lane", sa.BigInteger(), nullable=False),
        Column("delivery_key", sa.Text(), nullable=False),
        Column("effect_no", sa.BigInteger(), nullable=False),
        Column("rendered_digest", sa.Text(), nullable=False),
        Column("rendered_version", sa.Text(), nullable=False),
        Column("traceparent", sa.Text(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("is_open", sa.BigInteger(), nullable=False),
        Column("due_at", sa.BigInteger(), nullable=False),
        Column("attempts", sa.BigInteger(), nullable=False),
        Column("tries", sa.BigInteger(), nullable=False),
        Column("crashes", sa.BigInteger(), nullable=False),
        Column("outcome_unknown", sa.BigInteger(), nullable=False),
        Column("token", sa.Text(), nullable=False),
        Column("lease_until", sa.Float(), nullable=False),
        Column("last_code", sa.Text(), nullable=False),
        Column("last_text", sa.Text(), nullable=False),
        Column("done_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "delivery_failed",
        "delivery",
        ["last_code"],
        unique=False,
        sqlite_where=sa.text("last_code NOT IN ('', '00000')"),
        postgresql_where=sa.text("last_code NOT IN ('', '00000')"),
    )
    op.create_index(
        "delivery_leased",
        "delivery",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index(
        "delivery_line",
        "delivery",
        ["line", "receiver", "seq"],
        unique=False,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open = 1"),
    )
    op.create_index("delivery_message_id", "delivery", ["message_id"], unique=False)
    op.create_index(
        "delivery_ready",
        "delivery",
        ["receiver", "lane", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "delivery_stuck",
        "delivery",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state IN ('dead', 'unknown')"),
        postgresql_where=sa.text("state IN ('dead', 'unknown')"),
    )
    op.create_table(
        "event",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        Column("stage", sa.Text(), nullable=False),
        Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("event_message_id", "event", ["message_id"], unique=False)
    op.create_table(
        "evidence_log",
        Column("log_id", sa.Text(), nullable=False),
        Column("size", sa.BigInteger(), nullable=False),
        Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "form",
        Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("files", sa.LargeBinary(), nullable=False),
        Column("rendered", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_table(
        "leaf",
        Column("log_id", sa.Text(), nullable=False),
        Column("leaf_index", sa.BigInteger(), nullable=False),
        Column("hash", sa.LargeBinary(), nullable=False),
        Column("tree_size", sa.BigInteger(), nullable=False),
        Column("path", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "leaf_index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("id", sa.Text(), nullable=False),
        Column("type", sa.Text(), nullable=False),
        Column("sender", sa.Text(), nullable=False),
        Column("idem_key", sa.Text(), nullable=False),
        Column("biz_key", sa.Text(), nullable=False),
        Column("biz_version", sa.BigInteger(), nullable=False),
        Column("oper_type", sa.Text(), nullable=False),
        Column("fingerprint", sa.Text(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("application", sa.Text(), nullable=False),
        Column("received_at", sa.BigInteger(), nullable=False),
        Column("accepted_at", sa.BigInteger(), nullable=False),
        Column("content_type", sa.Text(), nullable=False),
        Column("suite", sa.Text(), nullable=False),
        Column("cert", sa.Text(), nullable=False),
        Column("jti", sa.Text(), nullable=False),
        Column("transport", sa.Text(), nullable=False),
        Column("note", sa.Text(), nullable=False),
        Column("origin_id", sa.Text(), nullable=False),
        Column("traceparent", sa.Text(), nullable=False),
        Column("amount_fen", sa.BigInteger(), nullable=True),
        Column("log_id", sa.Text(), nullable=True),
        Column("leaf_index", sa.BigInteger(), nullable=True),
        Column("search", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(
        "message_application",
        "message",
        ["application"],
        unique=False,
        sqlite_where=sa.text("application <> ''"),
        postgresql_where=sa.text("application <> ''"),
    )
    op.create_index("message_id", "message", ["id"], unique=True)
    op.create_index("message_received_at", "message", ["received_at"], unique=False)
    op.create_index("message_sender_type", "message", ["sender", "type"], unique=False)
    op.create_index("message_type", "message", ["type"], unique=False)
    op.create_index(
        "message_unusual",
        "message",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state <> 'delivered'"),
        postgresql_where=sa.text("state <> 'delivered'"),
    )
    op.create_table(
        "refusal",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        Column("sender", sa.Text(), nullable=False),
        Column("type", sa.Text(), nullable=False),
        Column("codes", sa.Text(), nullable=False),
        Column("faults", sa.Text(), nullable=False),
        Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refusal_sender", "refusal", ["sender"], unique=False)
    op.create_table(
        "seen_token",
        Column("sender", sa.Text(), nullable=False),
        Column("jti", sa.Text(), nullable=False),
        Column("used_for", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "jti"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sender_key",
        Column("sender", sa.Text(), nullable=False),
        Column("idem_key", sa.Text(), nullable=False),
        Column("fingerprint", sa.Text(), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        Column("kind", sa.Text(), nullable=False),
        Column("outcome", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sender", "idem_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally",
        Column("receiver", sa.Text(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "state"),
        sqlite_with_rowid=False,
    )
