"""Whose turn it is at what one process of all nodes should do at a time: to poll a store, to empty a folder.

The turn is a lease in the store, which counts by the database's clock (the boot clock on SQLite). A part that polls asks
`hold()` before each call and goes on only where it says True; it gives the turn back when it stops. A process that is
killed keeps it for `lasts_s`; then another one takes it, and begins as after a start of its own (`on_taken`): what the
first one had read and not confirmed is there still.

It saves calls and keeps the order of reading, and it promises nothing: a process that hangs in a call for longer than
its turn may finish it beside the next one. That nothing is taken twice is the work of the keys, as ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from gateway.store.contract import Store, StoreUnavailable

log = structlog.get_logger("turns")
LASTS_S = 10.0


class Turn:
    """`name`: of what is done, the same in every process. `holder`: the node and its worker, the same after a restart, so
    that a process which comes back does not wait for itself."""

    def __init__(
        self,
        store: Store,
        name: str,
        holder: str,
        on_taken: Callable[[], None] = lambda: None,
        lasts_s: float = LASTS_S,
    ):
        self.store = store
        self.name = name
        self.holder = holder
        self.on_taken = on_taken
        self.lasts_s = lasts_s
        self._ours_until_s = 0.0  # of the monotonic clock

    async def hold(self) -> bool:
        """Is it ours for a while? Asks the store where half of the last lease is over. False too where the store
        is away: another may have it by now."""
        began_s = time.monotonic()
        if began_s < self._ours_until_s - self.lasts_s / 2:
            return True
        had_it = began_s < self._ours_until_s
        try:
            is_ours = await self.store.take_turn(self.name, self.holder, self.lasts_s)
        except StoreUnavailable:
            return False
        self._ours_until_s = began_s + self.lasts_s if is_ours else 0.0
        if is_ours and not had_it:
            log.info("turn taken", turn=self.name)
            self.on_taken()
        return is_ours

    async def give_back(self) -> None:
        """So that another need not wait until it is over."""
        if self._ours_until_s:
            self._ours_until_s = 0.0
            try:
                await self.store.give_turn_back(self.name, self.holder)
            except StoreUnavailable:
                log.info("turn not given back", turn=self.name)
