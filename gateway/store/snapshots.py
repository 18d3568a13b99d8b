"""A consistent copy of the whole database while the gateway writes on, and the way back from it.

SQLite: the online backup API, all pages in one step, so that it is one state of the file; readers of a WAL are in
nobody's way. PostgreSQL: COPY of every table inside one REPEATABLE READ transaction, as its own tool does, but
without that tool: it must be on the machine and not older than the server, and its dump would not know our revision.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError
from gateway.merkle import Frontier
from gateway.store.contract import StoreUnavailable
from gateway.store.opening import connect
from gateway.store.rows import split_hashes

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASE = "gateway.db"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
HEADS = "SELECT log_id, size, frontier FROM evidence_log ORDER BY log_id"


class NotRestored(GatewayError):
    """Nothing usable was put in place; the text says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far an evidence log had come: its size and its root in hex."""

    log_id: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`revision` of the schema; `rows` by table; `parts`: the months that had parts of their own; `columns` and
    `sequences` are PostgreSQL's."""

    store: str
    revision: str
    rows: Mapping[str, int]
    heads: tuple[Head, ...]
    files: tuple[str, ...]
    parts: tuple[str, ...] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)


def heads_of(rows: Iterable[Sequence[Any]]) -> tuple[Head, ...]:
    return tuple(
        Head(log_id, size, Frontier(size, split_hashes(bytes(frontier))).root.hex())
        for log_id, size, frontier in rows
    )


def copy_sqlite(path: Path, folder: Path) -> Snapshot:
    """Into `folder`/gateway.db, as one file without a WAL. FileNotFoundError, NotRestored where it is damaged,
    StoreUnavailable, OSError."""
    if not path.exists():
        raise FileNotFoundError(f"there is no database at {path}")
    target = folder / DATABASE
    source, copy = connect(path, read_only=True), sqlite3.connect(target, isolation_level=None)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        return look_into(copy)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database could not be copied: {error}") from error
    finally:
        source.close()
        copy.close()
        sync_file(target)


def look_into(connection: sqlite3.Connection) -> Snapshot:
    """What a database file holds. NotRestored where its pages do not fit together."""
    sound = connection.execute("PRAGMA quick_check").fetchone()[0]
    if sound != "ok":
        raise NotRestored(f"the database is damaged: {sound}")
    revision = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    names = [name for (name,) in connection.execute(_TABLES)]
    rows = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    return Snapshot(SQLITE, revision, rows, heads_of(connection.execute(HEADS)), (DATABASE,))


def place_sqlite(folder: Path, draft: Path) -> Snapshot:
    """The copy as a file of its own at `draft`, durable; what it holds. NotRestored, OSError."""
    with (folder / DATABASE).open("rb") as source, draft.open("xb") as target:
        while block := source.read(1024 * 1024):
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    connection = sqlite3.connect(draft, isolation_level=None)
    try:
        return look_into(connection)
    except sqlite3.Error as error:
        raise NotRestored(f"the copy is no database of a gateway: {error}") from error
    finally:
        connection.close()


def sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
