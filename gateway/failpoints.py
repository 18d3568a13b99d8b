"""Where a process may be made to die, to prove that nothing is lost by it (docs/proof.md).

GATEWAY_FAILPOINT=`place:n` kills the process, as `kill -9` does, when it comes to the place for the n-th time.
Unset, as it always is in operation, a place costs one comparison.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping

_KINDS = ("accept", "record", "claim", "act")  # what a batch holds: store/batching.py
PLACES = frozenset(
    {
        "intake.drafted", "intake.accepted", "intake.sealed",
        "accept.written", "record.written", "evidence.before-sign", "evidence.signed",
        *(f"{kind}.{when}" for kind in _KINDS for when in ("before-commit", "after-commit")),
        "delivery.claimed", "http.sealed", "http.answered", "delivery.answered", "delivery.recorded",
        "drop.noted", "drop.written", "drop.named", "drop.claimed", "drop.taken", "drop.answered", "queue.taken",
        "blob.before-put", "blob.written", "blob.synced", "blob.before-move", "blob.moved",
    }
)  # fmt: skip
_armed = ""
_left = 0


def arm(environ: Mapping[str, str]) -> None:
    """ValueError for a place that is none. Nothing in the environment disarms."""
    global _armed, _left
    value = environ.get("GATEWAY_FAILPOINT", "")
    place, _, count = value.rpartition(":")
    if value and (place not in PLACES or not count.isdecimal() or int(count) < 1):
        raise ValueError(f"GATEWAY_FAILPOINT={value}: expected place:n with n from 1; {sorted(PLACES)}")
    _armed, _left = place, int(count or 0)


def reach(place: str) -> None:
    if place == _armed:
        _come()


def reach_each(kinds: Iterable[str], when: str) -> None:
    """`kind.when` of each kind, once."""
    if _armed:
        for kind in sorted(set(kinds)):
            reach(f"{kind}.{when}")


def _come() -> None:
    global _left
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ)
