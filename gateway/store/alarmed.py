"""The part of a store's contract that alarms (contract.py has the whole)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.alarmrules import Move, Rule, Sample
from gateway.store.accountrows import COMMAND_LINE
from gateway.store.alarmrows import AlarmFilter, AlarmRow, ChangedRule, NotificationRow


class Alarmed(Protocol):
    """`defaults` are the configuration's rules everywhere: what was changed in the console goes before them."""

    # who judges a scope ("": the store's metrics; a node's name: its process metrics); False: somebody else does
    async def take_alarm_lease(self, scope: str, holder: str, for_s: float) -> bool: ...
    # what was fired, repeated or ended, with its rule; None: the lease is lost, and nothing was written
    async def judge_alarms(
        self, scope: str, holder: str, defaults: Sequence[Rule], samples: Sequence[Sample]
    ) -> Sequence[tuple[Move, Rule | None]] | None: ...
    # LookupError, ResolveRefused. Audited, as all that follows it.
    async def acknowledge_alarm(
        self, alarm: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> AlarmRow: ...
    async def find_alarm(self, alarm: str) -> AlarmRow | None: ...
    async def alarms(self, wanted: AlarmFilter) -> Sequence[AlarmRow]: ...
    async def alarm_counts(self) -> Mapping[tuple[str, ...], int]: ...  # (severity, state), of open ones

    async def alarm_rules(self, defaults: Sequence[Rule]) -> Sequence[ChangedRule]: ...
    async def put_alarm_rule(
        self, rule: Rule, before: Rule | None, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> None: ...
    # back to the configuration's; False: it was not changed
    async def drop_alarm_rule(
        self, name: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> bool: ...

    # what targets are told; `take` gives each to one for so long, `end` says how it went (no fault: it arrived;
    # `retry_in_s` None: given up)
    async def test_target(
        self, target: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> str: ...
    async def take_notifications(self, limit: int, lease_s: float) -> Sequence[NotificationRow]: ...
    async def end_notification(
        self, row: NotificationRow, fault: str = "", *, retry_in_s: float | None = None
    ) -> bool: ...
    async def notifications_of(self, alarm: str) -> Sequence[NotificationRow]: ...
    async def notifications(self, limit: int = 50) -> Sequence[NotificationRow]: ...  # newest first
    async def notifications_dead(self) -> int: ...  # of the last day
