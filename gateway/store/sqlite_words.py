"""The index of words on SQLite: FTS5 in a file of its own, so that indexing takes no lock of the log's.

Tables of `PART` messages each; one goes as a whole when its messages were purged. Reads and writes run on a
thread of their own: a search does not hold up what is accepted.

The name of the file says the form of the terms: during an upgrade a process of before goes on in its own file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson

from gateway.store.contract import StoreUnavailable
from gateway.store.statements import as_given
from gateway.store.terms import Asked, in_fts5, terms_of
from gateway.store.wordindex import BATCH, Candidate

Result = TypeVar("Result")
_ENDING = "words-2"  # of the file's name; the number is the form of the terms
_ENDING_BEFORE = "words"
PART = 1 << 20
_WAIT_MS = 10_000
_CACHE_KIB = 4 * 1024  # what is hot is in the cache of the system
_MADE = """CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, id TEXT NOT NULL);
INSERT OR IGNORE INTO place VALUES (1, 0, '');
"""
# A batch is one row each time: sqlite3 gives the interpreter away at every step, and to get it back from a busy loop
# costs both threads more than the row does.
_FRESH = """SELECT json_group_array(json_array(seq, id, type, sender, application, amount_fen, search)) FROM
(SELECT seq, id, type, sender, application, amount_fen, search FROM log.message WHERE seq > ? ORDER BY seq LIMIT ?)"""
_RECEIVERS = """SELECT json_group_array(json_array(delivery.message_id, delivery.receiver)) FROM json_each(?) AS given
CROSS JOIN log.delivery AS delivery ON delivery.message_id = given.value"""
_INSERT = """INSERT INTO {table}(rowid, terms)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"""
_FIND = """SELECT message.seq, message.id, message.state, message.application, message.received_at, message.amount_fen,
message.search FROM {table} AS words CROSS JOIN log.message AS message ON message.seq = words.rowid
WHERE words.{table} MATCH ? AND words.rowid < ? AND words.rowid >= ? ORDER BY words.rowid DESC LIMIT ?"""


class SqliteWords:
    """`log` is the file of the message log, which is only read here."""

    without = ""

    def __init__(self, log: Path):
        self.path = _beside(log, _ENDING)
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="words")
        self._raw: sqlite3.Connection | None = None

    async def indexed_to(self) -> int:
        return await self._run(lambda raw: _place(raw)[0])

    async def find(self, asked: Asked, below: int, least: int, limit: int) -> Sequence[Candidate]:
        said = in_fts5(asked)
        return await self._run(lambda raw: _find(raw, said, below, least, limit))

    async def follow(self, most: int = BATCH) -> int:
        return await self._run(lambda raw: _follow(raw, most))

    async def close(self) -> None:
        if self._raw is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._raw.close)
            self._raw = None
        self._thread.shutdown()

    async def _run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """On the thread. StoreUnavailable where the file cannot be used."""

        def run() -> Result:
            if self._raw is None:
                self._raw = _open(self.path, self._log)
            return work(self._raw)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the index of words: {error}") from error


def _beside(log: Path, ending: str) -> Path:
    return log.with_name(f"{log.stem}-{ending}{log.suffix}")


def _open(path: Path, log: Path) -> sqlite3.Connection:
    before = _beside(log, _ENDING_BEFORE)
    for side in ("-wal", "-shm", ""):
        before.with_name(before.name + side).unlink(missing_ok=True)
    raw = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rwc", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(raw, log)
    except BaseException:
        raw.close()  # it is opened anew every two seconds: what stayed open would add up
        raise
    return raw


def _prepare(raw: sqlite3.Connection, log: Path) -> None:
    for name, value in (
        ("busy_timeout", _WAIT_MS), ("journal_mode", "WAL"), ("synchronous", "NORMAL"), ("cache_size", -_CACHE_KIB),
    ):  # fmt: skip
        raw.execute(f"PRAGMA {name} = {value}")
    raw.execute("ATTACH ? AS log", (f"{log.absolute().as_uri()}?mode=ro",))
    with _writing(raw):
        for statement in _MADE.split(";\n"):
            raw.execute(statement)


class _writing:
    """A transaction that is kept where nothing failed."""

    def __init__(self, raw: sqlite3.Connection):
        self._raw = raw

    def __enter__(self) -> None:
        self._raw.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._raw.execute("COMMIT" if kind is None else "ROLLBACK")


def _parts(raw: sqlite3.Connection) -> list[int]:
    """Newest first."""
    found = raw.execute(
        "SELECT name FROM main.sqlite_master WHERE name GLOB 'words_[0-9]*' AND sql LIKE 'CREATE VIRTUAL%'"
    )
    return sorted((int(name.removeprefix("words_")) for (name,) in found), reverse=True)


def _empty(raw: sqlite3.Connection) -> None:
    for part in _parts(raw):
        raw.execute(f"DROP TABLE words_{part}")
    raw.execute("UPDATE place SET seq = 0, id = ''")


def _place(raw: sqlite3.Connection) -> tuple[int, str]:
    seq, id_ = raw.execute("SELECT seq, id FROM place").fetchone()
    return seq, id_


def _find(raw: sqlite3.Connection, said: str, below: int, least: int, limit: int) -> list[Candidate]:
    found: list[Candidate] = []
    for part in _parts(raw):
        if part * PART >= below or (part + 1) * PART <= least or len(found) >= limit:
            continue
        rows = raw.execute(
            _FIND.format(table=f"words_{part}"), (said, below, least, limit - len(found))
        )  # fmt: skip
        found += [Candidate(*row) for row in rows]
    return found


def _follow(raw: sqlite3.Connection, most: int) -> int:
    seq, id_ = _place(raw)
    if raw.execute("SELECT 1 FROM log.message WHERE seq > ? LIMIT 1", (seq,)).fetchone() is None:
        if not _is_of_this_log(raw, seq, id_):
            with _writing(raw):
                _empty(raw)
            return _follow(raw, most)
        return 0
    with _writing(raw):
        seq, id_ = _place(raw)  # another worker may have been quicker
        if not _is_of_this_log(raw, seq, id_):
            _empty(raw)
            seq = 0
        rows = sorted(_list(raw, _FRESH, (seq, most)))
        if rows:
            _add(raw, rows)
            raw.execute("UPDATE place SET seq = ?, id = ?", rows[-1][:2])
        _drop_purged(raw)
    return len(rows)


def _is_of_this_log(raw: sqlite3.Connection, seq: int, id_: str) -> bool:
    """A log that was restored from a backup may hold other messages under the same numbers."""
    found = raw.execute("SELECT id FROM log.message WHERE seq = ?", (seq,)).fetchone()
    if found is not None or not seq:
        return not seq or found[0] == id_
    return bool(raw.execute("SELECT 1 FROM log.purged_message WHERE id = ?", (id_,)).fetchone())


def _add(raw: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
    receivers: dict[str, list[str]] = defaultdict(list)
    for message_id, receiver in _list(raw, _RECEIVERS, (as_given(row[1] for row in rows),)):
        receivers[message_id].append(receiver)
    by_part: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for seq, id_, type_, sender, application, fen, text in rows:
        terms = terms_of(type_, sender, application, fen, text, receivers.get(id_, ()))
        by_part[seq // PART].append((seq, " ".join(terms)))
    for part, documents in by_part.items():
        raw.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS words_{part} USING"
            " fts5(terms, content='', detail=none, columnsize=0, tokenize='ascii')"
        )
        raw.execute(_INSERT.format(table=f"words_{part}"), (as_given(documents),))


def _list(raw: sqlite3.Connection, asked: str, given: Sequence[Any]) -> list[Any]:
    found: list[Any] = orjson.loads(raw.execute(asked, given).fetchone()[0])
    return found


def _drop_purged(raw: sqlite3.Connection) -> None:
    """Parts all of whose messages are gone."""
    ((first,),) = raw.execute("SELECT coalesce(min(seq), 0) FROM log.message")
    for part in _parts(raw):
        if (part + 1) * PART <= first:
            raw.execute(f"DROP TABLE words_{part}")
