"""Where a gateway may be made to die, to prove that nothing is lost by it: `gateway torture` (docs/proof.md).

GATEWAY_FAILPOINT=`place:n` kills the process, as `kill -9` does, when it comes to the place for the n-th time.
Unset, as it always is in operation, a place costs one comparison.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

# Every write boundary, in the order in which a message comes by: accepted in one commit, claimed in the same or
# another one, sent, its outcome recorded in a third; `act` is every other write. Then the same of an attachment.
PLACES = (
    "intake.before-accept",
    "intake.after-accept",
    "store.before-commit.accept",
    "store.after-commit.accept",
    "store.before-commit.claim",
    "store.after-commit.claim",
    "store.before-commit.record",
    "store.after-commit.record",
    "store.before-commit.act",
    "store.after-commit.act",
    "connector.before-send",
    "connector.after-send",
    "delivery.before-record",
    "delivery.after-record",
    "attachment.before-put",
    "attachment.after-put",
    "attachment.before-move",
    "attachment.after-move",
)


def _read(text: str) -> tuple[str, int]:
    """(place, which time it is come to). ValueError for a place that is none."""
    if not text:
        return "", 0
    place, _, count = text.partition(":")
    if place not in PLACES or not count.isdecimal() or int(count) < 1:
        raise ValueError(f"GATEWAY_FAILPOINT={text}: expected place:n, n from 1; places: {', '.join(PLACES)}")
    return place, int(count)


armed, _left = _read(os.environ.get("GATEWAY_FAILPOINT", ""))


def reach(place: str) -> None:
    if place == armed:
        _come()


def reach_each(place: str, kinds: Iterable[str]) -> None:
    """`place.kind` of each kind, once."""
    if armed.startswith(place):
        for kind in set(kinds):
            reach(f"{place}.{kind}")


def _come() -> None:
    global _left
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
