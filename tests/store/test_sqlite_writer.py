"""The one writer on trouble: each unit is told what became of it, and the next ones are written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.store.contract import StoreUnavailable
from gateway.store.gathering import Batch, Unit
from gateway.store.sqlite_writer import SqliteWriter


class Troubled(sqlite3.Connection):
    """Fails each of these once, as a disk does."""

    fails: tuple[str, ...] = ()

    def commit(self) -> None:
        self._fail("commit")
        super().commit()

    def rollback(self) -> None:
        self._fail("rollback")
        super().rollback()

    def _fail(self, name: str) -> None:
        if name in self.fails:
            self.fails = tuple(one for one in self.fails if one != name)
            raise sqlite3.OperationalError(f"disk I/O error in {name}")


class Desk:
    """A table of texts and its writer; a text that is bad is refused, "" writes nothing."""

    def __init__(self, folder: Path):
        self.connection = sqlite3.connect(
            folder / "x.db", factory=Troubled, isolation_level=None, check_same_thread=False
        )
        self.connection.execute("CREATE TABLE note (text)")
        self.writer = SqliteWriter(self.connection, folder / "x.lock", self._run)

    def _run(self, units: Sequence[Unit]) -> Batch:
        for unit in units:
            if unit.payload == "bad":
                raise ValueError("bad")
            if unit.payload:
                self.connection.execute("INSERT INTO note VALUES (?)", (unit.payload,))
        return Batch(units, [unit.payload for unit in units], lambda: None)

    async def write(self, *texts: str) -> list[Any]:
        async with asyncio.timeout(5):
            units = [self.writer.submit("act", text) for text in texts]
            return await asyncio.gather(*units, return_exceptions=True)

    def written(self) -> list[str]:
        return [text for (text,) in self.connection.execute("SELECT text FROM note ORDER BY text")]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    one = Desk(tmp_path)
    yield one
    await asyncio.wait_for(one.writer.close(), 5)
    one.connection.close()


@pytest.mark.parametrize("fails", [("commit",), ("commit", "rollback")])
async def test_a_commit_that_fails_fails_its_own_units_and_no_others(
    desk: Desk, fails: tuple[str, ...]
) -> None:
    desk.connection.fails = fails
    first = await desk.write("a", "b")
    assert [type(one) for one in first] == [StoreUnavailable, StoreUnavailable]
    assert await desk.write("c") == ["c"] and desk.written() == ["c"]


async def test_a_batch_that_cannot_be_undone_at_once_is_still_run_one_by_one(desk: Desk) -> None:
    desk.connection.fails = ("rollback",)
    good, bad, other = await desk.write("a", "bad", "b")
    assert (good, other) == ("a", "b") and isinstance(bad, ValueError)
    assert desk.written() == ["a", "b"]


async def test_a_commit_of_nothing_that_fails_is_told_too(desk: Desk) -> None:
    desk.connection.fails = ("commit", "rollback")
    (told,) = await desk.write("")
    assert isinstance(told, StoreUnavailable)
    assert await desk.write("a") == ["a"]
