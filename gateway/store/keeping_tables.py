"""The tables of what is kept for long: days that were reconciled, archives, and what is left of a purged message.

Columns stand in the order of the fields of their dataclasses (keepingrows.py).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table

from gateway.store.columns import TEXT, blob, integer, metadata, text

reconciliation = Table(
    "reconciliation",
    metadata,
    text("day"),
    text("treasury"),
    text("state"),
    integer("lines"),
    integer("matched"),
    integer("missing_here"),
    integer("missing_there"),
    integer("amount_differs"),
    integer("date_differs"),
    integer("totals_differ"),
    text("waiting"),
    integer("here_fen"),
    integer("general_lines"),
    integer("general_fen"),
    integer("treasury_lines"),
    integer("treasury_fen"),
    integer("changed_at"),
    PrimaryKeyConstraint("day", "treasury"),
    sqlite_with_rowid=False,
)

reconciled_difference = Table(
    "reconciled_difference",
    metadata,
    text("day"),
    text("treasury"),
    integer("number"),
    text("side"),
    text("kind"),
    text("app_no"),
    text("voucher_no"),
    text("detail_id"),
    text("bank_no"),
    text("here_day"),
    integer("here_fen"),
    text("there_day"),
    integer("there_fen"),
    PrimaryKeyConstraint("day", "treasury", "number"),
    sqlite_with_rowid=False,
)

archive = Table(
    "archive",
    metadata,
    text("month"),  # yyyy-MM
    text("place"),
    text("digest"),  # SHA-256 hex of the manifest
    integer("messages"),
    integer("made_at"),
    integer("purged_at"),  # 0: not yet
    PrimaryKeyConstraint("month", "digest"),
    sqlite_with_rowid=False,
)

# A retry of a purged message still gets its first reply: what that is made of, and no content.
purged_message = Table(
    "purged_message",
    metadata,
    Column("id", TEXT, primary_key=True),
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
    text("transport"),
    text("jti"),
    text("head_id"),
    blob("original_digest"),
    Column("log_id", TEXT),
    Column("leaf_index", BigInteger),
    sqlite_with_rowid=False,
)
