"""Signing in to the console, and what becomes of users: rules above, transactions of the store below.

A try is counted before the password is looked at, so that many at once, on any number of nodes, are no way
around the lock-out. Tokens are random and only their hashes are kept. Whoever is refused is not told why.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from gateway import clock
from gateway.errors import GatewayError
from gateway.hashing import Hashing
from gateway.rights import SECURITY, Scope, roles_fault
from gateway.security import passwords, totp
from gateway.store.accountrows import ACTIVE, FULL, INVITED, LOCKED, SECOND
from gateway.store.contract import COMMAND_LINE, InvitationRow, NewAct, SessionRow, Store, UserRow

log = structlog.get_logger("accounts")
Result = TypeVar("Result")
FREE_FAILURES = 5
_FIRST_DELAY_MS, _MOST_DELAY_MS = 30_000, 3_600_000
_SECOND_MS = 300_000
_SEEN_EVERY_MS = 30_000
INVITATION_MS = 24 * 3_600_000
_DELAYED = "refused for a while"
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_LONGEST_TITLE = 64


class SignInRefused(GatewayError):
    """The same words whatever the cause."""


class AccountFault(GatewayError):
    """What cannot be done with an account; `key` is a stable word (`password.short`)."""

    def __init__(self, key: str):
        self.key = key
        super().__init__(key)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lives without being used, and at all."""

    idle_ms: int = 30 * 60_000
    absolute_ms: int = 8 * 3_600_000


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and from where: for the audit."""

    name: str
    origin: str = COMMAND_LINE

    def did(self, act: str, subject: str = "", reason: str = "", **detail: object) -> NewAct:
        return NewAct(self.name, act, subject, reason, detail, self.origin)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def delay_ms(failures: int) -> int:
    """How long nothing is tried after so many failures in a row: none up to five, then 30 s and doubling, an
    hour at most."""
    over = failures - FREE_FAILURES
    return 0 if over < 0 else min(_FIRST_DELAY_MS << min(over, 20), _MOST_DELAY_MS)


class Accounts:
    """Over one store; nothing is remembered between two calls. What hashes raises TooManyHashes when it is too much."""

    def __init__(self, store: Store, limits: Limits | None = None):
        self.store = store
        self.limits = limits or Limits()
        self._hashing = Hashing()

    # signing in
    async def sign_in(self, name: str, password: str, origin: str, instead_of: str = "") -> tuple[str, str]:
        """A new session's token and kind: full, or second where the second factor is asked next. `instead_of`:
        the token that the browser had. SignInRefused."""
        name = name.strip().casefold()
        row = await self.store.user(name)
        tried = row is not None and await self.store.change_user(name, _count_try)
        kept = row.password if row is not None and tried else ""
        right = await self._hashing.do(origin, passwords.is_password, kept, password)
        if row is None or not tried or not right:
            await self._note_failure(row, name, origin, "password" if tried else _DELAYED)
            raise SignInRefused("name or password is wrong")
        if row.totp:
            await self.store.change_user(name, _take_back_try)
            return await self._start(name, SECOND, origin, instead_of), SECOND
        if passwords.is_outdated(row.password):
            renewed = await self._hashing.do(origin, passwords.hash_password, password)
            await self.store.change_user(name, lambda one, at: (replace(one, password=renewed), None, ()))
        return await self._enter(name, origin, instead_of, "password"), FULL

    async def second_factor(self, session: SessionRow, code: str, origin: str) -> str:
        """The full session's token, in place of the half one. SignInRefused: wrong, used before, or too many
        tries."""
        recovery, at_s = totp.recovery_hash(code), clock.now_ms() / 1000

        def use(row: UserRow, at: int) -> tuple[UserRow | None, str, Sequence[NewAct]]:
            counted = _counted(row, at)
            if counted is None or not row.totp:
                return None, "", ()
            step = totp.find_step(row.totp, code, at_s)
            if step is not None and step > row.totp_step:
                return replace(row, totp_step=step), "totp", ()
            if recovery in row.recovery:
                left = tuple(one for one in row.recovery if one != recovery)
                return replace(row, recovery=left), "recovery code", ()
            return counted, "", ()

        how = await self.store.change_user(session.name, use)
        if not how:
            await self._note_failure(
                await self.store.user(session.name), session.name, origin, "second factor"
            )
            raise SignInRefused("the code is wrong")
        return await self._enter(session.name, origin, session.hash, f"password, {how}", is_hash=True)

    async def _enter(
        self, name: str, origin: str, instead_of: str, how: str, *, is_hash: bool = False
    ) -> str:
        def enter(row: UserRow, at: int) -> tuple[UserRow | None, bool, Sequence[NewAct]]:
            if row.state != ACTIVE:
                return None, False, ()
            entered = replace(row, failures=0, refused_until=0, signed_in_at=at)
            return entered, True, (Asker(name, origin).did("sign in", name, by=how),)

        if not await self.store.change_user(name, enter):
            raise SignInRefused("locked")
        return await self._start(name, FULL, origin, instead_of, is_hash=is_hash)

    async def _start(
        self, name: str, kind: str, origin: str, instead_of: str, *, is_hash: bool = False
    ) -> str:
        token, now = secrets.token_urlsafe(32), clock.now_ms()
        lasts = self.limits.absolute_ms if kind == FULL else _SECOND_MS
        row = SessionRow(hash_token(token), name, kind, now, now, now + lasts, origin)
        old = instead_of if is_hash else hash_token(instead_of)
        await self.store.start_session(row, self.limits.idle_ms, instead_of=old)
        return token

    async def _note_failure(self, row: UserRow | None, name: str, origin: str, why: str) -> None:
        """In the audit where there is such a user; others would fill it with whatever is typed, and so would
        somebody who goes on through a delay: that is one line, however long it goes on."""
        log.warning("sign-in refused", user=name[:32] if row else "", origin=origin, why=why)
        if row is None:
            return
        act = Asker(name, origin).did("sign-in refused", name, at=why)
        if why == _DELAYED:
            await self.store.note_once(act)
        else:
            await self.store.note_act(name, act.act, name, "", act.detail, origin=origin)

    async def find(self, token: str, *, is_use: bool = True) -> tuple[UserRow, SessionRow] | None:
        """Whose session this is; None where it is none, over, or its user may not sign in. `is_use` False: that
        it is asked for keeps no session alive."""
        row = await self.store.session(hash_token(token)) if token else None
        now = clock.now_ms()
        if row is None or now >= row.ends_at or now >= row.seen_at + self.limits.idle_ms:
            return None
        user = await self.store.user(row.name)
        if user is None or user.state != ACTIVE:
            return None
        if is_use and now - row.seen_at >= _SEEN_EVERY_MS:
            await self.store.see_session(row.hash)
        return user, row

    async def sign_out(self, token: str, asker: Asker) -> None:
        await self.store.end_session(hash_token(token), asker.did("sign out", asker.name))

    # invitations
    async def invite_first(self) -> str:
        """The token of a link that makes the first user; "" where there are users."""
        return "" if await self.store.users() else await self._invite("")

    async def _invite(self, name: str) -> str:
        token, now = secrets.token_urlsafe(32), clock.now_ms()
        await self.store.invite(InvitationRow(hash_token(token), name, now, now + INVITATION_MS))
        return token

    async def invitation(self, token: str) -> InvitationRow | None:
        """None where it is used, over, or void."""
        row = await self.store.invitation(hash_token(token))
        if row is None or row.ends_at <= clock.now_ms() or (not row.name and await self.store.users()):
            return None
        return row

    async def take_up(self, token: str, name: str, title: str, password: str, origin: str) -> str:
        """The name of the user who may sign in now. For the first user, who becomes security administrator,
        `name` and `title` count. AccountFault."""
        row = await self.invitation(token)
        if row is None:
            raise AccountFault("invitation.void")
        own = row.name or _checked_name(name)
        fault = passwords.password_fault(password, own)
        if fault:
            raise AccountFault(fault)
        kept, now = await self._hashing.do(origin, passwords.hash_password, password), clock.now_ms()

        def make(known: UserRow | None) -> UserRow:
            one = known or UserRow(own, title.strip()[:_LONGEST_TITLE] or own, (SECURITY,), created_at=now)
            state = LOCKED if one.state == LOCKED else ACTIVE
            return replace(
                one, state=state, password=kept, password_at=now, totp="", totp_new="", recovery=(),
                failures=0, refused_until=0,
            )  # fmt: skip

        act = Asker(own, origin).did("set up", own, first=int(not row.name))
        if not await self.store.take_up(row.hash, make, act):
            raise AccountFault("invitation.void")
        return own

    # one's own account
    async def change_password(
        self, user: UserRow, session: SessionRow, old: str, new: str, origin: str
    ) -> None:
        """Ends the user's other sessions, and its tokens. AccountFault."""
        await self._confirm(user, old, origin)
        fault = passwords.password_fault(new, user.name) or ("password.same" if new == old else "")
        if fault:
            raise AccountFault(fault)
        kept = await self._hashing.do(origin, passwords.hash_password, new)
        act = Asker(user.name, origin).did("change password", user.name)
        await self.store.change_user(
            user.name,
            lambda row, at: (replace(row, password=kept, password_at=at), None, (act,)),
            ends=True,
            but=session.hash,
        )

    async def offer_totp(self, user: UserRow) -> str:
        """The secret to be confirmed: the one that was offered before, until it is."""
        fresh = totp.new_secret()

        def offer(row: UserRow, at: int) -> tuple[UserRow | None, str, Sequence[NewAct]]:
            return (None, row.totp_new, ()) if row.totp_new else (replace(row, totp_new=fresh), fresh, ())

        return await self.store.change_user(user.name, offer)

    async def confirm_totp(
        self, user: UserRow, session: SessionRow, password: str, code: str, origin: str
    ) -> list[str]:
        """From now on the offered secret counts; the recovery codes, shown once. Ends the user's other sessions,
        and its tokens. AccountFault."""
        await self._confirm(user, password, origin)
        codes = totp.new_recovery_codes()
        hashes, at_s = tuple(totp.recovery_hash(one) for one in codes), clock.now_ms() / 1000
        act = Asker(user.name, origin).did("enrol second factor", user.name)

        def confirm(row: UserRow, at: int) -> tuple[UserRow | None, bool, Sequence[NewAct]]:
            step = totp.find_step(row.totp_new, code, at_s) if row.totp_new else None
            if step is None:
                return None, False, ()
            enrolled = replace(row, totp=row.totp_new, totp_new="", totp_step=step, recovery=hashes)
            return enrolled, True, (act,)

        if not await self.store.change_user(user.name, confirm, ends=True, but=session.hash):
            raise AccountFault("totp.wrong")
        return codes

    async def _confirm(self, user: UserRow, password: str, origin: str) -> None:
        """Whoever sits at an open session still has to know the password; tries are counted here too."""
        tried = await self.store.change_user(user.name, _count_try)
        if not tried or not await self._hashing.do(origin, passwords.is_password, user.password, password):
            await self._note_failure(user, user.name, origin, "own account")
            raise AccountFault("password.wrong")
        await self.store.change_user(user.name, _take_back_try)

    # what the security administrator does
    async def add_user(
        self, name: str, title: str, roles: Sequence[str], scope: Scope, asker: Asker, reason: str
    ) -> str:
        """The token of the new user's link. AccountFault."""
        name = _checked_name(name)
        fault = roles_fault(roles, scope)
        if fault:
            raise AccountFault(fault)
        row = UserRow(
            name, title.strip()[:_LONGEST_TITLE] or name, tuple(sorted(set(roles))), scope,
            created_at=clock.now_ms(),
        )  # fmt: skip
        act = asker.did("add user", name, reason, roles=list(row.roles), **_told(scope))
        if not await self.store.add_user(row, act):
            raise AccountFault("name.taken")
        return await self._invite(name)

    async def set_roles(
        self, name: str, roles: Sequence[str], scope: Scope, asker: Asker, reason: str
    ) -> None:
        """Ends the user's sessions. AccountFault, LookupError."""
        fault = roles_fault(roles, scope)
        if fault:
            raise AccountFault(fault)
        await self._check_other(name, asker)
        given = tuple(sorted(set(roles)))

        def change(row: UserRow, at: int) -> tuple[UserRow | None, None, Sequence[NewAct]]:
            act = asker.did("set roles", name, reason, roles=list(given), was=list(row.roles), **_told(scope))
            return replace(row, roles=given, scope=scope), None, (act,)

        await self.store.change_user(name, change, ends=True)

    async def lock(self, name: str, asker: Asker, reason: str) -> None:
        """Ends the user's sessions. AccountFault, LookupError."""
        await self._check_other(name, asker)
        act = asker.did("lock user", name, reason)
        await self.store.change_user(
            name, lambda row, at: (replace(row, state=LOCKED), None, (act,)), ends=True
        )

    async def unlock(self, name: str, asker: Asker, reason: str) -> None:
        """Lifts a lock and the delay after failures. AccountFault, LookupError."""
        await self._check_other(name, asker)
        act = asker.did("unlock user", name, reason)

        def unlock(row: UserRow, at: int) -> tuple[UserRow | None, None, Sequence[NewAct]]:
            state = ACTIVE if row.password else INVITED
            return replace(row, state=state, failures=0, refused_until=0), None, (act,)

        await self.store.change_user(name, unlock)

    async def reset(self, name: str, asker: Asker, reason: str) -> str:
        """The token of a link to set a new password; the old one and the second factor end at once.
        AccountFault, LookupError."""
        await self._check_other(name, asker)
        act = asker.did("reset user", name, reason)

        def forget(row: UserRow, at: int) -> tuple[UserRow | None, None, Sequence[NewAct]]:
            state = LOCKED if row.state == LOCKED else INVITED
            emptied = replace(row, state=state, password="", totp="", totp_new="", recovery=())
            return emptied, None, (act,)

        await self.store.change_user(name, forget, ends=True)
        return await self._invite(name)

    async def _check_other(self, name: str, asker: Asker) -> None:
        """Nobody's own rights are for themselves to change; at the command line sits the machine's owner."""
        if name == asker.name and asker.origin != COMMAND_LINE:
            raise AccountFault("user.self")


def _counted(row: UserRow, at: int) -> UserRow | None:
    """The row with one more try; None where none may be made now."""
    if row.state != ACTIVE or row.refused_until > at:
        return None
    failures = row.failures + 1
    return replace(row, failures=failures, refused_until=at + delay_ms(failures))


def _count_try(row: UserRow, at: int) -> tuple[UserRow | None, bool, Sequence[NewAct]]:
    counted = _counted(row, at)
    return counted, counted is not None, ()


def _take_back_try(row: UserRow, at: int) -> tuple[UserRow | None, None, Sequence[NewAct]]:
    """It was right. What came before it stands until the second factor was right too."""
    return replace(row, failures=max(0, row.failures - 1), refused_until=0), None, ()


def _checked_name(name: str) -> str:
    low = name.strip().casefold()
    if not _NAME.fullmatch(low):
        raise AccountFault("name.form")
    return low


def _told(scope: Scope) -> dict[str, list[str]]:
    parts = {
        "authorities": scope.authorities,
        "divisions": scope.divisions,
        "project_kinds": scope.project_kinds,
    }
    return {name: list(values) for name, values in parts.items() if values}
