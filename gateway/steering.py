"""To whom may be sent now, and how much at once: pauses, maintenance windows, the breaker, the storm guard.

The breaker is a row a receiver, moved by guarded updates: it must be seen from outside, hold for all
processes, and let one of them alone make the probe. Between two looks at the store (a second) a process goes
by what it saw last. After a probe that succeeded the receiver's room grows from 1: one place more after each
full round of successes, so that a receiver that comes back is not flooded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from gateway import clock
from gateway.operating import find_window
from gateway.settings import Settings
from gateway.store.contract import ALL_RECEIVERS, HealthRow, Store, StoreUnavailable
from gateway.store.steeringrows import HALF_OPEN, OPEN, RECOVERING, SLOW, UP

log = structlog.get_logger("steering")
LOOK_EVERY_S = 1.0
_WEIGHT = 0.2  # of the newest answer in the average of how long answers take
_PROBE_MARGIN_S = 5.0
_CODE_CHARS, _TEXT_CHARS = 64, 300
_INFO, _WARNING = 20, 30  # of the log


@dataclass(slots=True)
class _Receiver:
    """What this process knows of a receiver. `room` 0: as much as is configured."""

    limit: int
    state: str = UP
    held_until_s: float = 0.0  # monotonic
    times: int = 0
    failures: int = 0  # in a row
    room: int = 0
    round: int = 0  # successes since the room grew last
    latency_s: float = 0.0
    probing: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A receiver goes from one of the `old` states to the new one."""

    receiver: str
    old: tuple[str, ...]
    new: str
    for_s: float = 0.0
    code: str = ""
    text: str = ""


class Steering:
    """One a process. `look` every second, `judge` with each attempt's outcome."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        now_s: Callable[[], float] = time.monotonic,
        moment: Callable[[], datetime] = clock.now,
    ):
        self.settings = settings
        self.store = store
        self.breaker = settings.gateway.breaker
        self._now_s, self._moment = now_s, moment
        self._seen_s = -math.inf
        self._held: frozenset[str] = frozenset()
        self._paused: frozenset[str] = frozenset()
        self._known = {
            node: _Receiver(platform.connector.concurrency) for node, platform in settings.platforms.items()
        }

    @property
    def held(self) -> frozenset[str]:
        """Receivers to whom nothing is sent now."""
        return self._held

    def room(self, node: str) -> int:
        """How many deliveries to it this process may have under way."""
        known = self._known[node]
        return min(known.room, known.limit) if known.room else known.limit

    async def look(self) -> None:
        """Reads pauses and health again where the last look is a second old; asks for the probe where a
        breaker's time is over and something waits."""
        now_s = self._now_s()
        if now_s - self._seen_s < LOOK_EVERY_S / 2:
            return
        self._seen_s = now_s
        for row in await self.store.health():
            if row.receiver in self._known:
                self._learn(self._known[row.receiver], row, now_s)
        for node, known in self._known.items():
            if known.state in (OPEN, HALF_OPEN) and not known.probing and known.held_until_s <= now_s:
                await self._try_probe(node, known)
        self._paused = frozenset(row.receiver for row in await self.store.pauses())
        self._hold()

    def _hold(self) -> None:
        moment = self._moment()
        self._held = frozenset(
            node for node, known in self._known.items() if self._is_held(node, known, moment)
        )

    def _is_held(self, node: str, known: _Receiver, moment: datetime) -> bool:
        if ALL_RECEIVERS in self._paused or node in self._paused:
            return True
        if known.state in (OPEN, HALF_OPEN) and not known.probing:
            return True
        windows = self.settings.platforms[node].maintenance
        return bool(windows) and find_window(windows, moment) is not None

    def _learn(self, known: _Receiver, row: HealthRow, now_s: float) -> None:
        """What another process found out, too."""
        if row.state in (RECOVERING, UP) and known.state in (OPEN, HALF_OPEN) and not known.probing:
            known.room, known.round, known.failures = 1, 0, 0
        if known.probing and (row.state != HALF_OPEN or row.probe_in_s <= 0):
            known.probing = False  # the turn is over, unused or lost
        if row.state in (OPEN, HALF_OPEN):
            known.held_until_s = now_s + row.probe_in_s
        if row.state != SLOW or known.state != UP:  # slow is what each process measures for itself
            known.state = row.state
        known.times = row.times

    async def _try_probe(self, node: str, known: _Receiver) -> None:
        waiting = (await self.store.counts()).by_receiver.get(node, {})
        if not waiting.get("ready", 0):
            return
        for_s = self.settings.platforms[node].connector.timeout_s + _PROBE_MARGIN_S
        row = await self.store.move_health(node, (OPEN, HALF_OPEN), HALF_OPEN, for_s=for_s, only_due=True)
        if row is not None:
            known.state, known.probing, known.room, known.failures = HALF_OPEN, True, 1, 0
            known.held_until_s = self._now_s() + for_s
            log.info("probe", receiver=node)

    def judge(
        self, node: str, reached: bool | None, latency_s: float, code: str, text: str, asked_s: float = 0.0
    ) -> Move | None:
        """What an attempt says of its receiver, at once for this process; the move that the others must be told
        (`tell`), if it is one. `reached` None: nothing (the fault was ours)."""
        known = self._known[node]
        if reached is None:
            return None
        if not reached:
            return self._failed(node, known, code[:_CODE_CHARS], text[:_TEXT_CHARS], asked_s)
        known.failures = 0
        known.latency_s += (latency_s - known.latency_s) * _WEIGHT
        if known.state == UP and not known.room and known.latency_s <= self._slow_s(node):
            return None
        return self._succeeded(node, known)

    def _failed(self, node: str, known: _Receiver, code: str, text: str, asked_s: float) -> Move | None:
        known.failures += 1
        if known.room:
            known.room, known.round = max(1, known.room // 2), 0
        if known.state == OPEN or (not known.probing and known.failures < self.breaker.failures):
            return None
        for_s = self.breaker.open_s(known.times + 1, asked_s)
        old = (HALF_OPEN,) if known.probing else (UP, SLOW, RECOVERING)
        known.state, known.probing, known.held_until_s = OPEN, False, self._now_s() + for_s
        self._hold()
        return Move(node, old, OPEN, for_s, code, text)

    def _succeeded(self, node: str, known: _Receiver) -> Move | None:
        if known.state in (OPEN, HALF_OPEN):
            # What was under way when it opened, or the probe: it answers again.
            known.state, known.probing, known.room, known.round = RECOVERING, False, 1, 0
            self._hold()
            return Move(node, (OPEN, HALF_OPEN), RECOVERING)
        if known.room:
            self._grow(known)
        old = known.state
        if old == RECOVERING and not known.room:
            known.state = UP
        elif old == UP and known.latency_s > self._slow_s(node):
            known.state = SLOW
        elif old == SLOW and known.latency_s < self._slow_s(node) / 2:
            known.state = UP
        return Move(node, (old,), known.state) if known.state != old else None

    def _grow(self, known: _Receiver) -> None:
        known.round += 1
        if known.round >= known.room:
            known.room, known.round = known.room + 1, 0
        if known.room >= known.limit:
            known.room = 0

    async def tell(self, move: Move) -> None:
        """Writes the move down for all processes; no word where another was first."""
        try:
            row = await self.store.move_health(
                move.receiver, move.old, move.new, for_s=move.for_s, code=move.code, text=move.text
            )
        except StoreUnavailable:  # the outcome itself is recorded; the next one tells as much
            log.warning("health not written", receiver=move.receiver)
            return
        if row is not None:
            self._known[move.receiver].times = row.times
            log.log(
                _WARNING if move.new == OPEN else _INFO, "receiver", receiver=move.receiver, state=move.new,
                for_s=round(move.for_s, 1), code=move.code, text=move.text,
            )  # fmt: skip

    def _slow_s(self, node: str) -> float:
        return self.settings.platforms[node].connector.slow_s
