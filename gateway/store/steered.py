"""The part of a store's contract that steers delivery (contract.py has the whole)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.store.accountrows import COMMAND_LINE
from gateway.store.deliveryrows import Claimed, DeliveryRow
from gateway.store.steeringrows import HealthRow, PauseRow, ReceiptDue, StuckFilter


class Steered(Protocol):
    """Writes are durable when the awaited call returns; what they say holds for all processes and nodes."""

    # pauses; "*" is all receivers. False: it was so already. Audited either way.
    async def pauses(self) -> Sequence[PauseRow]: ...
    async def pause_receiver(
        self, receiver: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> bool: ...
    async def resume_receiver(
        self, receiver: str, actor: str, reason: str, *, origin: str = COMMAND_LINE
    ) -> bool: ...

    # breakers: a guarded move; None where the receiver stands in no `old` state, or `only_due` and it is not due
    async def health(self) -> Sequence[HealthRow]: ...
    async def move_health(
        self, receiver: str, old: Sequence[str], new: str, *, for_s: float = 0.0, code: str = "", text: str = "", only_due: bool = False
    ) -> HealthRow | None: ...  # fmt: skip

    # business receipts: ms of the first that is waited for (0: none); alarms, each once; what is missing
    async def next_receipt_due(self) -> int: ...
    async def alarm_receipts(self) -> Sequence[ReceiptDue]: ...
    async def receipts_due(self, limit: int = 100, *, overdue: bool = False) -> Sequence[ReceiptDue]: ...
    async def receipts_overdue(self) -> int: ...

    # deliveries that wait for a person, oldest first
    async def find_stuck(self, wanted: StuckFilter) -> Sequence[DeliveryRow]: ...
    # as it was claimed, while this lease holds it; None: the lease is over
    async def held(self, delivery_id: int, token: str, receiver: str) -> Claimed | None: ...
