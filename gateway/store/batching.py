"""What a batch does, in this order: outcomes are recorded, messages accepted, acts done, heads claimed.

So a claim already sees what became ready in its own batch.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from typing import Any

from gateway.store.accepting import accept_all
from gateway.store.claiming import QUARANTINE_TEXT, QUARANTINED, claim, expire
from gateway.store.contract import Arrival, Claimed, Claimer, MakeNotice, Outcome, SealBatch
from gateway.store.queries import find_message_row
from gateway.store.recording import record_all
from gateway.store.transaction import Transaction
from gateway.store.writer import Unit

_log = logging.getLogger("gateway.store")


def run_units(
    work: Transaction, units: Sequence[Unit], seal_batch: SealBatch | None, claimer: Claimer | None = None
) -> tuple[list[Any], list[Claimed]]:
    """The result of each unit, or the exception that it alone gets, and what was claimed along for `claimer`.
    Raises where the batch must be undone."""
    results: dict[int, Any] = {}
    by_kind: dict[str, list[int]] = {"record": [], "accept": [], "act": [], "claim": []}
    for place, unit in enumerate(units):
        by_kind[unit.kind].append(place)
    recorded = [units[place].payload for place in by_kind["record"]]
    kept = record_all(work, recorded) if recorded else []
    results.update(zip(by_kind["record"], kept, strict=True))
    noticed = [
        (result.claimed, result.notice)
        for result, is_kept in zip(recorded, kept, strict=True)
        if is_kept and result.notice
    ]
    if by_kind["claim"]:
        makers = [units[place].payload[-1] for place in by_kind["claim"]]
        noticed += _quarantine(work, next(filter(None, makers), None))
    arrivals = [units[place].payload for place in by_kind["accept"]]
    arrivals += [notice for _, notice in noticed]
    outcomes = accept_all(work, arrivals, seal_batch, find_message_row)
    results.update(zip(by_kind["accept"], outcomes, strict=False))
    for (claimed, _), outcome in zip(noticed, outcomes[len(by_kind["accept"]) :], strict=True):
        _check_notice(work, claimed, outcome)
    for place in by_kind["act"]:
        results[place] = _act(work, units[place])
    for place in by_kind["claim"]:
        results[place] = claim(work, *units[place].payload[:-1])
    along = _claim_along(work, claimer) if claimer and not by_kind["claim"] else []
    work.finish()
    return [results[place] for place in range(len(units))], along


def _claim_along(work: Transaction, claimer: Claimer) -> list[Claimed]:
    """In a savepoint, so that a fault of the claim is its own. Trouble of the database undoes the batch."""
    wish = claimer.wish()
    if wish is None:
        return []
    mark = work.mark()
    work.connection.execute("SAVEPOINT along")
    try:
        claimed = claim(work, wish.worker, wish.limit, wish.lease_s, wish.skip, wish.rooms)
    except sqlite3.Error:
        raise
    except Exception:  # noqa: BLE001 - told loudly; what is written besides must not fail with it
        _log.exception("nothing could be claimed along")
        work.connection.execute("ROLLBACK TO along")
        work.rewind(mark)
        claimed = []
    work.connection.execute("RELEASE along")
    # More than there was room for is claimed when a place is free; there is nobody to wake for it.
    work.has_work = False
    return claimed


def _quarantine(work: Transaction, make_notice: MakeNotice | None) -> list[tuple[Claimed, Arrival]]:
    """Takes back what leases ran out on; the notices of what died by it."""
    dead, notices = expire(work), []
    for claimed in dead:
        if make_notice is None:
            break
        try:
            notice = make_notice(claimed, QUARANTINED, QUARANTINE_TEXT)
        except Exception as error:  # noqa: BLE001 - told loudly; what is claimed besides must go on
            _report_notice(work, claimed, repr(error))
        else:
            if notice is not None:
                notices.append((claimed, notice))
    return notices


def _check_notice(work: Transaction, claimed: Claimed, outcome: Outcome | Exception) -> None:
    """The outcome stands even where the word about it cannot be given; that is told loudly."""
    if isinstance(outcome, Outcome) and outcome.kind in ("accepted", "replayed", "duplicate"):
        return
    _report_notice(work, claimed, outcome.kind if isinstance(outcome, Outcome) else repr(outcome))


def _report_notice(work: Transaction, claimed: Claimed, why: str) -> None:
    _log.error("notice of message %s was not stored: %s", claimed.message_id, why)
    work.note(claimed.message_id, "notice-failed", {"receiver": claimed.receiver, "why": why})


def _act(work: Transaction, unit: Unit) -> Any:
    """One act in its own savepoint: what it raises is its own. Trouble of the database undoes the batch."""
    mark = work.mark()
    work.connection.execute("SAVEPOINT act")
    try:
        result = unit.payload(work)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - not hidden, its caller gets it
        work.connection.execute("ROLLBACK TO act")
        work.rewind(mark)
        result = error
    work.connection.execute("RELEASE act")
    return result
