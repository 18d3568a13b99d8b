"""What a database that was put in place needs before anybody opens it."""

from __future__ import annotations

from sqlalchemy import text, update

from gateway.store import steering, tables
from gateway.store.accountrows import COMMAND_LINE
from gateway.store.notes import LOG_SUFFIX, PUT_NOTE
from gateway.store.statements import Statement
from gateway.store.steeringrows import ALL_RECEIVERS
from gateway.store.transaction import Transaction

END_LEASES = Statement(update(tables.delivery).values(lease_until=0.0).where(text(tables.IS_LEASED)))


async def hold(work: Transaction, suffix: str, actor: str, reason: str) -> None:
    """Pauses every receiver, ends the leases of workers that are gone (what they sent has an unknown outcome, and is
    asked for first), and lets the evidence logs go on under names that end with `suffix`."""
    await steering.pause(work, ALL_RECEIVERS, actor, reason, COMMAND_LINE)
    await END_LEASES.run(work.connection)
    await PUT_NOTE.many(work.connection, [(LOG_SUFFIX, suffix)])
