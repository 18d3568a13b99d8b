"""When the gateway takes nothing more: told before any work is done, so that its memory never grows with the wait.

Looked at twice a second: the room on the disk and what waits for each receiver, which the store counts in every
transaction. A check is a comparison of a few attributes. What senders may do is divided by the number of processes.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from aiolimiter import AsyncLimiter

from gateway.errors import MessageError
from gateway.repeating import Repeating
from gateway.routing import Routes
from gateway.settings import Platform, Settings
from gateway.store.contract import Store, StoreUnavailable

log = structlog.get_logger("pressure")
LOOK_EVERY_S = 0.5
_WAITING = ("waiting", "ready", "leased")
_LONG_S = 15  # a backlog and a disk do not empty in a moment


def free_bytes(folder: Path) -> int:
    """What the disk of a folder still takes from a process that is not root's."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Pressure(Repeating):
    """One a process."""

    def __init__(
        self, settings: Settings, store: Store, routes: Routes, *, free: Callable[[Path], int] = free_bytes
    ):
        super().__init__(LOOK_EVERY_S)
        self.settings = settings
        self.store = store
        self.routes = routes
        self.full: frozenset[str] = frozenset()  # receivers with as much backlog as is allowed
        self.is_disk_low = False
        self._free = free
        self._held_bytes = 0
        self._under_way: Counter[str] = Counter()
        self._rates: dict[str, AsyncLimiter] = {}
        shares = settings.gateway.processes
        self._most = {
            node: max(1, platform.limits.concurrency // shares)
            for node, platform in settings.platforms.items()
        }
        for node, platform in settings.platforms.items():
            if platform.limits.rate_per_s:
                burst = max(1.0, platform.limits.burst / shares)
                self._rates[node] = AsyncLimiter(burst, burst * shares / platform.limits.rate_per_s)

    # looking
    async def look(self) -> None:
        """How things stand now. A store that is away tells it by itself."""
        low = self._free(self.settings.data_dir) < self.settings.gateway.min_free_bytes
        try:
            counts = (await self.store.counts()).by_receiver
        except StoreUnavailable:
            counts = None
        full = self.full
        if counts is not None:
            full = frozenset(
                node
                for node, platform in self.settings.platforms.items()
                if sum(counts.get(node, {}).get(state, 0) for state in _WAITING) >= platform.backlog
            )
        if (low, full) != (self.is_disk_low, self.full):
            log.warning("pressure", disk_low=low, full=sorted(full))
        self.is_disk_low, self.full = low, full

    # checking
    def check(self, number: str = "", sender: str = "") -> None:
        """MessageError (503) where nothing new is taken now; with a type, also where one of those who surely
        receive it has enough."""
        if self.store.is_busy():
            raise MessageError.busy("store.busy", retry_after_s=2)
        if self.is_disk_low:
            raise MessageError.busy("disk.low", retry_after_s=_LONG_S)
        if self.full and number:
            self.check_receivers(self.routes.certain(number, sender))

    def check_receivers(self, receivers: Iterable[str]) -> None:
        """MessageError (503) where one of them has enough."""
        if self.full and not self.full.isdisjoint(receivers):
            raise MessageError.busy("receiver.backlog", retry_after_s=_LONG_S)

    async def check_rate(self, platform: Platform) -> None:
        """MessageError (429) where the platform sends faster than it may. Each call counts."""
        limiter = self._rates.get(platform.id)
        if limiter is None:
            return
        if not limiter.has_capacity():
            raise MessageError.busy("limit.rate", retry_after_s=self._pause_s(platform))
        await limiter.acquire()  # there is room, so it is had at once

    def _pause_s(self, platform: Platform) -> int:
        return max(1, math.ceil(self.settings.gateway.processes / platform.limits.rate_per_s))

    @contextmanager
    def sending(self, platform: Platform) -> Iterator[None]:
        """Around the work on one message of an authenticated sender; MessageError (429) where it has enough
        under way."""
        node = platform.id
        if self._under_way[node] >= self._most[node]:
            raise MessageError.busy("limit.concurrency", retry_after_s=1)
        self._under_way[node] += 1
        try:
            yield
        finally:
            self._under_way[node] -= 1

    @contextmanager
    def holding(self, size_bytes: int | None, most_bytes: int) -> Iterator[None]:
        """Around the reading and taking of a body; one of unknown size counts as the largest."""
        size = most_bytes if size_bytes is None else min(size_bytes, most_bytes)
        if self._held_bytes and self._held_bytes + size > self.settings.gateway.max_held_bytes:
            raise MessageError.busy("gateway.crowded", retry_after_s=2)
        self._held_bytes += size
        try:
            yield
        finally:
            self._held_bytes -= size
