"""What a batch does, in this order: outcomes are recorded, messages accepted, acts done, heads claimed.

So a claim already sees what became ready in its own batch.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from gateway.failpoints import reach
from gateway.store.accepting import accept_all
from gateway.store.claiming import QUARANTINE_TEXT, QUARANTINED, claim, expire
from gateway.store.contract import Arrival, Claimed, Claimer, Evidence, MakeNotice, Outcome
from gateway.store.gathering import Unit
from gateway.store.recording import record_all
from gateway.store.statements import Conflicted
from gateway.store.transaction import Transaction

Result = TypeVar("Result")
_log = logging.getLogger("gateway.store")


async def run_units(
    work: Transaction, units: Sequence[Unit], evidence: Evidence | None, claimer: Claimer | None = None
) -> tuple[list[Any], list[Claimed] | None]:
    """The result of each unit, or the exception that it alone gets, and what was claimed along for `claimer`
    (None: nothing was asked for). Raises where the batch must be undone."""
    results: dict[int, Any] = {}
    by_kind: dict[str, list[int]] = {"record": [], "accept": [], "act": [], "claim": []}
    for place, unit in enumerate(units):
        by_kind[unit.kind].append(place)
    recorded = [units[place].payload for place in by_kind["record"]]
    kept = await record_all(work, recorded) if recorded else []
    if recorded:
        reach("record.written")
    results.update(zip(by_kind["record"], kept, strict=True))
    noticed = [
        (result.claimed, result.notice)
        for result, is_kept in zip(recorded, kept, strict=True)
        if is_kept and result.notice
    ]
    if by_kind["claim"]:
        makers = [units[place].payload[-1] for place in by_kind["claim"]]
        noticed += await _quarantine(work, next(filter(None, makers), None))
    arrivals = [units[place].payload for place in by_kind["accept"]]
    arrivals += [notice for _, notice in noticed]
    outcomes = await accept_all(work, arrivals, evidence)
    if arrivals:
        reach("accept.written")
    results.update(zip(by_kind["accept"], outcomes, strict=False))
    for (claimed, _), outcome in zip(noticed, outcomes[len(by_kind["accept"]) :], strict=True):
        _check_notice(work, claimed, outcome)
    for place in by_kind["act"]:
        results[place] = await _apart(work, units[place].payload(work))
    for place in by_kind["claim"]:
        results[place] = await claim(work, *units[place].payload[:-1])
    along = await _claim_along(work, claimer) if claimer and not by_kind["claim"] else None
    await work.finish()
    return [results[place] for place in range(len(units))], along


async def _claim_along(work: Transaction, claimer: Claimer) -> list[Claimed] | None:
    """In a savepoint, so that a fault of the claim is its own."""
    wish = claimer.wish() if work.has_work or claimer.expects_more else None
    if wish is None:
        return None
    claimed = await _apart(work, claim(work, wish.worker, wish.limit, wish.lease_s, wish.rooms))
    # More than there was room for is claimed when a place is free; there is nobody to wake for it.
    work.has_work = False
    if isinstance(claimed, Exception):
        _log.error("nothing could be claimed along", exc_info=claimed)
        return None
    return claimed


async def _quarantine(work: Transaction, make_notice: MakeNotice | None) -> list[tuple[Claimed, Arrival]]:
    """Takes back what leases ran out on; the notices of what died by it."""
    dead, notices = await expire(work), []
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


async def _apart(work: Transaction, act: Coroutine[Any, Any, Result]) -> Result | Exception:
    """What comes of an act in a savepoint of its own: what it raises is its own. Trouble of the database
    undoes the batch."""
    mark = work.mark()
    await work.connection.command("SAVEPOINT act")
    result: Result | Exception
    try:
        result = await act
    except Conflicted:
        raise
    except Exception as error:
        if isinstance(error, work.connection.errors):
            raise
        await work.connection.command("ROLLBACK TO act")
        work.rewind(mark)
        result = error
    await work.connection.command("RELEASE act")
    return result
