"""The part of a store's contract that keeps for long: reconciled days, archives, purging (contract.py has the
whole)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.store.keepingrows import ArchiveRow, Holds, Purged, ReconciledDifference, Reconciliation
from gateway.store.messagerows import MessageRow
from gateway.store.months import Month


class Kept(Protocol):
    # reconciled days, newest first; False: it says what was stored already
    async def put_reconciliation(
        self, row: Reconciliation, differences: Sequence[ReconciledDifference]
    ) -> bool: ...
    async def reconciliation(self, day: str, treasury: str) -> Reconciliation | None: ...
    async def reconciliations(self, limit: int = 100) -> Sequence[Reconciliation]: ...
    async def reconciled_differences(self, day: str, treasury: str) -> Sequence[ReconciledDifference]: ...

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
