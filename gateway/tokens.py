"""Tokens with which scripts act for a user of the console: random, told once, only their hashes are kept."""

from __future__ import annotations

import secrets

from gateway import clock
from gateway.accounts import AccountFault, Asker, hash_token
from gateway.store.accountrows import ACTIVE, LOCKED
from gateway.store.contract import Store, TokenRow, UserRow

_DAY_MS = 86_400_000
_USED_EVERY_MS = 60_000
_LONGEST_PURPOSE = 64
MARK = "gwt_"  # so that one that leaked is told from other random texts


class Tokens:
    """Over one store; nothing is remembered between two calls."""

    def __init__(self, store: Store):
        self.store = store

    async def make(self, name: str, purpose: str, days: int, asker: Asker, reason: str) -> str:
        """The token, told this once, good for `days`. AccountFault where there is no such user, or it is locked."""
        row = await self.store.user(name.strip().casefold())
        if row is None or row.state == LOCKED:
            raise AccountFault("token.no-user")
        token, now = MARK + secrets.token_urlsafe(32), clock.now_ms()
        kept = TokenRow(hash_token(token), row.name, purpose[:_LONGEST_PURPOSE], now, now + days * _DAY_MS)
        act = asker.did("make token", row.name, reason, token=kept.id, purpose=kept.purpose, days=days)
        await self.store.add_token(kept, act)
        return token

    async def end(self, token_id: str, asker: Asker, reason: str) -> str:
        """Whose it was. AccountFault where no token, or more than one, has that id (any more)."""
        found = [one for one in await self.store.tokens() if one.id == token_id]
        if len(found) != 1:
            raise AccountFault("token.unknown")
        act = asker.did("end token", found[0].name, reason, token=token_id, purpose=found[0].purpose)
        if not await self.store.end_token(found[0].hash, act):
            raise AccountFault("token.unknown")
        return found[0].name

    async def of(self, name: str) -> list[TokenRow]:
        """Those of one user that are good now."""
        now = clock.now_ms()
        return [one for one in await self.store.tokens() if one.name == name and one.ends_at > now]

    async def find(self, token: str) -> UserRow | None:
        """Whose token this is; None where it is none, over, or its user may not sign in."""
        row = await self.store.token(hash_token(token)) if token else None
        now = clock.now_ms()
        if row is None or now >= row.ends_at:
            return None
        user = await self.store.user(row.name)
        if user is None or user.state != ACTIVE:
            return None
        if now - row.used_at >= _USED_EVERY_MS:
            await self.store.use_token(row.hash)
        return user
