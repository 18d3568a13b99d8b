"""What is watched while it changes, on either database: a part of EngineStore. Promises as in `Watched`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.store import watching
from gateway.store.statements import Connection
from gateway.store.watchingrows import ErrorCount, ReceiptLag


class WatchingEngine:
    @property
    def _reader(self) -> Connection:
        raise NotImplementedError

    async def received(self, since: int, until: int) -> Mapping[str, int]:
        return await watching.received(self._reader, since, until)

    async def errors(self, since_minute: int) -> Sequence[ErrorCount]:
        return await watching.errors(self._reader, since_minute)

    async def oldest_ready(self) -> Mapping[str, int]:
        return await watching.oldest_ready(self._reader)

    async def receipt_lags(self) -> Mapping[str, ReceiptLag]:
        return await watching.receipt_lags(self._reader)
