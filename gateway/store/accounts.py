"""Users, sessions and invitations: each change is one transaction, so that all processes and nodes agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from sqlalchemy import bindparam, delete, or_, select, update

from gateway.rights import Scope
from gateway.store import account_tables as tables
from gateway.store import audit
from gateway.store.accountrows import AuditFilter, InvitationRow, NewAct, SessionRow, UserRow
from gateway.store.rows import text_of
from gateway.store.statements import Connection, Statement, add_to, put_into
from gateway.store.tokens import END_TOKENS
from gateway.store.transaction import Transaction

Result = TypeVar("Result")
_user, _session, _invitation = tables.console_user, tables.console_session, tables.console_invitation
_USER = Statement(select(_user).where(_user.c.name == bindparam("of_name")))
_USERS = Statement(select(_user).order_by(_user.c.name))
_ADD_USER, _PUT_USER = add_to(_user), put_into(_user)
_SESSION = Statement(select(_session).where(_session.c.hash == bindparam("of_hash")))
_ADD_SESSION = add_to(_session)
_SEEN = Statement(
    update(_session).values(seen_at=bindparam("now")).where(_session.c.hash == bindparam("of_hash"))
)
_END_SESSION = Statement(delete(_session).where(_session.c.hash == bindparam("of_hash")))
_END_SESSIONS = Statement(
    delete(_session).where(_session.c.name == bindparam("of_name"), _session.c.hash != bindparam("but"))
)
_FORGET = Statement(
    delete(_session).where(or_(_session.c.ends_at < bindparam("now"), _session.c.seen_at < bindparam("idle")))
)
_INVITATION = Statement(select(_invitation).where(_invitation.c.hash == bindparam("of_hash")))
_ADD_INVITATION = add_to(_invitation)
_END_INVITATIONS = Statement(delete(_invitation).where(_invitation.c.name == bindparam("of_name")))

# What a change makes of a user (None: it stays as it is), what it answers, and what is audited.
Changed = tuple[UserRow | None, Result, Sequence[NewAct]]


async def find_user(connection: Connection, name: str) -> UserRow | None:
    found = await _USER.rows(connection, of_name=name)
    return _user_row(found[0]) if found else None


async def users(connection: Connection) -> list[UserRow]:
    return [_user_row(row) for row in await _USERS.rows(connection)]


async def add_user(work: Transaction, row: UserRow, act: NewAct) -> bool:
    """False where the name is taken."""
    if not await _ADD_USER.many(work.connection, [_user_values(row)]):
        return False
    work.audit(act)
    return True


async def change_user(
    work: Transaction, name: str, change: Callable[[UserRow, int], Changed[Result]], *, but: str, ends: bool
) -> Result:
    """Reads, changes and writes one user under its lock. `ends`: its tokens end, and its sessions but for the
    one whose hash is `but`. LookupError where there is none."""
    await work.connection.lock("user", [(name,)])
    row = await find_user(work.connection, name)
    if row is None:
        raise LookupError(f"no user {name}")
    changed, result, acts = change(row, work.at_ms)
    if changed is not None:
        await _PUT_USER.many(work.connection, [_user_values(changed)])
    if ends and changed is not None:
        await _END_SESSIONS.run(work.connection, of_name=name, but=but)
        await END_TOKENS.run(work.connection, of_name=name)
    for act in acts:
        work.audit(act)
    return result


async def note_once(work: Transaction, act: NewAct) -> None:
    """Unless the newest line on the same user says the same."""
    await work.connection.lock("user", [(act.subject,)])
    found = await audit.find_acts(work.connection, AuditFilter(subject=act.subject, limit=1))
    if not found or (found[0].act, found[0].detail) != (act.act, act.detail):
        work.audit(act)


async def find_session(connection: Connection, hash_: str) -> SessionRow | None:
    found = await _SESSION.rows(connection, of_hash=hash_)
    return SessionRow(*found[0]) if found else None


async def start_session(work: Transaction, row: SessionRow, idle_ms: int, instead_of: str) -> None:
    """A new one; the one that it takes the place of ends, and so do those that are over."""
    await _FORGET.run(work.connection, now=row.began_at, idle=row.began_at - idle_ms)
    await _END_SESSION.run(work.connection, of_hash=instead_of)
    values = (row.hash, row.name, row.kind, row.began_at, row.seen_at, row.ends_at, row.origin)
    await _ADD_SESSION.many(work.connection, [values])


async def see_session(work: Transaction, hash_: str) -> None:
    await _SEEN.run(work.connection, now=work.at_ms, of_hash=hash_)


async def end_session(work: Transaction, hash_: str, act: NewAct) -> None:
    if await _END_SESSION.run(work.connection, of_hash=hash_):
        work.audit(act)


async def invite(work: Transaction, row: InvitationRow) -> None:
    """A named user's earlier links end; those for the first user stand beside each other (nodes start at
    once)."""
    if row.name:
        await _END_INVITATIONS.run(work.connection, of_name=row.name)
    await _ADD_INVITATION.many(work.connection, [(row.hash, row.name, row.made_at, row.ends_at)])


async def find_invitation(connection: Connection, hash_: str) -> InvitationRow | None:
    found = await _INVITATION.rows(connection, of_hash=hash_)
    return InvitationRow(*found[0]) if found else None


async def take_up(
    work: Transaction, hash_: str, make: Callable[[UserRow | None], UserRow], act: NewAct
) -> bool:
    """Once: the invited user as `make` makes it of the one that is there, with the link's name or, for the
    first user, the name that it chose. False where the link is used, over or void."""
    seen = await find_invitation(work.connection, hash_)
    if seen is None:
        return False
    await work.connection.lock("user", {("",), (seen.name,)})
    link = await find_invitation(work.connection, hash_)
    if link is None or link.ends_at <= work.at_ms:
        return False
    row = await find_user(work.connection, link.name)
    if (link.name and row is None) or (not link.name and await users(work.connection)):
        return False
    await _END_INVITATIONS.run(work.connection, of_name=link.name)
    made = make(row)
    await _PUT_USER.many(work.connection, [_user_values(made)])
    await _END_SESSIONS.run(work.connection, of_name=made.name, but="")
    work.audit(act)
    return True


def _user_row(row: Sequence[Any]) -> UserRow:
    name, title, roles, authorities, divisions, kinds, state, password, totp, new, step, recovery, *rest = row
    scope = Scope(*(tuple(orjson.loads(part)) for part in (authorities, divisions, kinds)))
    return UserRow(
        name, title, tuple(orjson.loads(roles)), scope, state, password, totp, new, step,
        tuple(orjson.loads(recovery)), *rest,
    )  # fmt: skip


def _user_values(row: UserRow) -> Sequence[Any]:
    scope = row.scope
    return (
        row.name, row.title, text_of(row.roles), text_of(scope.authorities), text_of(scope.divisions),
        text_of(scope.project_kinds), row.state, row.password, row.totp, row.totp_new, row.totp_step,
        text_of(row.recovery), row.failures, row.refused_until, row.created_at, row.password_at,
        row.signed_in_at,
    )  # fmt: skip
