"""What steers delivery, on SQLite: a part of SqliteStore."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.store import receipts, steering, stuck
from gateway.store.bootclock import SteadyClock
from gateway.store.deliveryrows import Claimed, DeliveryRow
from gateway.store.steeringrows import ActRow, HealthRow, PauseRow, ReceiptDue, StuckFilter
from gateway.store.transaction import Transaction


class SqliteSteering:
    """Promises as in `Steered`."""

    _steady: SteadyClock

    def _do(self, act: Callable[[Transaction], Any]) -> asyncio.Future[Any]:
        raise NotImplementedError

    @property
    def _reader(self) -> sqlite3.Connection:
        raise NotImplementedError

    async def pauses(self) -> Sequence[PauseRow]:
        return steering.pauses(self._reader)

    async def pause_receiver(self, receiver: str, actor: str, reason: str) -> bool:
        changed: bool = await self._do(lambda work: steering.pause(work, receiver, actor, reason))
        return changed

    async def resume_receiver(self, receiver: str, actor: str, reason: str) -> bool:
        changed: bool = await self._do(lambda work: steering.resume(work, receiver, actor, reason))
        return changed

    async def health(self) -> Sequence[HealthRow]:
        return steering.health(self._reader, self._steady.now_ms())

    async def move_health(
        self,
        receiver: str,
        old: Sequence[str],
        new: str,
        *,
        for_s: float = 0.0,
        code: str = "",
        text: str = "",
        only_due: bool = False,
    ) -> HealthRow | None:
        row: HealthRow | None = await self._do(
            lambda work: steering.move_health(work, receiver, old, new, for_s, code, text, only_due=only_due)
        )
        return row

    async def note_act(
        self, actor: str, act: str, subject: str, reason: str, detail: Mapping[str, Any]
    ) -> None:
        await self._do(lambda work: steering.note_act(work, actor, act, subject, reason, detail))

    async def acts(self, limit: int = 100, subject: str = "") -> Sequence[ActRow]:
        return steering.acts(self._reader, limit, subject)

    async def next_receipt_due(self) -> int:
        return receipts.next_due(self._reader)

    async def alarm_receipts(self) -> Sequence[ReceiptDue]:
        alarmed: list[ReceiptDue] = await self._do(receipts.alarm)
        return alarmed

    async def receipts_due(self, limit: int = 100, *, overdue: bool = False) -> Sequence[ReceiptDue]:
        return receipts.listed(self._reader, limit, overdue=overdue)

    async def receipts_overdue(self) -> int:
        return receipts.overdue_count(self._reader)

    async def find_stuck(self, wanted: StuckFilter) -> Sequence[DeliveryRow]:
        return stuck.find_stuck(self._reader, wanted)

    async def held(self, delivery_id: int, token: str, receiver: str) -> Claimed | None:
        return stuck.find_held(self._reader, delivery_id, token, receiver)
