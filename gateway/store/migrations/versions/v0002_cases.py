"""Contracts, applications and what else messages refer to; tickets, nonces, attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "application",
        Column("no", TEXT, nullable=False),
        Column("contract_no", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("owner", TEXT, nullable=False),
        Column("tenderer", TEXT, nullable=False),
        Column("payees", TEXT, nullable=False),
        Column("adm_div", TEXT, nullable=False),
        Column("project_kind", TEXT, nullable=False),
        Column("st_year", TEXT, nullable=False),
        Column("app_fen", sa.BigInteger(), nullable=False),
        Column("open_fen", sa.BigInteger(), nullable=False),
        Column("approved_fen", sa.BigInteger(), nullable=False),
        Column("paid_fen", sa.BigInteger(), nullable=False),
        Column("refunded_fen", sa.BigInteger(), nullable=False),
        Column("round", sa.BigInteger(), nullable=False),
        Column("review_result", TEXT, nullable=False),
        Column("treasury", TEXT, nullable=False),
        Column("voucher_no", TEXT, nullable=False),
        Column("withdrawal", TEXT, nullable=False),
        Column("version", sa.BigInteger(), nullable=False),
        Column("state_at", sa.BigInteger(), nullable=False),
        Column("opened_at", sa.BigInteger(), nullable=False),
        Column("message_id", TEXT, nullable=False),
        Column("node_key", TEXT, nullable=False),
        Column("seqs", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_index("application_contract", "application", ["contract_no"], unique=False)
    op.create_index(
        "application_node",
        "application",
        ["node_key"],
        unique=False,
        sqlite_where=sa.text("open_fen > 0"),
        postgresql_where=sa.text("open_fen > 0"),
    )
    op.create_index("application_opened_at", "application", ["opened_at"], unique=False)
    op.create_table(
        "application_party",
        Column("party", TEXT, nullable=False),
        Column("app_no", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("party", "app_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("application_party_app_no", "application_party", ["app_no"], unique=False)
    op.create_table(
        "attachment",
        Column("digest", TEXT, nullable=False),
        Column("owner", TEXT, nullable=False),
        Column("size", sa.BigInteger(), nullable=False),
        Column("received", sa.BigInteger(), nullable=False),
        Column("state", TEXT, nullable=False),
        Column("header", sa.LargeBinary(), nullable=False),
        Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attachment_grant",
        Column("digest", TEXT, nullable=False),
        Column("platform", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", "platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "business_object",
        Column("kind", TEXT, nullable=False),
        Column("key", TEXT, nullable=False),
        Column("owner", TEXT, nullable=False),
        Column("parent", TEXT, nullable=False),
        Column("data", TEXT, nullable=False),
        Column("message_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contract",
        Column("no", TEXT, nullable=False),
        Column("owner", TEXT, nullable=False),
        Column("unified_deal_code", TEXT, nullable=False),
        Column("section_code", TEXT, nullable=False),
        Column("tenderers", TEXT, nullable=False),
        Column("winners", TEXT, nullable=False),
        Column("price_fen", sa.BigInteger(), nullable=False),
        Column("adm_div", TEXT, nullable=False),
        Column("project_kind", TEXT, nullable=False),
        Column("project_level", TEXT, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("open_fen", sa.BigInteger(), nullable=False),
        Column("paid_fen", sa.BigInteger(), nullable=False),
        Column("message_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_index("contract_deal", "contract", ["unified_deal_code"], unique=False)
    op.create_table(
        "invoice_use",
        Column("invoice", TEXT, nullable=False),
        Column("app_no", TEXT, nullable=False),
        Column("total_fen", sa.BigInteger(), nullable=False),
        Column("used_fen", sa.BigInteger(), nullable=False),
        Column("live", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("invoice", "app_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("invoice_use_app_no", "invoice_use", ["app_no"], unique=False)
    op.create_table(
        "nonce",
        Column("platform", TEXT, nullable=False),
        Column("nonce", TEXT, nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "nonce"),
        sqlite_with_rowid=False,
    )
    op.create_index("nonce_at", "nonce", ["at"], unique=False)
    op.create_table(
        "note",
        Column("name", TEXT, nullable=False),
        Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ticket",
        Column("hash", TEXT, nullable=False),
        Column("source", TEXT, nullable=False),
        Column("target", TEXT, nullable=False),
        Column("subject", TEXT, nullable=False),
        Column("context", TEXT, nullable=False),
        Column("target_url", TEXT, nullable=False),
        Column("client_ip", TEXT, nullable=False),
        Column("issued_at", sa.BigInteger(), nullable=False),
        Column("expires_at", sa.BigInteger(), nullable=False),
        Column("redeemed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trace",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("app_no", TEXT, nullable=False),
        Column("msg_no", TEXT, nullable=False),
        Column("old_state", TEXT, nullable=False),
        Column("new_state", TEXT, nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        Column("node", TEXT, nullable=False),
        Column("result", TEXT, nullable=False),
        Column("reason", TEXT, nullable=False),
        Column("org", TEXT, nullable=False),
        Column("applied", sa.BigInteger(), nullable=False),
        Column("message_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("trace_app_no", "trace", ["app_no"], unique=False)
