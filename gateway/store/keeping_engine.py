"""What is kept for long, on either database: a part of EngineStore. Promises as in `Kept`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from gateway.store import checkpoints, purging, reconciled, records
from gateway.store.keepingrows import (
    EVERY_DAY,
    ArchiveRow,
    ChainLink,
    CheckpointRow,
    Holds,
    LogHead,
    NotPurged,
    Purged,
    ReconciledDifference,
    Reconciliation,
    ReconciliationFilter,
)
from gateway.store.messagerows import Evidence, MessageRow
from gateway.store.months import Month
from gateway.store.notes import LOG_SUFFIX, find_note
from gateway.store.restored import hold
from gateway.store.statements import Connection
from gateway.store.transaction import Transaction


class KeepingEngine:
    def _do(self, act: Callable[[Transaction], Coroutine[Any, Any, Any]]) -> asyncio.Future[Any]:
        raise NotImplementedError

    @property
    def _reader(self) -> Connection:
        raise NotImplementedError

    async def _parts(self, month: Month) -> range:
        """The numbers whose rows go with the month's parts; empty where there are none."""
        return range(0)

    async def put_reconciliation(
        self, row: Reconciliation, differences: Sequence[ReconciledDifference]
    ) -> bool:
        changed: bool = await self._do(lambda work: reconciled.put_reconciliation(work, row, differences))
        return changed

    async def reconciliation(self, day: str, treasury: str) -> Reconciliation | None:
        return await reconciled.find_reconciliation(self._reader, day, treasury)

    async def reconciliations(
        self, limit: int = 100, wanted: ReconciliationFilter = EVERY_DAY
    ) -> Sequence[Reconciliation]:
        return await reconciled.reconciliations(self._reader, limit, wanted)

    async def reconciled_differences(self, day: str, treasury: str) -> Sequence[ReconciledDifference]:
        return await reconciled.reconciled_differences(self._reader, day, treasury)

    async def evidence_logs(self) -> Sequence[LogHead]:
        return await checkpoints.logs(self._reader)

    async def checkpoints(self, log_id: str, before: int = 0, limit: int = 50) -> Sequence[CheckpointRow]:
        return await checkpoints.newest(self._reader, log_id, before, limit)

    async def find_checkpoint(self, log_id: str, size: int) -> CheckpointRow | None:
        return await checkpoints.find(self._reader, log_id, size)

    async def chain_links(
        self, log_id: str, first: int, limit: int
    ) -> tuple[CheckpointRow | None, Sequence[ChainLink]]:
        return await checkpoints.links(self._reader, log_id, first, limit)

    async def month_records(
        self, month: Month, after: str, limit: int
    ) -> Sequence[tuple[MessageRow, Mapping[str, Any]]]:
        ids = await records.message_ids(self._reader, after or month.first_id, month.next.first_id, limit)
        rows = await records.message_rows(self._reader, ids)
        found = await records.read_records(self._reader, ids)
        return [(rows[id_], found[id_]) for id_ in ids if id_ in rows and id_ in found]

    async def oldest_month(self) -> Month | None:
        first = await records.message_ids(self._reader, "", "Z", 1)
        return Month.of_id(first[0]) if first else None

    async def archives(self) -> Sequence[ArchiveRow]:
        return await purging.archives(self._reader)

    async def put_archive(self, row: ArchiveRow) -> None:
        await self._do(lambda work: purging.put_archive(work, row))

    async def what_holds(self, month: Month) -> Holds:
        return await purging.what_holds(self._reader, month.first_id, month.next.first_id)

    async def purge_batch(self, month: Month, archived: Mapping[str, str]) -> Purged:
        parts = await self._parts(month)
        done: Purged = await self._do(lambda work: purging.purge_batch(work, archived, parts))
        return done

    async def end_purge(self, month: Month) -> int:
        left = await records.message_ids(self._reader, month.first_id, month.next.first_id, 1)
        if left:
            raise NotPurged(f"message {left[0]} is in no archive")
        await self._do(lambda work: purging.set_purged(work, month))
        return 0

    async def hold_restored(self, suffix: str, actor: str, reason: str) -> None:
        await self._do(lambda work: hold(work, suffix, actor, reason))

    async def _name_log(self, evidence: Evidence | None) -> None:
        """Once the store is open, before anything is accepted."""
        if evidence is not None:
            evidence.go_on_as(await find_note(self._reader, LOG_SUFFIX))
