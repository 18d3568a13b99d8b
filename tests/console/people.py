"""Users who are signed in, without the slow way through a password."""

from __future__ import annotations

import secrets
from dataclasses import replace

from gateway import clock
from gateway.accounts import Asker, hash_token
from gateway.console.sessions import COOKIE
from gateway.rights import EVERYTHING, Scope
from gateway.store.accountrows import ACTIVE, FULL
from gateway.store.contract import SessionRow, Store, UserRow


async def cookie_of(store: Store, role: str, scope: Scope = EVERYTHING, **changes: object) -> dict[str, str]:
    """The cookie of a session of the user `a-ROLE` (or `name`), who is made where there is none."""
    name = str(changes.pop("name", f"a-{role}"))
    row = UserRow(name, f"{role} 用户", (role,), scope, ACTIVE, password="-", created_at=clock.now_ms())
    await store.add_user(replace(row, **changes), Asker("test").did("add user", name))  # type: ignore[arg-type]
    token, now = secrets.token_urlsafe(32), clock.now_ms()
    await store.start_session(
        SessionRow(hash_token(token), name, FULL, now, now, now + 3_600_000, "127.0.0.1"), 1_800_000
    )
    return {COOKIE: token}
