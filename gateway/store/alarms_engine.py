"""Alarms, on either database: a part of EngineStore. Promises as in `Alarmed`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from gateway.alarmrules import Move, Rule, Sample
from gateway.store import alarming, notifications
from gateway.store.accountrows import COMMAND_LINE
from gateway.store.alarmrows import AlarmFilter, AlarmRow, ChangedRule, NotificationRow
from gateway.store.statements import Connection
from gateway.store.transaction import Transaction


class AlarmsEngine:
    def _do(self, act: Callable[[Transaction], Coroutine[Any, Any, Any]]) -> asyncio.Future[Any]:
        raise NotImplementedError

    @property
    def _reader(self) -> Connection:
        raise NotImplementedError

    async def take_alarm_lease(self, scope: str, holder: str, for_s: float) -> bool:
        taken: bool = await self._do(lambda work: alarming.take_lease(work, scope, holder, for_s))
        return taken

    async def judge_alarms(
        self, scope: str, holder: str, defaults: Sequence[Rule], samples: Sequence[Sample]
    ) -> Sequence[tuple[Move, Rule | None]] | None:
        moved: list[tuple[Move, Rule | None]] | None = await self._do(
            lambda work: alarming.judge_all(work, scope, holder, defaults, samples)
        )
        return moved

    async def acknowledge_alarm(
        self, alarm: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> AlarmRow:
        row: AlarmRow = await self._do(lambda work: alarming.acknowledge(work, alarm, actor, reason, origin))
        return row

    async def find_alarm(self, alarm: str) -> AlarmRow | None:
        return await alarming.find(self._reader, alarm)

    async def alarms(self, wanted: AlarmFilter) -> Sequence[AlarmRow]:
        return await alarming.search(self._reader, wanted)

    async def alarm_counts(self) -> Mapping[tuple[str, ...], int]:
        return await alarming.counts(self._reader)

    async def alarm_rules(self, defaults: Sequence[Rule]) -> Sequence[ChangedRule]:
        return await alarming.effective_rules(self._reader, defaults)

    async def put_alarm_rule(
        self, rule: Rule, before: Rule | None, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> None:
        await self._do(lambda work: alarming.put_rule(work, rule, before, actor, reason, origin))

    async def drop_alarm_rule(
        self, name: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> bool:
        dropped: bool = await self._do(lambda work: alarming.drop_rule(work, name, actor, reason, origin))
        return dropped

    async def test_target(self, target: str, actor: str, reason: str, *, origin: str = COMMAND_LINE) -> str:
        id_: str = await self._do(lambda work: notifications.add_test(work, target, actor, reason, origin))
        return id_

    async def take_notifications(self, limit: int, lease_s: float) -> Sequence[NotificationRow]:
        taken: list[NotificationRow] = await self._do(lambda work: notifications.take(work, limit, lease_s))
        return taken

    async def end_notification(
        self, row: NotificationRow, fault: str = "", *, retry_in_s: float | None = None
    ) -> bool:
        ended: bool = await self._do(lambda work: notifications.end(work, row, fault, retry_in_s))
        return ended

    async def notifications_of(self, alarm: str) -> Sequence[NotificationRow]:
        return await notifications.of_alarm(self._reader, alarm)

    async def notifications(self, limit: int = 50) -> Sequence[NotificationRow]:
        return await notifications.newest(self._reader, limit)

    async def notifications_dead(self) -> int:
        return await notifications.dead_count(self._reader)
