"""Migrations of databases that hold something already."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path

import asyncpg
import pytest

from gateway.store import Store, open_store
from gateway.store.contract import MessageFilter
from gateway.store.migrate import migrate_postgres
from gateway.store.migrations import HEAD
from tests.postgres import clean_database, new_database, the_server
from tests.store.conftest import OpenStore
from tests.store.samples import accept_id, claim_one, ended, message, new_log, says, to

_BEFORE_0011 = """
CREATE TABLE before (sender TEXT NOT NULL, idem_key TEXT NOT NULL, fingerprint TEXT NOT NULL, message_id TEXT NOT NULL,
    kind TEXT NOT NULL, outcome BLOB, PRIMARY KEY (sender, idem_key)) WITHOUT ROWID;
INSERT INTO before SELECT * FROM sender_key;
DROP TABLE sender_key;
ALTER TABLE before RENAME TO sender_key;
DROP TABLE console_token; -- later revisions make these again
DROP TABLE saved_filter;
ALTER TABLE attempt DROP COLUMN headers;
DROP INDEX ticket_expires_at;
UPDATE alembic_version SET version_num = '0010';
"""


async def test_keys_that_are_laid_out_anew_are_the_same_keys(
    sqlite_only: None, store: Store, tmp_path: Path, store_url: str
) -> None:
    first = message("a")
    accepted = await accept_id(store, first)
    await store.close()
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    rows = connection.execute("SELECT * FROM sender_key").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="rowid"):
        connection.executescript(_BEFORE_0011)
        connection.execute("SELECT rowid FROM sender_key")
    connection.close()
    again = open_store(store_url, tmp_path, evidence=new_log())
    await again.open()
    outcome = await again.accept(first)
    assert outcome.kind == "replayed" and outcome.message is not None and outcome.message.id == accepted
    await again.close()
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    assert connection.execute("SELECT * FROM sender_key").fetchall() == rows
    assert connection.execute("SELECT rowid FROM sender_key").fetchall() == [(1,)]
    connection.close()


_BEFORE_0017 = (
    "ALTER TABLE attempt DROP COLUMN headers",
    "DROP INDEX ticket_expires_at",
    "UPDATE alembic_version SET version_num = '0016'",
)


async def test_attempts_of_before_have_no_headers_and_new_ones_do(
    make_store: OpenStore, store: Store, store_url: str
) -> None:
    before = await accept_id(store, message("a", judge=says(to())))
    assert await store.record(ended(await claim_one(store)))
    ((kept,),) = [await store.attempts(one.id) for one in await store.deliveries(before)]
    await store.close()
    await run_raw(store_url, _BEFORE_0017)
    again = make_store()
    await again.open()
    ((found,),) = [await again.attempts(one.id) for one in await again.deliveries(before)]
    assert found == kept and found.headers == ""
    after = await accept_id(again, message("b", judge=says(to("CZ", "b"))))
    assert await again.record(ended(await claim_one(again), headers="{}"))
    ((new,),) = [await again.attempts(one.id) for one in await again.deliveries(after)]
    assert new.headers == "{}"
    await again.close()


_BEFORE_0015 = (
    *_BEFORE_0017[:2],
    "ALTER TABLE message_words DROP COLUMN form",
    "UPDATE alembic_version SET version_num = '0014'",
)
_OF_BEFORE = "NOT EXISTS (SELECT 1 FROM message_words WHERE message_words.seq = message.seq)"


async def index_as_before(link: asyncpg.Connection, low: int) -> None:
    """As the gateway of before indexed all that it saw above `low`, in terms of its own."""
    last = await link.fetchval(f"SELECT max(seq) FROM message WHERE seq > $1 AND {_OF_BEFORE}", low)
    await link.execute(
        "INSERT INTO message_words (seq, id, words) SELECT seq, id, 'before'::tsvector FROM message"
        f" WHERE seq > $1 AND {_OF_BEFORE} ON CONFLICT (seq) DO NOTHING",
        low,
    )
    await link.execute(
        "INSERT INTO note (name, value) VALUES ('words', $1)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        str(last),
    )


async def test_a_node_of_before_that_indexes_beside_the_migration_hides_no_message(tmp_path: Path) -> None:
    """It read before the migration up to where the index goes, and writes after it."""
    url = await clean_database(the_server())
    store = open_store(url, tmp_path, evidence=new_log())
    await store.open()
    for n in range(2):
        await accept_id(store, message(f"{n}", search="养护"))
    link = await asyncpg.connect(url)
    for one in _BEFORE_0015:
        await link.execute(one)
    await index_as_before(link, 0)
    low = int(await link.fetchval("SELECT value FROM note WHERE name = 'words'"))
    await accept_id(store, message("2", search="养护"))
    await store.close()
    await store.open()
    await index_as_before(link, low)
    assert len(await store.search(MessageFilter(text="养护"))) == 3
    assert await store.index_words() == 3
    await accept_id(store, message("3", search="养护"))
    await index_as_before(link, low)
    assert len(await store.search(MessageFilter(text="养护"))) == 4
    assert await store.index_words() == 1 and await store.index_words() == 0
    await link.execute("UPDATE note SET value = $1 WHERE name = 'words 2'", str(1 << 60))  # all is old enough
    assert len(await store.search(MessageFilter(text="养护"))) == 4
    await link.close()
    await store.close()


_WHAT_IS_LOCKED = (
    "CREATE TABLE locked (work bigint, tag text, name text)",
    "CREATE FUNCTION note_locked() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO locked SELECT txid_current(), tg_tag, relname FROM pg_locks JOIN pg_class ON oid = relation"
    " WHERE pid = pg_backend_pid() AND mode = 'AccessExclusiveLock' AND relkind IN ('r', 'p') AND NOT relispartition;"
    " INSERT INTO locked VALUES (txid_current(), tg_tag, ''); END $$",
    "CREATE EVENT TRIGGER locked ON ddl_command_end WHEN TAG IN ('CREATE INDEX', 'DROP INDEX', 'ALTER TABLE')"
    " EXECUTE FUNCTION note_locked()",
)


async def test_indexes_are_built_while_others_read_and_no_two_tables_are_locked_at_once() -> None:
    """A node of before that holds one of the two and waits for the other would end the migration."""
    url = await new_database(the_server(), "built")
    await migrate_postgres(url, "0013")
    await run_raw(url, _WHAT_IS_LOCKED)
    await migrate_postgres(url)
    link = await asyncpg.connect(url)
    rows = await link.fetch("SELECT DISTINCT work, tag, name FROM locked")
    revision = await link.fetchval("SELECT version_num FROM alembic_version")
    await link.close()
    assert revision == HEAD
    assert {row["name"] for row in rows if row["tag"] == "CREATE INDEX"} == {""}
    locked = defaultdict(set)
    for work, _, name in rows:
        locked[work].add(name)
    assert sorted(map(sorted, locked.values())) == [
        [""], [""], ["", "attempt"], ["", "message"], ["", "message_words"],
    ]  # fmt: skip


async def run_raw(url: str, statements: tuple[str, ...]) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(";".join(statements))
        connection.close()
        return
    link = await asyncpg.connect(url)
    for one in statements:
        await link.execute(one)
    await link.close()
