"""The one writer of a process on SQLite: one transaction, one fsync, one at a time.

The statements of a batch run on the event loop's own thread, in one go; the writer's thread does what
waits for the disk: COMMIT with its fsync, and the lock where another process holds it. Measured on
CPython 3.11: sqlite3 gives the GIL away at each step of a statement, and a thread that gives it away
beside a busy event loop gets it back late (11 messages a second against 3,000, 16 in flight); so the
thread must need it seldom, twice a batch.

Writers of several processes take turns by `flock` on a side file around BEGIN IMMEDIATE … COMMIT
(DESIGN.md section 7); readers are never in anybody's way (WAL).
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.failpoints import reach_each
from gateway.store.contract import StoreUnavailable
from gateway.store.gathering import Batch, GroupWriter, Unit

_LOCK_WAIT_MS = 30_000
_log = logging.getLogger("gateway.store")


class SqliteWriter(GroupWriter):
    """`run` executes the units on the open transaction and says what came of each; where it raises, the
    batch is rolled back and its units are run again one by one."""

    def __init__(
        self, connection: sqlite3.Connection, lock_path: Path, run: Callable[[Sequence[Unit]], Batch]
    ):
        super().__init__()
        self._connection = connection
        self._run = run
        self._lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._jobs: queue.SimpleQueue[Callable[[], Callable[[], None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Writes what waits, then ends the thread."""
        await super().close()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        os.close(self._lock)

    # on the event loop
    def _begin(self) -> None:
        if not self._waiting:
            self._rest()
            return
        try:
            if self._try_lock():
                self._execute()
            else:
                self._jobs.put(self._wait_for_lock)
        except sqlite3.Error as error:
            self._unlock()
            self._fail(self._take(), error)

    def _execute(self) -> None:
        """Runs the next units on the open transaction and hands the commit to the thread."""
        units = self._take()
        before = self._connection.total_changes
        try:
            batch = self._run(units)
        except Exception as error:  # noqa: BLE001 - told to its unit when it is run alone
            self._undo()
            self._unlock()
            self._repeat(units, error)
            return
        if self._connection.total_changes != before:
            self._jobs.put(lambda: self._commit(batch))
            return
        # Nothing was written: nothing waits for the disk.
        try:
            self._connection.commit()
        except sqlite3.Error as error:
            self._undo()
            self._unlock()
            self._fail(units, error)
            return
        self._unlock()
        self._finish(batch)

    def _undo(self) -> None:
        """Trouble with that too is only told: it must not take the place of what the units are owed, and whoever
        begins next tries again."""
        try:
            self._connection.rollback()
        except sqlite3.Error as error:
            _log.error("not rolled back: %s", error)

    def _try_lock(self) -> bool:
        """Lock and transaction, if nobody else has them."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            self._open()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            self._unlock()
            return False
        return True

    def _open(self) -> None:
        """A transaction, after what is left of one that could not be rolled back."""
        if self._connection.in_transaction:
            self._connection.rollback()
        self._connection.execute("BEGIN IMMEDIATE")

    def _unlock(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _unavailable(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.OperationalError):
            unavailable = StoreUnavailable(f"the database did not take the write: {error}")
            unavailable.__cause__ = error
            return unavailable
        return error

    # on the writer's thread
    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            then = job()
            if self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(then)
            # The loop drops the batch where it was made; here it would be held until the next one.
            del job, then

    def _wait_for_lock(self) -> Callable[[], None]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            # A tool that knows nothing of the side file may hold the database all the same.
            self._connection.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_MS}")
            self._open()
        except sqlite3.Error as error:
            self._unlock()
            failed = error
            return lambda: self._fail(self._take(), failed)
        finally:
            # The loop's own tries must never wait.
            self._connection.execute("PRAGMA busy_timeout = 0")
        return self._execute

    def _commit(self, batch: Batch) -> Callable[[], None]:
        started_s = time.monotonic()
        kinds = {unit.kind for unit in batch.units}
        reach_each(kinds, "before-commit")
        try:
            self._connection.commit()
            self.measures.commit_s.add(time.monotonic() - started_s)
            reach_each(kinds, "after-commit")
        except sqlite3.Error as error:
            self._undo()
            failed = error
            return lambda: self._fail(batch.units, failed)
        finally:
            self._unlock()
        return lambda: self._finish(batch)
