"""Sends what is to be told of alarms. Any number may run: each notification is given to one of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
import structlog

from gateway.alarmfile import NotifySettings
from gateway.notifying.targets import Target, send_to
from gateway.repeating import Repeating
from gateway.schedule import Schedule
from gateway.store.contract import NotificationRow, Store, StoreUnavailable

log = structlog.get_logger("alarms")
LOOK_EVERY_S = 2.0
_AT_ONCE = 8
_STEPS = 12  # of a conversation with a mail server, each bounded


class Notifier(Repeating):
    def __init__(
        self,
        store: Store,
        settings: NotifySettings,
        targets: Mapping[str, Target],
        session: aiohttp.ClientSession,
        *,
        look_every_s: float = LOOK_EVERY_S,
    ):
        super().__init__(look_every_s)
        self.store = store
        self.targets = targets
        self.session = session
        self.schedule = Schedule(settings.first_s, 2.0, settings.most_s, attempts=settings.attempts)
        self.lease_s = settings.timeout_s * _STEPS + 30.0

    async def look(self) -> None:
        """Sends what is due, as long as something is."""
        try:
            while rows := await self.store.take_notifications(_AT_ONCE, self.lease_s):
                await asyncio.gather(*(self._send(row) for row in rows))
        except StoreUnavailable:  # what was taken comes again
            return

    async def _send(self, row: NotificationRow) -> None:
        target = self.targets.get(row.target)
        if target is None:
            await self.store.end_notification(row, "the configuration has no such target")
            return
        fault = await send_to(target, self.session, row)
        retry_in_s = self.schedule.delay_s(row.attempts) if fault else None
        await self.store.end_notification(row, fault, retry_in_s=retry_in_s)
        if fault:
            log.log(
                40 if retry_in_s is None else 30, "alarm not told", target=row.target, alarm=row.alarm, cause=fault,
                attempt=row.attempts, given_up=retry_in_s is None,
            )  # fmt: skip
