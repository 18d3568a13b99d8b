"""Contracts, applications and what else messages refer to; tickets, nonces, attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "application",
        Column("no", sa.Text(), nullable=False),
        Column("contract_no", sa.Text(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("owner", sa.Text(), nullable=False),
        Column("tenderer", sa.Text(), nullable=False),
        Column("payees", sa.Text(), nullable=False),
        Column("adm_div", sa.Text(), nullable=False),
        Column("project_kind", sa.Text(), nullable=False),
        Column("st_year", sa.Text(), nullable=False),
        Column("app_fen", sa.BigInteger(), nullable=False),
        Column("open_fen", sa.BigInteger(), nullable=False),
        Column("approved_fen", sa.BigInteger(), nullable=False),
        Column("paid_fen", sa.BigInteger(), nullable=False),
        Column("refunded_fen", sa.BigInteger(), nullable=False),
        Column("round", sa.BigInteger(), nullable=False),
        Column("review_result", sa.Text(), nullable=False),
        Column("treasury", sa.Text(), nullable=False),
        Column("voucher_no", sa.Text(), nullable=False),
        Column("withdrawal", sa.Text(), nullable=False),
        Column("version", sa.BigInteger(), nullable=False),
        Column("state_at", sa.BigInteger(), nullable=False),
        Column("opened_at", sa.BigInteger(), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        Column("node_key", sa.Text(), nullable=False),
        Column("seqs", sa.Text(), nullable=False),
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
        Column("party", sa.Text(), nullable=False),
        Column("app_no", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party", "app_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("application_party_app_no", "application_party", ["app_no"], unique=False)
    op.create_table(
        "attachment",
        Column("digest", sa.Text(), nullable=False),
        Column("owner", sa.Text(), nullable=False),
        Column("size", sa.BigInteger(), nullable=False),
        Column("received", sa.BigInteger(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("header", sa.LargeBinary(), nullable=False),
        Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attachment_grant",
        Column("digest", sa.Text(), nullable=False),
        Column("platform", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "platform"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "business_object",
        Column("kind", sa.Text(), nullable=False),
        Column("key", sa.Text(), nullable=False),
        Column("owner", sa.Text(), nullable=False),
        Column("parent", sa.Text(), nullable=False),
        Column("data", sa.Text(), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contract",
        Column("no", sa.Text(), nullable=False),
        Column("owner", sa.Text(), nullable=False),
        Column("unified_deal_code", sa.Text(), nullable=False),
        Column("section_code", sa.Text(), nullable=False),
        Column("tenderers", sa.Text(), nullable=False),
        Column("winners", sa.Text(), nullable=False),
        Column("price_fen", sa.BigInteger(), nullable=False),
        Column("adm_div", sa.Text(), nullable=False),
        Column("project_kind", sa.Text(), nullable=False),
        Column("project_level", sa.Text(), nullable=False),
        Column("state", sa.Text(), nullable=False),
        Column("open_fen", sa.BigInteger(), nullable=False),
        Column("paid_fen", sa.BigInteger(), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_index("contract_deal", "contract", ["unified_deal_code"], unique=False)
    op.create_table(
        "invoice_use",
        Column("invoice", sa.Text(), nullable=False),
        Column("app_no", sa.Text(), nullable=False),
        Column("total_fen", sa.BigInteger(), nullable=False),
        Column("used_fen", sa.BigInteger(), nullable=False),
        Column("live", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("invoice", "app_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("invoice_use_app_no", "invoice_use", ["app_no"], unique=False)
    op.create_table(
        "nonce",
        Column("platform", sa.Text(), nullable=False),
        Column("nonce", sa.Text(), nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "nonce"),
        sqlite_with_rowid=False,
    )
    op.create_index("nonce_at", "nonce", ["at"], unique=False)
    op.create_table(
        "note",
        Column("name", sa.Text(), nullable=False),
        Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ticket",
        Column("hash", sa.Text(), nullable=False),
        Column("source", sa.Text(), nullable=False),
        Column("target", sa.Text(), nullable=False),
        Column("subject", sa.Text(), nullable=False),
        Column("context", sa.Text(), nullable=False),
        Column("target_url", sa.Text(), nullable=False),
        Column("client_ip", sa.Text(), nullable=False),
        Column("issued_at", sa.BigInteger(), nullable=False),
        Column("expires_at", sa.BigInteger(), nullable=False),
        Column("redeemed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trace",
        Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        Column("app_no", sa.Text(), nullable=False),
        Column("msg_no", sa.Text(), nullable=False),
        Column("old_state", sa.Text(), nullable=False),
        Column("new_state", sa.Text(), nullable=False),
        Column("at", sa.BigInteger(), nullable=False),
        Column("node", sa.Text(), nullable=False),
        Column("result", sa.Text(), nullable=False),
        Column("reason", sa.Text(), nullable=False),
        Column("org", sa.Text(), nullable=False),
        Column("applied", sa.BigInteger(), nullable=False),
        Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("trace_app_no", "trace", ["app_no"], unique=False)
