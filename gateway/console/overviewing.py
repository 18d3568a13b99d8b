"""What the overview shows, as data: how each platform stands, the last hour, what needs somebody's eye."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway import clock
from gateway.alarmrules import ACKNOWLEDGED, FIRING, SEVERITIES
from gateway.console.certificates import SOON_DAYS, Key, all_keys
from gateway.console.flow import MINUTES, Flow
from gateway.settings import Settings
from gateway.standing import Standing, standings
from gateway.store.contract import ErrorCount, Reconciliation, Store
from gateway.store.watchingrows import MINUTE_MS

_KEYS_EVERY_S = 60.0
_RECONCILIATIONS = 60  # the newest are looked through for the last one of each treasury


@dataclass(frozen=True, slots=True)
class PlatformView:
    """`state` and `since` as in `Standing`. `messages` it sent and `errors` (its messages refused, attempts at it
    that failed) are by minute, the current one last. Waits are in seconds, 0 if nothing waits."""

    id: str
    state: str
    since: int
    why: str
    waiting: int
    oldest_s: int
    stuck: int
    messages: tuple[int, ...]
    errors: tuple[int, ...]
    receipts_overdue: int
    receipts_lag_s: int


@dataclass(frozen=True, slots=True)
class Expiring:
    """A certificate that is over, unreadable (`fault`), or ends within 30 days."""

    node: str
    name: str
    until: str
    days_left: int
    fault: str


@dataclass(frozen=True, slots=True)
class OpenAlarms:
    """How many of a severity fire, and how many of them that are not over somebody has taken on."""

    severity: str
    firing: int
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Overview:
    """At `at` (ms). `alarms`: of each severity that has open ones, the gravest first; `reconciliations`: the last of
    each treasury."""

    at: int
    is_all_paused: bool
    platforms: tuple[PlatformView, ...]
    messages: tuple[int, ...]
    errors: tuple[int, ...]
    alarms: tuple[OpenAlarms, ...]
    expiring: tuple[Expiring, ...]
    reconciliations: tuple[Reconciliation, ...]

    @property
    def firing(self) -> int:
        return sum(one.firing for one in self.alarms)

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.platforms)

    @property
    def stuck(self) -> int:
        return sum(one.stuck for one in self.platforms)

    @property
    def receipts_overdue(self) -> int:
        return sum(one.receipts_overdue for one in self.platforms)

    def as_json(self) -> dict[str, Any]:
        """For machines: names as here."""
        totals = {"waiting": self.waiting, "stuck": self.stuck, "receipts_overdue": self.receipts_overdue}
        return asdict(self) | totals


class Overviewer:
    """One a process: it remembers what it counted."""

    def __init__(self, settings: Settings, store: Store):
        self.settings = settings
        self.store = store
        self._flow = Flow(store)
        self._keys: tuple[Expiring, ...] = ()
        self._keys_until_s = 0.0

    async def look(self) -> Overview:
        """StoreUnavailable."""
        now = clock.now_ms()
        rows, everybody = await standings(self.settings, self.store)
        messages = await self._flow.look(now)
        errors = by_minute(await self.store.errors(now // MINUTE_MS - MINUTES + 1), now // MINUTE_MS)
        oldest, lags = await self.store.oldest_ready(), await self.store.receipt_lags()
        nothing = (0,) * MINUTES

        def view(one: Standing) -> PlatformView:
            node = one.platform.id
            lag = lags.get(node)
            return PlatformView(
                node, one.state, one.since, one.why, one.waiting, _seconds(now, oldest.get(node, 0)), one.stuck,
                tuple(messages.get(node, nothing)), tuple(errors.get(node, nothing)),
                lag.count if lag else 0, _seconds(now, lag.since if lag else 0),
            )  # fmt: skip

        return Overview(
            now, everybody is not None, tuple(view(one) for one in rows), summed(messages.values()),
            summed(errors.values()), open_alarms(await self.store.alarm_counts()), await self._expiring(),
            last_of_each(await self.store.reconciliations(_RECONCILIATIONS)),
        )  # fmt: skip

    async def _expiring(self) -> tuple[Expiring, ...]:
        if time.monotonic() >= self._keys_until_s:
            found = await asyncio.to_thread(all_keys, self.settings)
            self._keys, self._keys_until_s = expiring(found), time.monotonic() + _KEYS_EVERY_S
        return self._keys


def _seconds(now: int, since: int) -> int:
    return max(0, now - since) // 1000 if since else 0


def by_minute(counts: Sequence[ErrorCount], last_minute: int) -> dict[str, list[int]]:
    """By node, of the last 60 minutes."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * MINUTES)
    for one in counts:
        place = one.minute - (last_minute - MINUTES + 1)
        if 0 <= place < MINUTES:
            found[one.node][place] += one.count
    return found


def summed(rows: Any) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True))) or (0,) * MINUTES


def open_alarms(counts: Mapping[tuple[str, ...], int]) -> tuple[OpenAlarms, ...]:
    """Of counts by (severity, state)."""
    found = [
        OpenAlarms(severity, counts.get((severity, FIRING), 0), counts.get((severity, ACKNOWLEDGED), 0))
        for severity in SEVERITIES
    ]
    return tuple(one for one in found if one.firing or one.acknowledged)


def expiring(keys: Mapping[str, Sequence[Key]]) -> tuple[Expiring, ...]:
    """The first to end comes first; what cannot be read before all."""
    found = [
        Expiring(node, one.name, one.until, one.days_left, one.fault)
        for node, rows in keys.items()
        for one in rows
        if one.fault or one.days_left < SOON_DAYS
    ]
    return tuple(sorted(found, key=lambda one: (not one.fault, one.days_left, one.node, one.name)))


def last_of_each(rows: Sequence[Reconciliation]) -> tuple[Reconciliation, ...]:
    """Of rows that stand newest first, the first of each treasury."""
    found: dict[str, Reconciliation] = {}
    for row in rows:
        found.setdefault(row.treasury, row)
    return tuple(found[name] for name in sorted(found))
