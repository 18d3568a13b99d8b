"""Alembic's entry: runs the migrations on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from gateway.store import account_tables, case_tables, request_tables, steering_tables, tables
from gateway.store.columns import metadata

# All modules put their tables on the one metadata.
assert (
    tables.message.metadata
    is case_tables.contract.metadata
    is steering_tables.receiver_pause.metadata
    is account_tables.audit.metadata
    is request_tables.resolve_request.metadata
    is metadata
)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
