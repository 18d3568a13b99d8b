"""Group commit: what waits is written together, in one transaction, one fsync, one at a time.

The statements of a batch run on the event loop's own thread, in one go; the writer's thread does what
waits for the disk: COMMIT with its fsync, and the lock where another process holds it. Measured on
CPython 3.11: sqlite3 gives the GIL away at each step of a statement, and a thread that gives it away
beside a busy event loop gets it back late (11 messages a second against 3,000, 16 in flight); so the
thread must need it seldom, twice a batch. While a COMMIT is under way the next batch gathers.

Writers of several processes take turns by `flock` on a side file around BEGIN IMMEDIATE … COMMIT
(DESIGN.md section 7); readers are never in anybody's way (WAL).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.store.contract import StoreUnavailable

MOST_UNITS = 128
MOST_BYTES = 16 * 1024 * 1024
GATHER_S = 0.06
IDLE_TURN_S = 0.0002
# What may wait for the disk. Outcomes and claims always may: they are bounded by the workers, and free room.
MOST_WAITING, MOST_WAITING_BYTES = 2048, 96 * 1024 * 1024
_ALWAYS_TAKEN = frozenset({"record", "claim"})
_LOCK_WAIT_MS = 30_000


class Unit:
    """One thing to write. `kind` tells `run` what to do with `payload`; `size_bytes` bounds a batch."""

    __slots__ = ("future", "kind", "payload", "size_bytes")

    def __init__(self, kind: str, payload: Any, future: asyncio.Future[Any], size_bytes: int):
        self.kind = kind
        self.payload = payload
        self.future = future
        self.size_bytes = size_bytes


class Batch:
    """What `run` made of some units: a result or an exception each, and what to do once it is durable."""

    __slots__ = ("after", "results", "units")

    def __init__(self, units: Sequence[Unit], results: Sequence[Any], after: Callable[[], None]):
        self.units = units
        self.results = results
        self.after = after


class Writer:
    """The one writer of this process. `run` executes the units on the open transaction and says what came
    of each; where it raises, the batch is rolled back and its units are run again one by one."""

    def __init__(
        self, connection: sqlite3.Connection, lock_path: Path, run: Callable[[Sequence[Unit]], Batch]
    ):
        self._connection = connection
        self._run = run
        self._lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Unit] = deque()
        self._waiting_bytes = 0
        self._alone = 0  # units at the front that are run one by one
        self._busy = False
        self._turn_s = self._gather_until_s = 0.0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._jobs: queue.SimpleQueue[Callable[[], Callable[[], None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, kind: str, payload: Any, size_bytes: int = 0) -> asyncio.Future[Any]:
        """The future of one unit: done when what it wrote is durable. StoreUnavailable at once where too
        much waits already."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._closing:
            future.set_exception(StoreUnavailable("the store is closing"))
            return future
        if kind not in _ALWAYS_TAKEN and self.is_full:
            future.set_exception(StoreUnavailable("too much waits to be written"))
            return future
        self._waiting.append(Unit(kind, payload, future, size_bytes))
        self._waiting_bytes += size_bytes
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._gather_next()
        return future

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES

    async def close(self) -> None:
        """Writes what waits, then ends the thread."""
        self._closing = True
        await self._idle.wait()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        os.close(self._lock)

    # on the event loop
    def _gather_next(self) -> None:
        """Not at once: a batch has costs of its own, whatever it holds. It begins as soon as the loop has
        nothing else to do (a turn is over in no time), at the latest after GATHER_S: so a busy gateway writes
        large batches, and a message that is alone does not wait."""
        self._turn_s = now_s = time.monotonic()
        self._gather_until_s = now_s + GATHER_S
        self._loop.call_soon(self._gather)

    def _gather(self) -> None:
        now_s = time.monotonic()
        is_idle = now_s - self._turn_s < IDLE_TURN_S
        self._turn_s = now_s
        if is_idle or now_s >= self._gather_until_s or len(self._waiting) >= MOST_UNITS:
            self._begin()
        else:
            self._loop.call_soon(self._gather)

    def _begin(self) -> None:
        if not self._waiting:
            self._busy = False
            self._idle.set()
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
            self._connection.rollback()
            self._unlock()
            self._repeat(units, error)
            return
        if self._connection.total_changes == before:
            # Nothing was written: nothing waits for the disk.
            self._connection.commit()
            self._unlock()
            self._finish(batch, None)
            return
        self._jobs.put(lambda: self._commit(batch))

    def _take(self) -> list[Unit]:
        most = 1 if self._alone else MOST_UNITS
        self._alone = max(self._alone - 1, 0)
        units: list[Unit] = []
        size = 0
        while self._waiting and len(units) < most and (not units or size < MOST_BYTES):
            unit = self._waiting.popleft()
            size += unit.size_bytes
            units.append(unit)
        self._waiting_bytes -= size
        return units

    def _repeat(self, units: list[Unit], error: Exception) -> None:
        if len(units) == 1:
            self._fail(units, error)
            return
        self._waiting.extendleft(reversed(units))
        self._waiting_bytes += sum(unit.size_bytes for unit in units)
        self._alone += len(units)
        self._loop.call_soon(self._begin)

    def _fail(self, units: Sequence[Unit], error: Exception) -> None:
        for unit in units:
            _settle(unit, _unavailable(error))
        self._loop.call_soon(self._begin)

    def _finish(self, batch: Batch, error: Exception | None) -> None:
        """After the commit, on the loop. The next batch begins behind those whose wait ended now, so that
        what they write next can still come along."""
        if error is not None:
            self._fail(batch.units, error)
            return
        for unit, result in zip(batch.units, batch.results, strict=True):
            _settle(unit, result)
        self._gather_next()
        batch.after()

    def _try_lock(self) -> bool:
        """Lock and transaction, if nobody else has them."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            self._unlock()
            return False
        return True

    def _unlock(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    # on the writer's thread
    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            then = job()
            if self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(then)

    def _wait_for_lock(self) -> Callable[[], None]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            # A tool that knows nothing of the side file may hold the database all the same.
            self._connection.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_MS}")
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._unlock()
            failed = error
            return lambda: self._fail(self._take(), failed)
        finally:
            # The loop's own tries must never wait.
            self._connection.execute("PRAGMA busy_timeout = 0")
        return self._execute

    def _commit(self, batch: Batch) -> Callable[[], None]:
        try:
            self._connection.commit()
        except sqlite3.Error as error:
            self._connection.rollback()
            failed = error
            return lambda: self._finish(batch, failed)
        finally:
            self._unlock()
        return lambda: self._finish(batch, None)


def _settle(unit: Unit, result: Any) -> None:
    if unit.future.done():  # its caller went away
        return
    if isinstance(result, Exception):
        unit.future.set_exception(result)
    else:
        unit.future.set_result(result)


def _unavailable(error: Exception) -> Exception:
    """Trouble with the database itself may pass; anything else is our own fault and stays what it is."""
    if isinstance(error, sqlite3.OperationalError):
        unavailable = StoreUnavailable(f"the database did not take the write: {error}")
        unavailable.__cause__ = error
        return unavailable
    return error
