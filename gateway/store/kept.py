"""The part of a store's contract that keeps for long: reconciled days, archives, purging (contract.py has the
whole)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.store.keepingrows import (
    EVERY_DAY,
    ArchiveRow,
    ChainLink,
    CheckpointRow,
    Holds,
    LogHead,
    Purged,
    ReconciledDifference,
    Reconciliation,
    ReconciliationFilter,
)
from gateway.store.messagerows import MessageRow
from gateway.store.months import Month


class Kept(Protocol):
    # reconciled days, newest first; False: it says what was stored already
    async def put_reconciliation(
        self, row: Reconciliation, differences: Sequence[ReconciledDifference]
    ) -> bool: ...
    async def reconciliation(self, day: str, treasury: str) -> Reconciliation | None: ...
    async def reconciliations(
        self, limit: int = 100, wanted: ReconciliationFilter = EVERY_DAY
    ) -> Sequence[Reconciliation]: ...
    async def reconciled_differences(self, day: str, treasury: str) -> Sequence[ReconciledDifference]: ...

    # evidence logs; checkpoints with fewer leaves than `before` (0: all), largest first; the checkpoint before `first`
    # leaves, and those from there on in order, each with what joins it to the one before
    async def evidence_logs(self) -> Sequence[LogHead]: ...
    async def checkpoints(self, log_id: str, before: int = 0, limit: int = 50) -> Sequence[CheckpointRow]: ...
    async def find_checkpoint(self, log_id: str, size: int) -> CheckpointRow | None: ...
    async def chain_links(
        self, log_id: str, first: int, limit: int
    ) -> tuple[CheckpointRow | None, Sequence[ChainLink]]: ...

    # a month's messages after an id ("" from the first): each with all its rows (store/records.py), in the order of ids
    async def month_records(
        self, month: Month, after: str, limit: int
    ) -> Sequence[tuple[MessageRow, Mapping[str, Any]]]: ...
    async def oldest_month(self) -> Month | None: ...  # that holds a message; None: there is none
    async def archives(self) -> Sequence[ArchiveRow]: ...
    async def put_archive(self, row: ArchiveRow) -> None: ...
    async def what_holds(self, month: Month) -> Holds: ...
    # `archived`: message id → digest of its record in a verified archive. What differs stays.
    async def purge_batch(self, month: Month, archived: Mapping[str, str]) -> Purged: ...
    # After all of a month's batches: its parts, where rows are parted by month; how many were dropped. NotPurged.
    async def end_purge(self, month: Month) -> int: ...

    # After a restore: everything is paused, leases end, and from the next opening on the names of evidence logs end so.
    async def hold_restored(self, suffix: str, actor: str, reason: str) -> None: ...
