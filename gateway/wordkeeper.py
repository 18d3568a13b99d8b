"""Keeps the index of words behind the log: batch by batch, never in the way of what is accepted.

Where little comes, a batch is what came in LOOK_EVERY_S; where much waits (after an upgrade, or a restore), it
leaves as much time as it takes.
"""

from __future__ import annotations

import time

from gateway.repeating import Repeating
from gateway.store.contract import Store
from gateway.store.wordindex import BATCH

LOOK_EVERY_S = 2.0


class WordKeeper(Repeating):
    """Any number may run: the store lets one of them at it."""

    def __init__(self, store: Store, *, look_every_s: float = LOOK_EVERY_S):
        super().__init__(look_every_s)
        self.store = store
        self._rest_s = look_every_s

    async def look(self) -> None:
        """Takes one batch in. StoreUnavailable where the index cannot be used."""
        began = time.monotonic()
        taken = await self.store.index_words()
        self.every_s = time.monotonic() - began if taken >= BATCH else self._rest_s
