"""Opening the database file: connections and their pragmas, migrations, what a new boot means."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import bindparam, text, update

from gateway.store import tables
from gateway.store.bootclock import SteadyClock
from gateway.store.migrations import HEAD
from gateway.store.notes import PUT_NOTE, find_note
from gateway.store.restored import END_LEASES
from gateway.store.sqlite_connection import SqliteConnection, finish_now
from gateway.store.statements import Statement

_STATEMENTS_KEPT = 256
_OPEN_S = 10
_CACHE_KIB = 16 * 1024
# Idempotency keys come in no order: beside a million messages each writes a page of their index of its own, twice (WAL and
# checkpoint). With pages of 8192 that makes a message 17 % dearer than beside ten thousand, with these 13 %, and a quarter
# less is written; a message that is alone fills larger pages better, which is less than 1 % of what it costs in all.
_PAGE_BYTES = 4096
_CHECKPOINT_PAGES = 4000
_JOURNAL_BYTES = 64 * 1024 * 1024
_LONGEST_DELAY_MS = 600_000
_BRING_FORWARD = Statement(
    update(tables.delivery)
    .values(due_at=bindparam("latest"))
    .where(text(tables.IS_READY), tables.delivery.c.due_at > bindparam("latest"))
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit: transactions are begun by hand. It may be used from several threads, one
    at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        timeout=_OPEN_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS_KEPT,
    )
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if not read_only:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        # Until here it waits for a sibling that recovers or ends the WAL; the loop's own tries must not.
        connection.execute("PRAGMA busy_timeout = 0")
    return connection


def prepare(path: Path, lock_path: Path) -> SteadyClock:
    """Under the writers' lock: WAL, migrations, and the clock that all processes of this boot share."""
    with _locked(lock_path):
        connection = connect(path)
        try:
            connection.execute("PRAGMA busy_timeout = 30000")
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise OSError(f"{path}: the file system does not allow WAL ({mode})")
            if _revision(connection) != HEAD:
                # Imported here: a database that is up to date starts without Alembic.
                from gateway.store.migrate import migrate_sqlite

                migrate_sqlite(path)
            return _shared_clock(connection)
        finally:
            connection.close()


@contextmanager
def _locked(lock_path: Path) -> Iterator[None]:
    handle = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _revision(connection: sqlite3.Connection) -> str:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return str(found[0]) if found else ""


def _shared_clock(connection: sqlite3.Connection) -> SteadyClock:
    """The clock of this boot. The first process after a boot sets it, ends the leases of the boot before
    (their workers are gone) and brings forward what a wrong wall clock would put off for long."""
    fresh = SteadyClock.started_now()
    door = SqliteConnection(connection)
    boot, _, base = finish_now(find_note(door, "boot")).partition(" ")
    if boot == fresh.boot:
        return SteadyClock(boot, int(base))
    connection.execute("BEGIN IMMEDIATE")
    finish_now(END_LEASES.run(door))
    finish_now(_BRING_FORWARD.run(door, latest=fresh.now_ms() + _LONGEST_DELAY_MS))
    finish_now(PUT_NOTE.many(door, [("boot", f"{fresh.boot} {fresh.base_ms}")]))
    connection.commit()
    return fresh
