"""The tables of messages, deliveries and evidence, for SQLite and PostgreSQL.

Columns stand in the order in which rows are inserted.
- What changes often (`delivery`) is kept apart from what is large and never changes (`content`, `form`).
- Counts by state come from `tally`, kept by every transaction, never from counting rows.
- `sender_key`, `business_key` and `seen_token` are never purged (DESIGN.md promise 2).
- Partial indexes hold only what is open, so their size follows the backlog and not the history. Their
  conditions must stand in a statement as they stand here, for SQLite to use them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, LargeBinary, PrimaryKeyConstraint, Table

from gateway.store.columns import SERIAL, TEXT, blob, integer, metadata, partial, text

# On PostgreSQL a number begins with its month (since January 2020), so that tables are parted by month.
NUMBERS_A_MONTH = 10**12
IS_READY = "state = 'ready'"
IS_LEASED = "state = 'leased'"
IS_OPEN = "is_open = 1"
IS_STUCK = "state IN ('dead', 'unknown')"
HAS_FAILED = "last_code NOT IN ('', '00000')"
IS_UNUSUAL = "state <> 'delivered'"
HAS_APPLICATION = "application <> ''"
IS_PARKED = "note >= 'parked' AND note < 'parkee'"  # that begins so (messagerows.PARKED)

message = Table(
    "message",
    metadata,
    Column("seq", SERIAL, primary_key=True),  # the order of acceptance
    text("id"),
    text("type"),
    text("sender"),
    text("idem_key"),
    text("biz_key"),
    integer("biz_version"),
    text("oper_type"),
    text("fingerprint"),
    text("state"),
    text("application"),
    integer("received_at"),
    integer("accepted_at"),
    text("content_type"),
    text("suite"),
    text("cert"),
    text("jti"),
    text("transport"),
    text("note"),
    text("origin_id"),
    text("traceparent"),
    Column("amount_fen", BigInteger),
    Column("log_id", TEXT),
    Column("leaf_index", BigInteger),
    text("search"),
)
Index("message_id", message.c.id, unique=True)
Index("message_type", message.c.type)
Index("message_sender_type", message.c.sender, message.c.type)
Index("message_received_at", message.c.received_at)
partial("message_application", message, HAS_APPLICATION, "application")
partial("message_unusual", message, IS_UNUSUAL, "state")
partial("message_parked", message, IS_PARKED, "note")

content = Table(
    "content",
    metadata,
    Column("message_seq", SERIAL, primary_key=True),
    blob("head"),
    blob("answer"),
    blob("body"),
    blob("original"),
)

sender_key = Table(
    "sender_key",
    metadata,
    text("sender"),
    text("idem_key"),
    text("fingerprint"),
    text("message_id"),
    text("kind"),  # accepted | duplicate
    Column("outcome", LargeBinary),  # digest of the outcome: the message's leaf hash
    # With a rowid on SQLite: keys are random, and an index of keys alone has far fewer pages to read and to write.
    PrimaryKeyConstraint("sender", "idem_key"),
)

business_key = Table(
    "business_key",
    metadata,
    text("sender"),
    text("type"),
    text("biz_key"),
    integer("version"),
    text("fingerprint"),
    text("message_id"),
    text("sender_time"),
    PrimaryKeyConstraint("sender", "type", "biz_key", "version"),
    sqlite_with_rowid=False,
)

seen_token = Table(
    "seen_token",
    metadata,
    text("sender"),
    text("jti"),
    blob("used_for"),  # SHA-256 of key and fingerprint
    PrimaryKeyConstraint("sender", "jti"),
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    metadata,
    Column("id", SERIAL, primary_key=True),
    text("message_id"),
    integer("at"),
    text("stage"),
    text("detail"),
)
Index("event_message_id", event.c.message_id)

refusal = Table(
    "refusal",
    metadata,
    Column("id", SERIAL, primary_key=True),
    integer("at"),
    text("sender"),
    text("type"),
    text("codes"),
    text("faults"),
    text("detail"),
)
Index("refusal_sender", refusal.c.sender)

delivery = Table(
    "delivery",
    metadata,
    Column("id", SERIAL, primary_key=True),
    text("message_id"),
    text("receiver"),
    text("type"),
    text("sender"),
    text("application"),
    text("biz_key"),
    integer("biz_version"),
    text("line"),
    integer("seq"),  # the place in the line (application, else business key; receiver)
    integer("lane"),
    text("delivery_key"),
    integer("effect_no"),
    text("rendered_digest"),
    text("rendered_version"),
    text("traceparent"),
    text("state"),
    integer("is_open"),  # 0 once done or discarded
    integer("due_at"),
    integer("attempts"),  # all of them
    integer("tries"),  # since a person let it start anew
    integer("crashes"),
    integer("outcome_unknown"),
    text("token"),
    Column("lease_until", Float, nullable=False),  # seconds of the boot clock
    text("last_code"),
    text("last_text"),
    integer("done_at"),
)
Index("delivery_message_id", delivery.c.message_id)
partial("delivery_ready", delivery, IS_READY, "receiver", "lane", "due_at")
partial("delivery_leased", delivery, IS_LEASED, "lease_until")
partial("delivery_line", delivery, IS_OPEN, "line", "receiver", "seq")
partial("delivery_stuck", delivery, IS_STUCK, "id")
partial("delivery_failed", delivery, HAS_FAILED, "last_code")

form = Table(
    "form",
    metadata,
    Column("delivery_id", SERIAL, primary_key=True),
    blob("files"),
    blob("rendered"),
)

attempt = Table(
    "attempt",
    metadata,
    integer("delivery_id"),
    integer("number"),
    integer("started_at"),
    text("worker"),
    text("state"),  # running, crashed, or the delivery's state after it
    integer("ended_at"),
    integer("status"),
    integer("latency_ms"),
    text("code"),
    text("text"),
    blob("answer"),
    text("headers"),  # JSON (connectors.heads), or ""
    PrimaryKeyConstraint("delivery_id", "number"),
    sqlite_with_rowid=False,
)

tally = Table(
    "tally",
    metadata,
    text("receiver"),  # "" for messages
    text("state"),
    text("writer"),  # "" where one writes at a time
    integer("count"),
    PrimaryKeyConstraint("receiver", "state", "writer"),
    sqlite_with_rowid=False,
)

# Evidence: the log of each writer, its leaves, and one signed checkpoint a batch.
evidence_log = Table(
    "evidence_log",
    metadata,
    Column("log_id", TEXT, primary_key=True),
    integer("size"),
    blob("frontier"),  # the hashes, one after the other
    sqlite_with_rowid=False,
)

leaf = Table(
    "leaf",
    metadata,
    text("log_id"),
    integer("leaf_index"),
    blob("hash"),
    integer("tree_size"),
    blob("path"),  # the hashes, one after the other
    PrimaryKeyConstraint("log_id", "leaf_index"),
    sqlite_with_rowid=False,
)

checkpoint = Table(
    "checkpoint",
    metadata,
    text("log_id"),
    integer("tree_size"),
    blob("root"),
    integer("signed_at"),
    blob("signature"),
    text("key_id"),
    PrimaryKeyConstraint("log_id", "tree_size"),
    sqlite_with_rowid=False,
)
