"""What lets somebody in: tickets that are redeemed once, nonces that are used once, grants on attachments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, or_, select, update

from gateway.store import case_tables as tables
from gateway.store.contract import AttachmentRow, TicketRow
from gateway.store.rows import text_of
from gateway.store.statements import Connection, Statement, add_to, as_given, given, insert, insert_into
from gateway.store.transaction import Transaction

NONCE_KEPT_MS = 600_000
TICKET_KEPT_MS = 86_400_000
_ticket, _nonce = tables.ticket, tables.nonce
_INSERT_TICKET = insert_into(_ticket)
_REDEEM = Statement(
    update(_ticket)
    .values(redeemed_at=bindparam("now"))
    .where(
        _ticket.c.hash == bindparam("of_hash"),
        _ticket.c.target == bindparam("of_target"),
        _ticket.c.redeemed_at == 0,
        _ticket.c.expires_at >= bindparam("at_least"),
        or_(_ticket.c.client_ip.in_(("", bindparam("of_ip"))), bindparam("of_ip") == ""),
    )
    .returning(*(column for column in _ticket.columns if column.name != "redeemed_at"))
)
_RETURN = Statement(update(_ticket).values(redeemed_at=0).where(_ticket.c.hash == bindparam("of_hash")))
_TICKETS_AT_ONCE = 100
_FORGET_TICKETS = Statement(
    delete(_ticket).where(
        _ticket.c.hash.in_(
            select(_ticket.c.hash)
            .where(_ticket.c.expires_at < bindparam("before"))
            .order_by(_ticket.c.expires_at)
            .limit(_TICKETS_AT_ONCE)
        )
    )
)
_FORGET_NONCES = Statement(delete(_nonce).where(_nonce.c.at < bindparam("before")))
_ADD_NONCE = add_to(_nonce)

_attachment, _grant = tables.attachment, tables.attachment_grant
_ATTACHMENT = Statement(select(_attachment).where(_attachment.c.digest == bindparam("of_digest")))
_ADD_ATTACHMENT = add_to(_attachment)
_ADD_GRANT = add_to(_grant)
_named = given("digest", "sender", "receiver")
_LET_IN = Statement(
    insert(_grant)
    .from_select(
        ["digest", "platform"],
        select(_named.c.digest, _named.c.receiver).where(
            select(_grant.c.platform)
            .where(_grant.c.digest == _named.c.digest, _grant.c.platform == _named.c.sender)
            .correlate(_named)
            .exists()
        ),
    )
    .on_conflict_do_nothing()
)
_GRANT = Statement(
    select(_grant.c.platform).where(
        _grant.c.digest == bindparam("of_digest"), _grant.c.platform == bindparam("of_platform")
    )
)


async def issue_ticket(work: Transaction, ticket: TicketRow) -> None:
    """Those that ended a day ago are forgotten on the way, some at a time: they hold who jumped, and let nobody in any more."""
    await _FORGET_TICKETS.run(work.connection, before=ticket.issued_at - TICKET_KEPT_MS)
    await _INSERT_TICKET.many(
        work.connection,
        [
            (
                ticket.hash, ticket.source, ticket.target, text_of(dict(ticket.subject)), ticket.context,
                ticket.target_url, ticket.client_ip, ticket.issued_at, ticket.expires_at, 0,
            )
        ],
    )  # fmt: skip


async def redeem_ticket(
    work: Transaction, hash_: str, platform: str, at: int, client_ip: str = ""
) -> TicketRow | None:
    """The ticket, once, for the platform that it was issued for and, where both name one, from the address
    that it is bound to; one guarded update."""
    found = await _REDEEM.rows(
        work.connection, now=max(at, 1), of_hash=hash_, of_target=platform, at_least=at, of_ip=client_ip
    )
    if not found:
        return None
    name, source, target, subject, *rest = found[0]
    return TicketRow(name, source, target, orjson.loads(subject), *rest)


async def return_ticket(work: Transaction, hash_: str) -> None:
    """Whoever redeemed it could not use it: it may be redeemed again."""
    await _RETURN.run(work.connection, of_hash=hash_)


async def use_nonce(work: Transaction, platform: str, nonce: str, at: int) -> bool:
    """False where it was used before. What is older than any call may be is forgotten on the way."""
    await _FORGET_NONCES.run(work.connection, before=at - NONCE_KEPT_MS)
    return await _ADD_NONCE.many(work.connection, [(platform, nonce, at)]) == 1


async def start_attachment(work: Transaction, row: AttachmentRow) -> AttachmentRow:
    """The row under this digest: the new one, or the one that is there already."""
    values: tuple[Any, ...] = (
        row.digest, row.owner, row.size, row.received, row.state, row.header, row.created_at,
    )  # fmt: skip
    await _ADD_ATTACHMENT.many(work.connection, [values])
    known = await find_attachment(work.connection, row.digest)
    if known is None:
        raise LookupError(f"no attachment {row.digest}")
    return known


async def find_attachment(connection: Connection, digest: str) -> AttachmentRow | None:
    found = await _ATTACHMENT.rows(connection, of_digest=digest)
    return AttachmentRow(*found[0]) if found else None


async def grant(work: Transaction, digest: str, platform: str) -> None:
    await _ADD_GRANT.many(work.connection, [(digest, platform)])


async def let_in(connection: Connection, named: Sequence[tuple[str, str, str]]) -> None:
    """(digest, sender, receiver) of messages: the receiver is granted what the sender is."""
    if named:
        await _LET_IN.run(connection, given=as_given(named))


async def may_read(connection: Connection, digest: str, platform: str) -> bool:
    """Its owner may, and whom it was granted to; knowing the digest is not enough."""
    if await _GRANT.rows(connection, of_digest=digest, of_platform=platform):
        return True
    known = await find_attachment(connection, digest)
    return known is not None and known.owner == platform
