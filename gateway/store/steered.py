"""The part of a store's contract that steers delivery (contract.py has the whole)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.store.accountrows import COMMAND_LINE
from gateway.store.deliveryrows import Claimed, DeliveryRow
from gateway.store.requestrows import Cause, RequestCount, RequestItem, RequestRow
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

    # Of what one process should do at a time: `holder` has the turn for so long from now on, again or anew (False:
    # another has it); it is given back by who has it. Counted by the database's clock.
    async def take_turn(self, name: str, holder: str, for_s: float) -> bool: ...
    async def give_turn_back(self, name: str, holder: str) -> None: ...

    # business receipts: ms of the first that is waited for (0: none); alarms, each once; what is missing
    async def next_receipt_due(self) -> int: ...
    async def alarm_receipts(self) -> Sequence[ReceiptDue]: ...
    async def receipts_due(self, limit: int = 100, *, overdue: bool = False) -> Sequence[ReceiptDue]: ...
    async def receipts_overdue(self) -> int: ...

    # deliveries that wait for a person, oldest first
    async def find_stuck(self, wanted: StuckFilter) -> Sequence[DeliveryRow]: ...
    # as it was claimed, while this lease holds it; None: the lease is over
    async def held(self, delivery_id: int, token: str, receiver: str) -> Claimed | None: ...
    # why they wait, grouped; most frequent first
    async def stuck_causes(self, limit: int = 200) -> Sequence[Cause]: ...

    # an act on many of them at once: asked for, decided by somebody else (LookupError, ResolveRefused), told of
    # delivery by delivery, ended once (False: it was not running). Audited.
    # As it stands: one that would run is asked for only, where with what its actor did alone in ALONE_MS before
    # it is on more than `above` deliveries.
    async def add_request(
        self,
        row: RequestRow,
        deliveries: Sequence[int],
        *,
        origin: str = COMMAND_LINE,
        above: int | None = None,
    ) -> RequestRow: ...
    # On how many deliveries somebody acted since then (ms) without a second person.
    async def acted_alone(self, actor: str, since: int) -> int: ...
    async def decide_request(
        self, request: str, approver: str, word: str, *, approved: bool, origin: str = COMMAND_LINE
    ) -> RequestRow: ...
    async def tell_request(self, request: str, items: Sequence[RequestItem]) -> None: ...
    async def end_request(self, request: str, *, origin: str = COMMAND_LINE) -> bool: ...
    async def find_request(self, request: str) -> RequestRow | None: ...
    async def requests(self, limit: int = 50) -> Sequence[RequestRow]: ...  # newest first
    async def request_items(self, request: str) -> Sequence[RequestItem]: ...
    async def request_count(self, request: str) -> RequestCount: ...
