"""What steers delivery, on either database: a part of EngineStore."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from gateway.store import receipts, requests, steering, stuck, turns
from gateway.store.accountrows import COMMAND_LINE
from gateway.store.deliveryrows import Claimed, DeliveryRow
from gateway.store.requestrows import Cause, RequestCount, RequestItem, RequestRow
from gateway.store.statements import Connection
from gateway.store.steeringrows import HealthRow, PauseRow, ReceiptDue, StuckFilter
from gateway.store.transaction import Transaction


class SteeringEngine:
    """Promises as in `Steered`."""

    def _do(self, act: Callable[[Transaction], Coroutine[Any, Any, Any]]) -> asyncio.Future[Any]:
        raise NotImplementedError

    @property
    def _reader(self) -> Connection:
        raise NotImplementedError

    async def _now(self) -> tuple[int, float]:
        raise NotImplementedError

    async def pauses(self) -> Sequence[PauseRow]:
        return await steering.pauses(self._reader)

    async def pause_receiver(
        self, receiver: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> bool:
        changed: bool = await self._do(lambda work: steering.pause(work, receiver, actor, reason, origin))
        return changed

    async def resume_receiver(
        self, receiver: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> bool:
        changed: bool = await self._do(lambda work: steering.resume(work, receiver, actor, reason, origin))
        return changed

    async def health(self) -> Sequence[HealthRow]:
        return await steering.health(self._reader, (await self._now())[0])

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

    async def take_turn(self, name: str, holder: str, for_s: float) -> bool:
        taken: bool = await self._do(lambda work: turns.take(work, name, holder, for_s))
        return taken

    async def give_turn_back(self, name: str, holder: str) -> None:
        await self._do(lambda work: turns.give_back(work, name, holder))

    async def next_receipt_due(self) -> int:
        return await receipts.next_due(self._reader)

    async def alarm_receipts(self) -> Sequence[ReceiptDue]:
        alarmed: list[ReceiptDue] = await self._do(receipts.alarm)
        return alarmed

    async def receipts_due(self, limit: int = 100, *, overdue: bool = False) -> Sequence[ReceiptDue]:
        return await receipts.listed(self._reader, limit, overdue=overdue)

    async def receipts_overdue(self) -> int:
        return await receipts.overdue_count(self._reader)

    async def find_stuck(self, wanted: StuckFilter) -> Sequence[DeliveryRow]:
        return await stuck.find_stuck(self._reader, wanted)

    async def held(self, delivery_id: int, token: str, receiver: str) -> Claimed | None:
        return await stuck.find_held(self._reader, delivery_id, token, receiver)

    async def stuck_causes(self, limit: int = 200) -> Sequence[Cause]:
        return await requests.causes(self._reader, limit)

    async def add_request(
        self,
        row: RequestRow,
        deliveries: Sequence[int],
        *,
        origin: str = COMMAND_LINE,
        above: int | None = None,
    ) -> RequestRow:
        added: RequestRow = await self._do(lambda work: requests.add(work, row, deliveries, origin, above))
        return added

    async def acted_alone(self, actor: str, since: int) -> int:
        return await requests.alone(self._reader, actor, since)

    async def decide_request(
        self, request: str, approver: str, word: str, *, approved: bool, origin: str = COMMAND_LINE
    ) -> RequestRow:
        row: RequestRow = await self._do(
            lambda work: requests.decide(work, request, approver, word, origin, approved=approved)
        )
        return row

    async def tell_request(self, request: str, items: Sequence[RequestItem]) -> None:
        await self._do(lambda work: requests.tell(work, request, items))

    async def end_request(self, request: str, *, origin: str = COMMAND_LINE) -> bool:
        ended: bool = await self._do(lambda work: requests.end(work, request, origin))
        return ended

    async def find_request(self, request: str) -> RequestRow | None:
        return await requests.find(self._reader, request)

    async def requests(self, limit: int = 50) -> Sequence[RequestRow]:
        return await requests.newest(self._reader, limit)

    async def request_items(self, request: str) -> Sequence[RequestItem]:
        return await requests.items(self._reader, request)

    async def request_count(self, request: str) -> RequestCount:
        return await requests.count(self._reader, request)
