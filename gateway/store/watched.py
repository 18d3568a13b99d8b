"""The part of a store's contract that is watched while it changes (contract.py has the whole). Each answer costs
what is recent or open, never what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.store.watchingrows import ErrorCount, ReceiptLag


class Watched(Protocol):
    # by sender: messages with `since` ≤ received_at < `until` (ms); costs as many rows as it counts
    async def received(self, since: int, until: int) -> Mapping[str, int]: ...
    # since a minute; what is older than a week is forgotten
    async def errors(self, since_minute: int) -> Sequence[ErrorCount]: ...
    # by receiver: ms when the oldest message was made that is ready for it and not under way
    async def oldest_ready(self) -> Mapping[str, int]: ...
    async def receipt_lags(self) -> Mapping[str, ReceiptLag]: ...  # by receiver
