"""Judges the rules of alarms again and again: the store's metrics by one process of all, a node's by one of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.alarmrules import Rule, Sample, labels_text
from gateway.repeating import Repeating
from gateway.store.contract import Store, StoreUnavailable

log = structlog.get_logger("alarms")
LOOK_EVERY_S = 15.0
STORE = ""


class AlarmWatch(Repeating):
    """Any number may run: a lease in the store lets one at a time judge a scope, and another go on where it ended.
    `read` gives the gauges of a scope; `defaults` are the configuration's rules."""

    def __init__(
        self,
        store: Store,
        defaults: Sequence[Rule],
        read: Callable[[str], Awaitable[Sequence[Sample]]],
        *,
        holder: str,
        node: str,
        look_every_s: float = LOOK_EVERY_S,
    ):
        super().__init__(look_every_s)
        self.store = store
        self.defaults = defaults
        self.read = read
        self.holder = holder
        self.scopes = (STORE, node)

    async def look(self) -> None:
        """Judges what nobody else does."""
        try:
            for scope in self.scopes:
                if await self.store.take_alarm_lease(scope, self.holder, self.every_s * 3):
                    await self._judge(scope, await self.read(scope))
        except StoreUnavailable:  # the next look tells it
            return

    async def _judge(self, scope: str, samples: Sequence[Sample]) -> None:
        moved = await self.store.judge_alarms(scope, self.holder, self.defaults, samples)
        for move, rule in moved or ():
            log.log(
                20 if move.kind == "end" else 40, f"alarm {move.kind}", rule=move.rule, labels=labels_text(move.labels),
                value=move.value, severity=rule.severity if rule else "",
            )  # fmt: skip
