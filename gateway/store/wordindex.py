"""The index of words beside the message log: what both databases' indexes promise.

It follows the log at a distance, in batches, outside of the transactions that accept; the newest messages are
not in it yet and are read through. It holds nothing that is not in the log: lost, it is made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.store.terms import Asked

BATCH = 1000  # messages that are indexed in one go


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may be what is looked for."""

    seq: int
    id: str
    state: str
    application: str
    received_at: int
    amount_fen: int | None
    search: str


class WordIndex(Protocol):
    without: (
        str  # SQL: of the messages above `indexed_to`, those that are not in the index; "": none of them is
    )

    # every message up to this number is in the index
    async def indexed_to(self) -> int: ...

    # the newest with numbers below `below` and not below `least`, newest first
    async def find(self, asked: Asked, below: int, least: int, limit: int) -> Sequence[Candidate]: ...

    # Takes the next messages in; how many. 0: there are none, or another process is at it.
    async def follow(self, most: int = BATCH) -> int: ...

    async def close(self) -> None: ...
