"""The tables of the ground on which messages are judged, and of tickets, nonces and attachments.

Columns stand in the order of the fields of their dataclasses.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from gateway.store.columns import SERIAL, TEXT, blob, integer, metadata, partial, text

HOLDS_NODE = "open_fen > 0"

contract = Table(
    "contract",
    metadata,
    Column("no", TEXT, primary_key=True),
    text("owner"),
    text("unified_deal_code"),
    text("section_code"),
    text("tenderers"),
    text("winners"),
    integer("price_fen"),
    text("adm_div"),
    text("project_kind"),
    text("project_level"),
    text("state"),
    integer("open_fen"),
    integer("paid_fen"),
    text("message_id"),
)
Index("contract_deal", contract.c.unified_deal_code)

application = Table(
    "application",
    metadata,
    Column("no", TEXT, primary_key=True),
    text("contract_no"),
    text("state"),
    text("owner"),
    text("tenderer"),
    text("payees"),
    text("adm_div"),
    text("project_kind"),
    text("st_year"),
    integer("app_fen"),
    integer("open_fen"),
    integer("approved_fen"),
    integer("paid_fen"),
    integer("refunded_fen"),
    integer("round"),
    text("review_result"),
    text("treasury"),
    text("voucher_no"),
    text("withdrawal"),
    integer("version"),
    integer("state_at"),
    integer("opened_at"),
    text("message_id"),
    text("node_key"),
    text("seqs"),
)
Index("application_contract", application.c.contract_no)
Index("application_opened_at", application.c.opened_at)
partial("application_node", application, HOLDS_NODE, "node_key")

application_party = Table(
    "application_party",
    metadata,
    text("party"),
    text("app_no"),
    PrimaryKeyConstraint("party", "app_no"),
    sqlite_with_rowid=False,
)
Index("application_party_app_no", application_party.c.app_no)

business_object = Table(
    "business_object",
    metadata,
    text("kind"),
    text("key"),
    text("owner"),
    text("parent"),
    text("data"),
    text("message_id"),
    PrimaryKeyConstraint("kind", "key"),
    sqlite_with_rowid=False,
)

invoice_use = Table(
    "invoice_use",
    metadata,
    text("invoice"),
    text("app_no"),
    integer("total_fen"),
    integer("used_fen"),
    integer("live"),
    PrimaryKeyConstraint("invoice", "app_no"),
    sqlite_with_rowid=False,
)
Index("invoice_use_app_no", invoice_use.c.app_no)

trace = Table(
    "trace",
    metadata,
    Column("id", SERIAL, primary_key=True),
    text("app_no"),
    text("msg_no"),
    text("old_state"),
    text("new_state"),
    integer("at"),
    text("node"),
    text("result"),
    text("reason"),
    text("org"),
    integer("applied"),
    text("message_id"),
)
Index("trace_app_no", trace.c.app_no)

# Tickets, nonces, attachments, and what the store notes for itself.
ticket = Table(
    "ticket",
    metadata,
    Column("hash", TEXT, primary_key=True),
    text("source"),
    text("target"),
    text("subject"),
    text("context"),
    text("target_url"),
    text("client_ip"),
    integer("issued_at"),
    integer("expires_at"),
    integer("redeemed_at"),  # 0: not yet
    sqlite_with_rowid=False,
)
Index("ticket_expires_at", ticket.c.expires_at)

nonce = Table(
    "nonce",
    metadata,
    text("platform"),
    text("nonce"),
    integer("at"),
    PrimaryKeyConstraint("platform", "nonce"),
    sqlite_with_rowid=False,
)
Index("nonce_at", nonce.c.at)

attachment = Table(
    "attachment",
    metadata,
    Column("digest", TEXT, primary_key=True),
    text("owner"),
    integer("size"),
    integer("received"),
    text("state"),
    blob("header"),
    integer("created_at"),
    sqlite_with_rowid=False,
)

attachment_grant = Table(
    "attachment_grant",
    metadata,
    text("digest"),
    text("platform"),
    PrimaryKeyConstraint("digest", "platform"),
    sqlite_with_rowid=False,
)

note = Table(
    "note",
    metadata,
    Column("name", TEXT, primary_key=True),
    text("value"),
    sqlite_with_rowid=False,
)
