"""What a person says of a message that was stored and not applied: it is closed. The act is audited."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, update

from gateway.store import tables
from gateway.store.accountrows import NewAct
from gateway.store.contract import PARKED, MessageRow, ResolveRefused
from gateway.store.queries import find_message_row
from gateway.store.statements import Statement
from gateway.store.transaction import MESSAGES, Transaction

CLOSED = "was"  # how the note begins then: `was parked late`
_message = tables.message
_NOTE = Statement(
    update(_message)
    .values(note=bindparam("new"))
    .where(_message.c.id == bindparam("of_message"), _message.c.note == bindparam("old"))
)


async def close_parked(
    work: Transaction, message_id: str, actor: str, reason: str, told_again: str, origin: str
) -> MessageRow:
    """Notes who and why. LookupError for an unknown message, ResolveRefused for one that is not parked."""
    row = await find_message_row(work.connection, message_id)
    if row is None:
        raise LookupError(f"no message {message_id}")
    if not row.note.startswith(PARKED):
        raise ResolveRefused("not-parked", f"message {message_id} is not parked")
    if not reason.strip():
        raise ResolveRefused("no-reason", "a reason is required")
    note = f"{CLOSED} {row.note}"
    if not await _NOTE.run(work.connection, new=note, of_message=message_id, old=row.note):
        raise ResolveRefused("not-parked", f"message {message_id} was closed meanwhile")
    work.count(MESSAGES, PARKED, -1)
    action = "apply" if told_again else "close"
    told = {"was": row.note, **({"told_again": told_again} if told_again else {})}
    work.note(message_id, "resolved", {"action": action, "actor": actor, "reason": reason, **told})
    work.audit(NewAct(actor, f"{action} parked", message_id, reason, told, origin))
    return replace(row, note=note)
