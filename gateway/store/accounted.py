"""The part of a store's contract that knows people: users, sessions, invitations, tokens, the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

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

Result = TypeVar("Result")


class Accounted(Protocol):
    """Writes are durable when the awaited call returns; what they say holds for all processes and nodes."""

    async def user(self, name: str) -> UserRow | None: ...
    async def users(self) -> Sequence[UserRow]: ...
    async def add_user(self, row: UserRow, act: NewAct) -> bool: ...  # False: the name is taken
    # `change` gets the row and the time in ms, and answers with the new row (None: no change), a result, and
    # the acts to be audited; all in one transaction under the user's lock. It is pure: it may run again.
    # `ends`: the user's sessions end with it, but for `but`; without one, its tokens too. LookupError.
    async def change_user(
        self,
        name: str,
        change: Callable[[UserRow, int], tuple[UserRow | None, Result, Sequence[NewAct]]],
        *,
        ends: bool = False,
        but: str = "",
    ) -> Result: ...

    # by the hashes of their tokens
    async def session(self, hash: str) -> SessionRow | None: ...
    async def start_session(self, row: SessionRow, idle_ms: int, *, instead_of: str = "") -> None: ...
    async def see_session(self, hash: str) -> None: ...
    async def end_session(self, hash: str, act: NewAct) -> None: ...
    async def invite(self, row: InvitationRow) -> None: ...
    async def invitation(self, hash: str) -> InvitationRow | None: ...
    # once; False: used, over, or void because there are users already
    async def take_up(self, hash: str, make: Callable[[UserRow | None], UserRow], act: NewAct) -> bool: ...

    # what scripts sign in with; one that ended is none
    async def add_token(self, row: TokenRow, act: NewAct) -> None: ...
    async def token(self, hash: str) -> TokenRow | None: ...
    async def tokens(self) -> Sequence[TokenRow]: ...  # by user
    async def use_token(self, hash: str) -> None: ...
    async def end_token(self, hash: str, act: NewAct) -> bool: ...  # False: there was none

    # searches of the log that a user keeps, by title. False: `most` others are kept already
    async def save_filter(self, row: SavedFilter, most: int) -> bool: ...
    async def filters(self, name: str) -> Sequence[SavedFilter]: ...
    async def drop_filter(self, name: str, title: str) -> None: ...

    # the audit: appended, never changed
    async def note_act(
        self,
        actor: str,
        act: str,
        subject: str,
        reason: str,
        detail: Mapping[str, Any],
        *,
        origin: str = COMMAND_LINE,
    ) -> None: ...
    async def note_once(
        self, act: NewAct
    ) -> None: ...  # not where the newest line of its subject says the same
    async def acts(self, limit: int = 100, subject: str = "") -> Sequence[ActRow]: ...
    async def find_acts(self, wanted: AuditFilter) -> Sequence[ActRow]: ...
    async def check_audit(self) -> AuditCheck: ...
