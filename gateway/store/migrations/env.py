"""Alembic's entry: runs the migrations on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from gateway.store import (
    account_tables,
    alarm_tables,
    case_tables,
    keeping_tables,
    request_tables,
    steering_tables,
    tables,
    watching_tables,
)
from gateway.store.columns import metadata

# All modules put their tables on the one metadata.
_OF_EACH = (
    tables.message, case_tables.contract, steering_tables.receiver_pause, account_tables.audit, keeping_tables.archive,
    request_tables.resolve_request, watching_tables.error_minute, alarm_tables.alarm,
)  # fmt: skip
assert all(one.metadata is metadata for one in _OF_EACH)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
