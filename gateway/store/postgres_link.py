"""A lasting connection to PostgreSQL: made again where it broke, not more often than the backoff allows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import asyncpg

from gateway.store.postgres_connection import Broken, PostgresConnection, Unreachable, answered
from gateway.store.statements import Conflicted

Result = TypeVar("Result")
CONNECT_S = 5.0
COMMAND_S = 20.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0
_TRIES = 4
_AGAIN_S = 0.02
SETTINGS = {
    "application_name": "gateway",
    "jit": "off",
    # A node that was cut off in the middle must not keep its locks.
    "idle_in_transaction_session_timeout": "20000",
    "lock_timeout": "15000",
}


# For the writers, whose statements are the same all day and go by index, row by row: to plan them anew for
# every part of a table costs more than to run them.
WRITER_SETTINGS = {
    **SETTINGS,
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
}
# A plan that was made while a table was small reads it whole, and stays until the table is analysed.
_PLANS_GROW = 4
_PLANS_MOST = 4**8


async def connect(url: str, settings: Mapping[str, str] = SETTINGS) -> Any:
    """A connection of asyncpg, set up for the store. Unreachable where none can be made."""
    return await answered(
        asyncpg.connect(
            url, timeout=CONNECT_S, command_timeout=COMMAND_S, statement_cache_size=512,
            max_cached_statement_lifetime=0, server_settings=dict(settings),
        )
    )  # fmt: skip


async def close(raw: Any) -> None:
    """Ends a connection, by a word where it still hears one."""
    if raw is None or raw.is_closed():
        return
    try:
        await answered(raw.close(timeout=2.0))
    except (Unreachable, Broken):
        raw.terminate()


def _lasting(error: Conflicted) -> Exception:
    """What lasts is no race: a key that stays taken is a fault, locks that stay taken may pass."""
    return Broken(str(error)) if error.__cause__ is None else Unreachable(str(error))


class Link:
    """One connection, one transaction at a time."""

    def __init__(self, url: str):
        self._url = url
        self._raw: Any = None
        self._delay_s = 0.0
        self._not_before_s = 0.0
        self._done = self._plan_again_at = 0

    @property
    def is_away(self) -> bool:
        """Did it fail, and is it too early to try again?"""
        return asyncio.get_running_loop().time() < self._not_before_s

    async def transaction(self, work: Callable[[PostgresConnection], Awaitable[Result]]) -> Result:
        """What `work` makes of a transaction, once it is durable. It is called again where another process
        was quicker. Unreachable, Broken, or what `work` raises: then nothing was written, but for a
        connection that broke in the COMMIT, where nobody knows."""
        tries = 0
        while True:
            try:
                return await self._try(work)
            except Conflicted as error:
                tries += 1
                if tries >= _TRIES:
                    raise _lasting(error) from error
                await asyncio.sleep(random.uniform(0, _AGAIN_S * 2**tries))

    async def _try(self, work: Callable[[PostgresConnection], Awaitable[Result]]) -> Result:
        raw = await self._connected()
        try:
            await self._refresh_plans(raw)
            await answered(raw.execute("BEGIN"))
            result = await work(PostgresConnection(raw))
            await answered(raw.execute("COMMIT"))
        except Unreachable:
            self._drop()
            self._put_off()
            raise
        except BaseException:
            await self._roll_back()
            raise
        return result

    async def _refresh_plans(self, raw: Any) -> None:
        """Every now and then, less and less often: as the tables grow."""
        self._done += 1
        if self._done >= self._plan_again_at:
            self._plan_again_at = self._done + min(self._done * _PLANS_GROW, _PLANS_MOST)
            await answered(raw.execute("DISCARD PLANS"))

    async def _roll_back(self) -> None:
        try:
            await answered(self._raw.execute("ROLLBACK"))
        except Unreachable:
            self._drop()

    async def _connected(self) -> Any:
        if self._raw is not None and not self._raw.is_closed():
            return self._raw
        if self.is_away:
            raise Unreachable("the database is away; it is tried again soon")
        try:
            self._raw = await connect(self._url, WRITER_SETTINGS)
        except Unreachable:
            self._put_off()
            raise
        self._delay_s = 0.0
        self._done = self._plan_again_at = 0
        return self._raw

    def _put_off(self) -> None:
        self._delay_s = min(max(self._delay_s * 2, _FIRST_DELAY_S), _LONGEST_DELAY_S)
        self._not_before_s = asyncio.get_running_loop().time() + self._delay_s * random.uniform(0.75, 1.0)

    def _drop(self) -> None:
        if self._raw is not None:
            self._raw.terminate()
            self._raw = None

    async def close(self) -> None:
        raw, self._raw = self._raw, None
        await close(raw)
