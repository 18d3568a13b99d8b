"""Whose turn it is at what one process of all nodes should do at a time: to poll a store, to empty a folder.

The turn is a lease in the store, which counts by the database's clock (the boot clock on SQLite). A part that polls asks
`hold()` before each call and goes on only where it says True; it gives the turn back when it stops. A process that is
killed keeps it for `lasts_s`; then another one takes it, and begins as after a start of its own (`on_taken`): what the
first one had read and not confirmed is there still.

Two processes that live are never the same holder, a worker and the one that replaces it neither; a process that comes back after
a crash is the same as the one that died, and does not wait for itself (`Token`).

It saves calls and keeps the order of reading, and it promises nothing: a process that hangs in a call for longer than
its turn may finish it beside the next one. That nothing is taken twice is the work of the keys, as ever.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.store.contract import Store, StoreUnavailable

log = structlog.get_logger("turns")
LASTS_S = 10.0


class Token:
    """A file in the data folder that one process has at a time. The kernel takes it from a process that ends, however it
    ends; whoever has it next has the same name."""

    def __init__(self, path: Path, node: str):
        self.path = path
        self.node = node
        self._name = ""
        self._handle = -1

    def take(self) -> str:
        """The holder's name, among all nodes; "" where another process has it. OSError where the folder cannot be used."""
        if self._handle >= 0:
            return self._name
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A copy of the folder is another file, a folder of the same name elsewhere has another mark.
            self._name = f"{self.node} {_mark(handle)} {os.fstat(handle).st_ino}"
        except BlockingIOError:
            os.close(handle)
            return ""
        except OSError:
            os.close(handle)
            raise
        self._handle = handle
        return self._name

    def give_back(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _mark(handle: int) -> str:
    mark = os.read(handle, 64)
    if not mark:
        mark = secrets.token_hex(8).encode()
        os.write(handle, mark)
    return mark.decode("ascii", "replace")


class Turn:
    """`name`: of what is done, the same in every process. `node`: this machine's name. `folder`: where the tokens of its
    processes lie, the data folder."""

    def __init__(
        self,
        store: Store,
        name: str,
        node: str,
        folder: Path,
        on_taken: Callable[[], None] = lambda: None,
        lasts_s: float = LASTS_S,
    ):
        self.store = store
        self.name = name
        self.token = Token(folder / "turns" / re.sub(r"[^\w.-]", "-", f"{node}-{name}"), node)
        self.on_taken = on_taken
        self.lasts_s = lasts_s
        self._holder = ""
        self._ours_until_s = 0.0  # of the monotonic clock

    async def hold(self) -> bool:
        """Is it ours for a while? Asks the store where half of the last lease is over. False too where the store
        is away: another may have it by now."""
        began_s = time.monotonic()
        if began_s < self._ours_until_s - self.lasts_s / 2:
            return True
        had_it = began_s < self._ours_until_s
        try:
            self._holder = self.token.take()
            is_ours = bool(self._holder) and await self.store.take_turn(self.name, self._holder, self.lasts_s)
        except (StoreUnavailable, OSError) as error:
            log.warning("turn not asked for", turn=self.name, cause=str(error))
            return False
        self._ours_until_s = began_s + self.lasts_s if is_ours else 0.0
        if not is_ours:
            self.token.give_back()
        elif not had_it:
            log.info("turn taken", turn=self.name)
            self.on_taken()
        return is_ours

    async def give_back(self) -> None:
        """So that another need not wait until it is over."""
        try:
            if self._ours_until_s:
                self._ours_until_s = 0.0
                await self.store.give_turn_back(self.name, self._holder)
        except StoreUnavailable:
            log.info("turn not given back", turn=self.name)
        finally:
            self.token.give_back()
