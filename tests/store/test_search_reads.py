"""What a page of the log reads: of no question does it grow with a sender's, a type's or the whole log.

Counted is what the database does, not how long it takes: steps of SQLite's machine, and the rows that PostgreSQL's
scans give or throw away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import clock
from gateway.bench.searching import fill_for_search, questions
from gateway.store import open_store, searching
from gateway.store.contract import MessageFilter
from gateway.store.postgres_connection import PostgresReader
from gateway.store.postgres_forms import form_of
from gateway.store.searching import search_page
from gateway.store.sqlite_connection import SqliteConnection
from gateway.store.statements import Statement
from tests.postgres import new_database, the_server
from tests.store.test_migrating import run_raw

ROOT = Path(__file__).parents[2]
ROWS, EVERY_MS = 4000, 4000
_TICK = 50
# So few rows PostgreSQL would rather read all at once; what counts is what leads where they are many.
_OF_LARGE_TABLES = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
# A page after a look at 128, with all that is asked of each: of 4,000 rows it would be 40,000 and more, and 4,000.
MOST_STEPS, MOST_ROWS = 15_000, 1_000


@dataclass(slots=True)
class OnSqlite:
    """Reads as `inner` does. `count`: steps so far."""

    inner: SqliteConnection
    count: int = 0
    errors: tuple[type[Exception], ...] = ()
    alone: bool = True

    async def rows(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
        self.inner.raw.set_progress_handler(self._tick, _TICK)
        try:
            return await self.inner.rows(statement, given)
        finally:
            self.inner.raw.set_progress_handler(None, 0)

    def _tick(self) -> int:
        self.count += _TICK
        return 0


@dataclass(slots=True)
class OnPostgres:
    """Reads as `inner` does. `count`: rows that were looked at so far."""

    inner: PostgresReader
    count: int = 0
    errors: tuple[type[Exception], ...] = ()
    alone: bool = False

    async def rows(self, statement: Statement, given: Mapping[str, Any]) -> list[Any]:
        form = form_of(statement)
        said = await self.inner.raw.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {form.sql}", *form.values(given)
        )
        self.count += _rows_of(orjson.loads(said)[0]["Plan"])
        return await self.inner.rows(statement, given)


def _rows_of(plan: Mapping[str, Any]) -> int:
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    own = (plan["Actual Rows"] + thrown) * plan["Actual Loops"] if "Scan" in plan["Node Type"] else 0
    return round(own + sum(_rows_of(below) for below in plan.get("Plans", ())))


def asked(began_ms: int, named: str) -> dict[str, MessageFilter]:
    """The benchmark's questions, and what leads elsewhere than the first condition says. `named`: an id in the middle."""
    more: dict[str, dict[str, Any]] = {
        "a name, and its sender": {"text": named, "sender": "GGZY-JSGC"},
        "a name, its sender and its type": {"text": named, "sender": "GGZY-JSGC", "type": "2002"},
        "a name, and its state": {"id": named, "state": "delivered"},
        "an application, and its type": {"application": "SQ-100", "type": "2002"},
        "an absent application, and a sender": {"application": "SQ-none", "sender": "GGZY-JSGC"},
        "a code, and a sender": {"code": "receiver.30001", "sender": "GGZY-JSGC", "type": "2002"},
        "stuck, and a type": {"state": "stuck", "type": "2002", "sender": "GGZY-JSGC"},
        "stuck, and a receiver": {"state": "stuck", "receiver": "GGZY-ZPT"},
        "stuck, and a receiver that got nothing": {"state": "stuck", "receiver": "GGZY-ZFCG"},
        "a state that none is in": {"state": "answered", "type": "2002", "sender": "GGZY-JSGC"},
    }
    for name, wanted in list(more.items()):
        more[f"{name}, below"] = {**wanted, "before": named}
    return questions(began_ms, ROWS) | {name: MessageFilter(**wanted) for name, wanted in more.items()}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_no_question_reads_a_whole_log(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (
        f"sqlite:///{tmp_path / 'gateway.db'}"
        if kind == "sqlite"
        else await new_database(the_server(), "reads")
    )
    began_ms = clock.now_ms() - ROWS * EVERY_MS - 60_000
    await fill_for_search(ROOT, url, tmp_path, ROWS, began_ms)
    if kind == "postgres":
        await run_raw(url, tuple(f"ALTER DATABASE reads SET {one} = off" for one in _OF_LARGE_TABLES))
    store = open_store(url, tmp_path)
    await store.open()
    try:
        while await store.index_words():
            pass
        half = MessageFilter(type="2002", sender="GGZY-JSGC", until=began_ms + ROWS * EVERY_MS // 2)
        middle = (await store.search(half))[0]
        reader: Any = store._reader  # type: ignore[attr-defined]
        most = MOST_STEPS if kind == "sqlite" else MOST_ROWS
        read: dict[str, int] = {}

        async def count(name: str, wanted: MessageFilter) -> int:
            """How many messages were found."""
            counted = OnSqlite(reader) if kind == "sqlite" else OnPostgres(reader)
            page = await search_page(counted, store._word_index, wanted)  # type: ignore[arg-type,attr-defined]
            read[name] = counted.count
            return len(page.rows)

        for name, wanted in asked(began_ms, middle.id).items():
            await count(name, wanted)
        # A platform that is away: nearly all that is there failed in the same way.
        monkeypatch.setattr(searching, "_MOST_FAILED", 100)
        await run_raw(url, ("UPDATE delivery SET last_code = 'delivery.away'",))
        for name, before in (("all failed", ""), ("all failed, below", middle.id)):
            wanted = MessageFilter(code="delivery.away", receiver="GGZY-ZPT", before=before)
            assert await count(name, wanted) == 50
    finally:
        await store.close()
    assert {name: count for name, count in read.items() if count > most} == {}
