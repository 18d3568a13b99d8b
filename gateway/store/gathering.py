"""Group commit, whatever the database: what waits is written together, one batch at a time.

A batch begins as soon as the loop has nothing else to do, at the latest after GATHER_S. While its COMMIT is
under way the next one gathers. What waits is bounded; outcomes and claims always may: they are bounded by
the workers, and free room.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from gateway.measures import WriterMeasures
from gateway.store.contract import StoreUnavailable

MOST_UNITS = 128
MOST_BYTES = 16 * 1024 * 1024
GATHER_S = 0.06
IDLE_TURN_S = 0.0002
MOST_WAITING, MOST_WAITING_BYTES = 2048, 96 * 1024 * 1024
_ALWAYS_TAKEN = frozenset({"record", "claim"})


class Unit:
    """One thing to write. `kind` tells what to do with `payload`; `size_bytes` bounds a batch."""

    __slots__ = ("future", "kind", "payload", "size_bytes")

    def __init__(self, kind: str, payload: Any, future: asyncio.Future[Any], size_bytes: int):
        self.kind = kind
        self.payload = payload
        self.future = future
        self.size_bytes = size_bytes


class Batch:
    """What came of some units: a result or an exception each, and what to do once it is durable."""

    __slots__ = ("after", "results", "units")

    def __init__(self, units: Sequence[Unit], results: Sequence[Any], after: Callable[[], None]):
        self.units = units
        self.results = results
        self.after = after


class GroupWriter:
    """Gathers units and begins batches, all on the event loop. A subclass writes them: `_begin` takes units
    (`_take`) and ends with `_finish`, `_fail`, or `_repeat` where the batch was undone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Unit] = deque()
        self._waiting_bytes = 0
        self._alone = 0  # units at the front that are run one by one
        self._busy = False
        self._turn_s = self._gather_until_s = 0.0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._began_s = 0.0
        self.measures = WriterMeasures()

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
        """Writes what waits."""
        self._closing = True
        await self._idle.wait()

    def _begin(self) -> None:
        """Writes the next units, or calls `_rest` where none wait."""
        raise NotImplementedError

    def _unavailable(self, error: Exception) -> Exception:
        """Trouble with the database itself may pass: StoreUnavailable. Anything else is our own fault and
        stays what it is."""
        raise NotImplementedError

    def _rest(self) -> None:
        self._busy = False
        self._idle.set()

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
        self._began_s = time.monotonic()
        return units

    def measured(self) -> WriterMeasures:
        """With what waits just now."""
        self.measures.waiting, self.measures.waiting_bytes = len(self._waiting), self._waiting_bytes
        return self.measures

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
            _settle(unit, self._unavailable(error))
        self._loop.call_soon(self._begin)

    def _finish(self, batch: Batch) -> None:
        """After the commit. The next batch begins behind those whose wait ended now, so that what they write
        next can still come along."""
        self.measures.batch_units.add(len(batch.units))
        self.measures.batch_s.add(time.monotonic() - self._began_s)
        for unit, result in zip(batch.units, batch.results, strict=True):
            _settle(unit, result)
        self._gather_next()
        batch.after()


def _settle(unit: Unit, result: Any) -> None:
    if unit.future.done():  # its caller went away
        return
    if isinstance(result, Exception):
        unit.future.set_exception(result)
    else:
        unit.future.set_result(result)
