"""Users, sessions and the audit, on either database: a part of EngineStore."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from gateway.store import accounts, audit, tokens
from gateway.store.accountrows import (
    COMMAND_LINE,
    ActRow,
    AuditCheck,
    AuditFilter,
    InvitationRow,
    NewAct,
    SavedFilter,
    SessionRow,
    TokenRow,
    UserRow,
)
from gateway.store.statements import Connection
from gateway.store.transaction import Transaction

Result = TypeVar("Result")


class AccountsEngine:
    """Promises as in `Accounted`."""

    def _do(self, act: Callable[[Transaction], Coroutine[Any, Any, Any]]) -> asyncio.Future[Any]:
        raise NotImplementedError

    @property
    def _reader(self) -> Connection:
        raise NotImplementedError

    async def user(self, name: str) -> UserRow | None:
        return await accounts.find_user(self._reader, name)

    async def users(self) -> Sequence[UserRow]:
        return await accounts.users(self._reader)

    async def add_user(self, row: UserRow, act: NewAct) -> bool:
        added: bool = await self._do(lambda work: accounts.add_user(work, row, act))
        return added

    async def change_user(
        self,
        name: str,
        change: Callable[[UserRow, int], accounts.Changed[Result]],
        *,
        ends: bool = False,
        but: str = "",
    ) -> Result:
        result: Result = await self._do(
            lambda work: accounts.change_user(work, name, change, but=but, ends=ends)
        )
        return result

    async def session(self, hash: str) -> SessionRow | None:
        return await accounts.find_session(self._reader, hash)

    async def start_session(self, row: SessionRow, idle_ms: int, *, instead_of: str = "") -> None:
        await self._do(lambda work: accounts.start_session(work, row, idle_ms, instead_of))

    async def see_session(self, hash: str) -> None:
        await self._do(lambda work: accounts.see_session(work, hash))

    async def end_session(self, hash: str, act: NewAct) -> None:
        await self._do(lambda work: accounts.end_session(work, hash, act))

    async def invite(self, row: InvitationRow) -> None:
        await self._do(lambda work: accounts.invite(work, row))

    async def invitation(self, hash: str) -> InvitationRow | None:
        return await accounts.find_invitation(self._reader, hash)

    async def take_up(self, hash: str, make: Callable[[UserRow | None], UserRow], act: NewAct) -> bool:
        taken: bool = await self._do(lambda work: accounts.take_up(work, hash, make, act))
        return taken

    async def add_token(self, row: TokenRow, act: NewAct) -> None:
        await self._do(lambda work: tokens.add_token(work, row, act))

    async def token(self, hash: str) -> TokenRow | None:
        return await tokens.find_token(self._reader, hash)

    async def tokens(self) -> Sequence[TokenRow]:
        return await tokens.tokens(self._reader)

    async def use_token(self, hash: str) -> None:
        await self._do(lambda work: tokens.use_token(work, hash))

    async def end_token(self, hash: str, act: NewAct) -> bool:
        ended: bool = await self._do(lambda work: tokens.end_token(work, hash, act))
        return ended

    async def save_filter(self, row: SavedFilter, most: int) -> bool:
        saved: bool = await self._do(lambda work: tokens.save_filter(work, row, most))
        return saved

    async def filters(self, name: str) -> Sequence[SavedFilter]:
        return await tokens.filters(self._reader, name)

    async def drop_filter(self, name: str, title: str) -> None:
        await self._do(lambda work: tokens.drop_filter(work, name, title))

    async def note_act(
        self,
        actor: str,
        act: str,
        subject: str,
        reason: str,
        detail: Mapping[str, Any],
        *,
        origin: str = COMMAND_LINE,
    ) -> None:
        async def note(work: Transaction) -> None:
            work.audit(NewAct(actor, act, subject, reason, detail, origin))

        await self._do(note)

    async def note_once(self, act: NewAct) -> None:
        await self._do(lambda work: accounts.note_once(work, act))

    async def acts(self, limit: int = 100, subject: str = "") -> Sequence[ActRow]:
        return await self.find_acts(AuditFilter(subject=subject, limit=limit))

    async def find_acts(self, wanted: AuditFilter) -> Sequence[ActRow]:
        return await audit.find_acts(self._reader, wanted)

    async def check_audit(self) -> AuditCheck:
        return await audit.check(self._reader)
