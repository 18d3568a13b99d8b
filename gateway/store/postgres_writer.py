"""A writer of a process on PostgreSQL: group commit over one connection, beside its siblings and other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.failpoints import reach_each
from gateway.store.contract import StoreUnavailable
from gateway.store.gathering import Batch, GroupWriter, Unit
from gateway.store.postgres_connection import PostgresConnection, Unreachable
from gateway.store.postgres_link import Link


class PostgresWriter(GroupWriter):
    """`run` executes the units on the open transaction and says what came of each; where it raises, the
    batch is rolled back and its units are run again one by one."""

    def __init__(self, link: Link, run: Callable[[PostgresConnection, Sequence[Unit]], Awaitable[Batch]]):
        super().__init__()
        self._link = link
        self._run = run
        self._writing: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        return self._link.is_away

    async def close(self) -> None:
        await super().close()
        await self._link.close()

    def _begin(self) -> None:
        if not self._waiting:
            self._rest()
            return
        self._writing = self._loop.create_task(self._write(self._take()))

    async def _write(self, units: list[Unit]) -> None:
        try:
            batch = await self._link.transaction(lambda connection: self._run_all(connection, units))
        except Unreachable as error:
            self._fail(units, error)
        except Exception as error:  # noqa: BLE001 - told to its unit when it is run alone
            self._repeat(units, error)
        else:
            self.measures.commit_s.add(self._link.commit_took_s)
            reach_each((unit.kind for unit in units), "after-commit")
            self._finish(batch)

    async def _run_all(self, connection: PostgresConnection, units: list[Unit]) -> Batch:
        batch = await self._run(connection, units)
        reach_each((unit.kind for unit in units), "before-commit")
        return batch

    def _unavailable(self, error: Exception) -> Exception:
        if isinstance(error, Unreachable):
            unavailable = StoreUnavailable(f"the database did not take the write: {error}")
            unavailable.__cause__ = error
            return unavailable
        return error
