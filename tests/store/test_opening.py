"""Opening, migrating, closing; what the writer does when the disk or another process is in the way."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from gateway.errors import ConfigError
from gateway.store import Store, case_tables, open_store, tables
from gateway.store.bootclock import SteadyClock, boot_s
from gateway.store.columns import metadata
from gateway.store.contract import StoreUnavailable
from gateway.store.gathering import MOST_WAITING
from gateway.store.migrate import migration_config
from gateway.store.migrations import HEAD
from tests.store.samples import accept_id, claim_one, ended, message, says, to

OpenStore = Callable[[], Store]


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
    asyncio.run(opened_and_closed(store))
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    assert tables.message.metadata is case_tables.contract.metadata
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    assert ScriptDirectory.from_config(migration_config()).get_current_head() == HEAD


_DIE_IN_MIGRATION = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from gateway.store.opening import prepare

left = int(sys.argv[2])

@event.listens_for(Engine, "after_cursor_execute")
def die(connection, cursor, statement, *rest):
    global left
    left -= not statement.lstrip().upper().startswith(("SELECT", "PRAGMA"))
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

path = Path(sys.argv[1])
prepare(path, path.with_suffix(".lock"))
"""


@pytest.mark.parametrize("statement", [2, 17, 48])
async def test_a_migration_that_is_killed_is_begun_again(tmp_path: Path, statement: int) -> None:
    path = tmp_path / "x.db"
    child = [sys.executable, "-c", _DIE_IN_MIGRATION, str(path), str(statement)]
    died = await asyncio.create_subprocess_exec(*child, cwd=Path(__file__).parents[2])
    assert await died.wait() == -signal.SIGKILL
    await opened_and_closed(open_store(f"sqlite:///{path}", tmp_path))


async def opened_and_closed(store: Store) -> None:
    await store.open()
    await store.close()


@pytest.mark.parametrize("url", ["postgresql://", "mysql://x", "sqlite://", "nonsense", "sqlite:///"])
def test_a_url_that_names_no_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sqlite:///FILE"):
        open_store(url, tmp_path)


async def test_a_durable_connection_is_wal_and_full(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
    await store.open()
    connection: sqlite3.Connection = store._write  # type: ignore[attr-defined]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    await store.close()


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
    await opened_and_closed(store)
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError, match="newer"):
        await store.open()


async def test_a_closed_store_says_so(make_store: OpenStore) -> None:
    store = make_store()
    with pytest.raises(StoreUnavailable):
        await store.accept(message("a"))
    with pytest.raises(StoreUnavailable):
        await store.counts()
    await store.open()
    waiting = [asyncio.ensure_future(store.accept(message(f"m{number}"))) for number in range(300)]
    await asyncio.sleep(0)
    await store.close()
    assert {outcome.kind for outcome in await asyncio.gather(*waiting)} == {"accepted"}
    with pytest.raises(StoreUnavailable):
        await store.accept(message("a"))
    await store.close()


async def test_a_caller_that_goes_away_does_not_stop_the_batch(store: Store) -> None:
    gone = asyncio.ensure_future(store.accept(message("gone")))
    stays = asyncio.ensure_future(store.accept(message("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).kind == "accepted"
    assert (await store.counts()).messages == 2  # what began is durable all the same


async def test_the_writer_waits_for_others_without_holding_the_loop(
    sqlite_only: None, store: Store, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    accepting = asyncio.ensure_future(store.accept(message("a")))
    started = time.monotonic()
    for _ in range(20):
        await asyncio.sleep(0.005)
    assert time.monotonic() - started < 1 and not accepting.done()
    threading.Thread(target=lambda: other.execute("COMMIT")).start()
    assert (await asyncio.wait_for(accepting, 10)).kind == "accepted"
    other.close()


async def test_the_queue_is_bounded_but_not_for_outcomes(
    sqlite_only: None, store: Store, tmp_path: Path
) -> None:
    await accept_id(store, message("before", judge=says(to())))
    claimed = await claim_one(store)
    other = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.ensure_future(store.accept(message(str(number)))) for number in range(MOST_WAITING)]
    await asyncio.sleep(0)
    assert store.is_busy()
    with pytest.raises(StoreUnavailable, match="too much waits"):
        await store.accept(message("one more"))
    with pytest.raises(StoreUnavailable, match="too much waits"):
        await store.use_nonce("GGZY-ZPT", "n", 1)
    recording = asyncio.ensure_future(store.record(ended(claimed)))
    await asyncio.sleep(0)
    other.execute("COMMIT")
    other.close()
    assert await recording and len(await asyncio.gather(*waiting)) == MOST_WAITING
    assert not store.is_busy() and (await store.counts()).messages == MOST_WAITING + 1


async def test_the_queue_is_bounded_by_size_too(store: Store) -> None:
    big = [message(f"{number}" + "x" * 12_000_000) for number in range(6)]
    results = await asyncio.gather(*map(store.accept, big), return_exceptions=True)
    assert [isinstance(one, StoreUnavailable) for one in results] == [False] * 5 + [True]
    assert not store.is_busy()
    assert (await store.accept(big[-1])).kind == "accepted"


async def test_a_full_disk_refuses_cleanly_and_passes(sqlite_only: None, store: Store) -> None:
    await accept_id(store, message("before"))
    connection: sqlite3.Connection = store._write  # type: ignore[attr-defined]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    big = [message("x" * 50_000 + str(number)) for number in range(4)]
    results = await asyncio.gather(*map(store.accept, big), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 4
    assert (await store.counts()).messages == 1
    connection.execute("PRAGMA max_page_count = 1000000")
    outcomes = await asyncio.gather(*map(store.accept, big))
    assert [outcome.kind for outcome in outcomes] == ["accepted"] * 4


async def test_large_messages_are_spread_over_batches(store: Store) -> None:
    big = [message(f"{number}" + "x" * 6_000_000) for number in range(6)]
    outcomes = await asyncio.gather(*map(store.accept, big))
    sizes = {outcome.message.place.size for outcome in outcomes if outcome.message and outcome.message.place}
    assert len(sizes) > 1


def test_the_steady_clock_reads_like_a_time_of_day_and_follows_the_boot_clock() -> None:
    clock = SteadyClock.started_now()
    assert abs(clock.now_ms() - time.time() * 1000) < 1000
    assert SteadyClock(clock.boot, 5).now_ms() - int(boot_s() * 1000) in (4, 5)


async def test_no_statement_of_the_hot_path_scans_a_table(sqlite_only: None, store: Store) -> None:
    from gateway.store import (
        accepting,
        claiming,
        grounding,
        keys,
        queries,
        receipts,
        recording,
        searching,
        settling,
        steering,
        stuck,
    )
    from gateway.store.statements import Statement

    connection: sqlite3.Connection = store._write  # type: ignore[attr-defined]
    scans = []
    small = {"tally", "receiver_pause", "receiver_health"}
    small |= {"refusal", "operator_act"}  # read backwards to a limit
    table = re.compile(rf"SCAN ({'|'.join(set(metadata.tables) - small)})( |$)(?!USING)")
    hot = (accepting, claiming, grounding, keys, queries, recording, searching, settling)
    for module in (*hot, receipts, steering, stuck):
        for name, found in vars(module).items():
            for statement in found if isinstance(found, tuple) else (found,):
                if not isinstance(statement, Statement):
                    continue
                values = ["[]" if given.isidentifier() else 0 for given in statement.names]
                for *_, plan in connection.execute("EXPLAIN QUERY PLAN " + statement.sql, values):
                    if table.match(plan):
                        scans.append(f"{module.__name__}.{name}: {plan}")
    assert scans == []
