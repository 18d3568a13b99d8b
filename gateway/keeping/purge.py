"""Purging a month by retention: only what its verified archive holds, and nothing that still waits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError
from gateway.keeping.archive import read_digests, verify_archive
from gateway.keeping.manifest import Certificates
from gateway.store import Store
from gateway.store.contract import ArchiveRow, NotPurged
from gateway.store.months import Month


class Held(GatewayError):
    """The month stays as it is; the text says why."""


@dataclass(frozen=True, slots=True)
class PurgedMonth:
    """`messages` that went now; `parts` of tables that were dropped whole (PostgreSQL)."""

    month: str
    messages: int
    parts: int


async def purge_month(
    store: Store, month: Month, *, now: Month, keep_months: int, certificates: Certificates
) -> PurgedMonth:
    """Held where it is too young, in no archive, or something in it is open or has changed since; NotIntact where
    the archive is not what was signed. What was purged before stays purged; the call may come again."""
    if month.number + keep_months > now.number:
        raise Held(
            f"{month}: kept until {Month(month.number + keep_months)} (retention.months {keep_months})"
        )
    made = [one for one in await store.archives() if one.month == str(month)]
    if not made:
        raise Held(f"{month}: in no archive; make one first: gateway archive --month {month}")
    holds = await store.what_holds(month)
    if holds:
        raise Held(
            f"{month}: {holds.open_deliveries} deliveries are open, {holds.parked} messages are parked,"
            f" {holds.live_applications} applications are under way"
        )
    row = made[-1]
    _check(row, certificates)
    purged = 0
    changed: list[str] = []
    for batch in read_digests(Path(row.place)):
        done = await store.purge_batch(month, batch)
        purged += done.purged
        changed += done.changed
    if changed:
        raise Held(
            f"{month}: {purged} messages purged; {len(changed)} changed since they were archived, the first is"
            f" {changed[0]}; archive the month again"
        )
    try:
        parts = await store.end_purge(month)
    except NotPurged as error:
        raise Held(f"{month}: {error}; archive the month again") from error
    return PurgedMonth(str(month), purged, parts)


def _check(row: ArchiveRow, certificates: Certificates) -> None:
    found = verify_archive(Path(row.place), certificates)
    if found.digest != row.digest or found.month != row.month:
        raise Held(f"{row.month}: {row.place} is not the archive that was noted; archive the month again")
