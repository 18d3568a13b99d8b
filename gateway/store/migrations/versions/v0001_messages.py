"""Messages, deliveries, evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BY_MONTH = ("attempt", "content", "event", "form", "message")
_BY_HASH = ("business_key", "seen_token", "sender_key")
_HASHED = 8


def _share() -> None:
    """What PostgreSQL needs besides: numbers that several give, and the parts of partitioned tables. Months
    are made as they come (partitions.py); what belongs to none of them is not refused."""
    for name in ("message", "delivery", "event"):
        op.execute(f"CREATE SEQUENCE {name}_number CACHE 1")
    op.execute("ALTER TABLE event ALTER COLUMN id SET DEFAULT nextval('event_number')")
    op.execute(
        "CREATE FUNCTION gateway_month() RETURNS bigint LANGUAGE sql AS $$"
        " SELECT ((extract(year FROM at) - 2020) * 12 + extract(month FROM at) - 1)::bigint"
        " FROM (SELECT clock_timestamp() AT TIME ZONE 'Asia/Shanghai' AS at) AS now $$"
    )
    # What a text holds, two letters at a time, so that any part of it is found, in any language.
    op.execute(
        "CREATE FUNCTION gateway_pairs(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$"
        " SELECT coalesce(array_agg(DISTINCT letter || next), '{}') FROM ("
        "  SELECT letter, lead(letter) OVER (ORDER BY place) AS next"
        "  FROM unnest(string_to_array(word, NULL)) WITH ORDINALITY AS letters(letter, place)"
        " ) AS pairs WHERE next IS NOT NULL $$"
    )
    for table in _BY_MONTH:
        op.execute(f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT")
    for table in _BY_HASH:
        for part in range(_HASHED):
            op.execute(
                f"CREATE TABLE {table}_{part} PARTITION OF {table}"
                f" FOR VALUES WITH (MODULUS {_HASHED}, REMAINDER {part})"
            )
    # Its rows change three times in a minute and then never again.
    op.execute("ALTER TABLE delivery SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80)")


def upgrade() -> None:
    is_shared = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "attempt",
        Column("delivery_id", sa.BigInteger(), nullable=False),
        Column("number", sa.BigInteger(), nullable=False),
        Column("started_at", sa.BigInteger(), nullable=False),
        Column("worker", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("ended_at", sa.BigInteger(), nullable=False),
        Column("status", sa.BigInteger(), nullable=False),
        Column("latency_ms", sa.BigInteger(), nullable=False),
        Column("code", TEXT, nullable=False),
        Column("text", TEXT, nullable=False),
        Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "number"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (delivery_id)",
    )
    op.create_table(
        "business_key",
        Column("sender", TEXT, nullable=False),
        Column("type", TEXT, nullable=False),
        Column("biz_key", TEXT, nullable=False),
        Column("version", sa.BigInteger(), nullable=False),
        Column("fingerprint", TEXT, nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("sender_time", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("sender", "type", "biz_key", "version"),
        sqlite_with_rowid=False,
        postgresql_partition_by="HASH (sender, type, biz_key)",
    )
    op.create_table(
        "checkpoint",
        Column("log_id", TEXT, nullable=False),
        Column("tree_size", sa.BigInteger(), nullable=False),
        Column("root", sa.LargeBinary(), nullable=False),
        Column("signed_at", sa.BigInteger(), nullable=False),
        Column("signature", sa.LargeBinary(), nullable=False),
        Column("key_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("log_id", "tree_size"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "content",
        Column("message_seq", NUMBER, nullable=False, autoincrement=False),
        Column("head", sa.LargeBinary(), nullable=False),
        Column("answer", sa.LargeBinary(), nullable=False),
        Column("body", sa.LargeBinary(), nullable=False),
        Column("original", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_seq"),
        postgresql_partition_by="RANGE (message_seq)",
    )
    op.create_table(
        "delivery",
        Column("id", NUMBER, nullable=False, autoincrement=False),
        Column("message_id", TEXT, nullable=False),
        Column("receiver", TEXT, nullable=False),
        Column("type", TEXT, nullable=False),
        Column("sender", TEXT, nullable=False),
        Column("application", TEXT, nullable=False),
        Column("biz_key", TEXT, nullable=False),
        Column("line", TEXT, nullable=False),
        Column("seq", sa.BigInteger(), nullable=False),
        Column("lane", sa.BigInteger(), nullable=False),
        Column("delivery_key", TEXT, nullable=False),
        Column("effect_no", sa.BigInteger(), nullable=False),
        Column("rendered_digest", TEXT, nullable=False),
        Column("rendered_version", TEXT, nullable=False),
        Column("traceparent", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("is_open", sa.BigInteger(), nullable=False),
        Column("due_at", sa.BigInteger(), nullable=False),
        Column("attempts", sa.BigInteger(), nullable=False),
        Column("tries", sa.BigInteger(), nullable=False),
        Column("crashes", sa.BigInteger(), nullable=False),
        Column("outcome_unknown", sa.BigInteger(), nullable=False),
        Column("token", TEXT, nullable=False),
        Column("lease_until", sa.Float(), nullable=False),
        Column("last_code", TEXT, nullable=False),
        Column("last_text", TEXT, nullable=False),
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
        ["receiver", "lane", "due_at", *(["id"] if is_shared else [])],  # a rowid is there anyway
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
        Column("id", NUMBER, nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        Column("stage", TEXT, nullable=False),
        Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(*(["message_id", "id"] if is_shared else ["id"])),
        postgresql_partition_by="RANGE (message_id)",
    )
    if not is_shared:
        op.create_index("event_message_id", "event", ["message_id"], unique=False)
    op.create_table(
        "evidence_log",
        Column("log_id", TEXT, nullable=False),
        Column("size", sa.BigInteger(), nullable=False),
        Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "form",
        Column("delivery_id", NUMBER, nullable=False, autoincrement=False),
        Column("files", sa.LargeBinary(), nullable=False),
        Column("rendered", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
        postgresql_partition_by="RANGE (delivery_id)",
    )
    op.create_table(
        "leaf",
        Column("log_id", TEXT, nullable=False),
        Column("leaf_index", sa.BigInteger(), nullable=False),
        Column("hash", sa.LargeBinary(), nullable=False),
        Column("tree_size", sa.BigInteger(), nullable=False),
        Column("path", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "leaf_index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message",
        Column("seq", NUMBER, nullable=False, autoincrement=False),
        Column("id", TEXT, nullable=False),
        Column("type", TEXT, nullable=False),
        Column("sender", TEXT, nullable=False),
        Column("idem_key", TEXT, nullable=False),
        Column("biz_key", TEXT, nullable=False),
        Column("biz_version", sa.BigInteger(), nullable=False),
        Column("oper_type", TEXT, nullable=False),
        Column("fingerprint", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("application", TEXT, nullable=False),
        Column("received_at", sa.BigInteger(), nullable=False),
        Column("accepted_at", sa.BigInteger(), nullable=False),
        Column("content_type", TEXT, nullable=False),
        Column("suite", TEXT, nullable=False),
        Column("cert", TEXT, nullable=False),
        Column("jti", TEXT, nullable=False),
        Column("transport", TEXT, nullable=False),
        Column("note", TEXT, nullable=False),
        Column("origin_id", TEXT, nullable=False),
        Column("traceparent", TEXT, nullable=False),
        Column("amount_fen", sa.BigInteger(), nullable=True),
        Column("log_id", TEXT, nullable=True),
        Column("leaf_index", sa.BigInteger(), nullable=True),
        Column("search", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id" if is_shared else "seq"),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "message_application",
        "message",
        ["application"],
        unique=False,
        sqlite_where=sa.text("application <> ''"),
        postgresql_where=sa.text("application <> ''"),
    )
    if is_shared:
        op.create_index("message_seq", "message", ["seq"], unique=False)
    else:
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
        Column("sender", TEXT, nullable=False),
        Column("type", TEXT, nullable=False),
        Column("codes", TEXT, nullable=False),
        Column("faults", TEXT, nullable=False),
        Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refusal_sender", "refusal", ["sender"], unique=False)
    op.create_table(
        "seen_token",
        Column("sender", TEXT, nullable=False),
        Column("jti", TEXT, nullable=False),
        Column("used_for", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "jti"),
        sqlite_with_rowid=False,
        postgresql_partition_by="HASH (sender, jti)",
    )
    op.create_table(
        "sender_key",
        Column("sender", TEXT, nullable=False),
        Column("idem_key", TEXT, nullable=False),
        Column("fingerprint", TEXT, nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("kind", TEXT, nullable=False),
        Column("outcome", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sender", "idem_key"),
        sqlite_with_rowid=False,
        postgresql_partition_by="HASH (sender, idem_key)",
    )
    op.create_table(
        "tally",
        Column("receiver", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "state"),
        sqlite_with_rowid=False,
    )
    if is_shared:
        _share()
