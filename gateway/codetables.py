"""Keeps the code tables in force: those on disk with every accepted 9003 over them, in this process.

An accepted change is durable with its message. The process that accepted it takes it up at once, the others at
their next look. The mappings bind code tables when they are compiled, so they are compiled anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.errors import ConfigError
from gateway.mapping import MappingSet
from gateway.payments.codes import CODE_CHANGE
from gateway.standard import Standard
from gateway.standard.codechanges import read_change
from gateway.store.contract import Store
from gateway.translate import Translator

log = structlog.get_logger("codetables")
LOOK_S = 2.0


class CodeTableKeeper:
    """`compile_mappings` reads and compiles the mapping files anew; ConfigError where it cannot."""

    def __init__(
        self,
        store: Store,
        translator: Translator,
        compile_mappings: Callable[[Standard], MappingSet],
        look_s: float = LOOK_S,
    ):
        self.store = store
        self.translator = translator
        self._compile = compile_mappings
        self._look_s = look_s
        self._known: tuple[str, ...] = ()
        self._is_stale = False  # the mappings were compiled before the last change
        self._woken = asyncio.Event()
        self._stopped = False
        self.renewing = asyncio.Lock()  # mappings are exchanged by one at a time

    async def take_up(self) -> None:
        """Takes up what the store holds and this process does not know yet."""
        known = tuple(await self.store.object_messages(CODE_CHANGE))
        if known == self._known:
            return
        found = await self.store.objects(CODE_CHANGE)
        self.translator.standard.change_codes([read_change(one.data) for one in found])
        self._known, self._is_stale = known, True
        log.info("code tables changed", tables=sorted({one.parent for one in found}))
        self._woken.set()

    async def run(self) -> None:
        """Looks for changes of other processes, and compiles the mappings after each change."""
        while not self._stopped:
            await self.take_up()
            if self._is_stale:
                await self._renew_mappings()
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), self._look_s)
            except TimeoutError:
                continue

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    async def _renew_mappings(self) -> None:
        async with self.renewing:
            self._is_stale = False
            try:
                mappings = await asyncio.to_thread(self._compile, self.translator.standard)
            except ConfigError as error:
                # The tables in force are right; the mappings go on with the names that they know.
                log.error("mappings do not compile with the changed code tables", findings=str(error))
                return
            self.translator.mappings = mappings
