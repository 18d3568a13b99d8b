"""Users for looking at a demo: one of each role, with random passwords that are printed once."""

from __future__ import annotations

import asyncio
import secrets

from gateway.accounts import Accounts, Asker
from gateway.cli.opened import opened_store
from gateway.console.texts import translate
from gateway.rights import DEPARTMENT, EVERYTHING, OPERATOR, ROLES, Scope
from gateway.settings import Settings

_IN_THIS_ORDER = sorted(ROLES, key=lambda role: role != OPERATOR)  # where one begins to look
_DEPARTMENTS_DIVISION = "310000"
Made = tuple[str, str, str]


async def make_demo_users(settings: Settings) -> list[Made]:
    """(name, title, password) of each; none where there are users already."""
    async with opened_store(settings) as store:
        if await store.users():
            return []
        accounts = Accounts(store)
        return list(await asyncio.gather(*(_make(accounts, role) for role in _IN_THIS_ORDER)))


async def _make(accounts: Accounts, role: str) -> Made:
    name, password = f"demo-{role}", secrets.token_urlsafe(12)
    title = f"演示{translate('zh', f'role.{role}')}"
    scope = Scope(divisions=(_DEPARTMENTS_DIVISION,)) if role == DEPARTMENT else EVERYTHING
    token = await accounts.add_user(name, title, (role,), scope, Asker("demo"), "made for the demo")
    await accounts.take_up(token, name, title, password, "demo")
    return name, title, password
