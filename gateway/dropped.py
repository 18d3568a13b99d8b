"""Where a platform sends by dropping files: claim → read → intake → answer → move, in the order of their names.

A file that was claimed lies apart under a name of its own until it is settled, so nothing that is dropped later under
its name is ever mistaken for it, and what a crash interrupted is taken up first. Taking it again is harmless: its key is known
and its answer the same. What cannot be taken now stays where it is; those behind it wait, so their order holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets

import structlog

from gateway import clock
from gateway.connectors.folders import FolderError, Folders, NotAFile, is_whole
from gateway.connectorsettings import DropSettings
from gateway.failpoints import reach
from gateway.receiving import Later, Receiving, Taken
from gateway.settings import Platform
from gateway.turns import Turn

log = structlog.get_logger("dropped")
CLAIMED, DONE, REFUSED, ANSWERS = "taking", "done", "refused", "answers"
_CLEAR_EVERY_S = 3600.0
_MARK = "~"  # between a claim's own mark and the name that the platform gave


class FolderPoller:
    """One a platform; one process of all nodes polls a place at a time (turns.py)."""

    def __init__(
        self, platform: Platform, drop: DropSettings, folders: Folders, receiving: Receiving, turn: Turn
    ):
        self.turn = turn
        self.platform = platform
        self.drop = drop
        self.folders = folders
        self.receiving = receiving
        self.most_bytes = receiving.intake.settings.gateway.max_body_bytes
        self._stop = asyncio.Event()
        self._is_ready = False
        self._cleared_s = 0.0
        self._outlived: list[str] = []
        self._told: set[str] = set()  # names that were passed over, each told once

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        try:
            while not self._stop.is_set():
                if not await self.turn.hold():
                    await self._rest(max(self.turn.lasts_s / 5, self.drop.every_s))
                elif wait_s := await self._round():
                    await self._rest(wait_s)
        finally:
            await self.turn.give_back()
            await self.folders.close()

    async def _rest(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _round(self) -> float:
        """What is there, once; how long to wait for the next round (0: there is more)."""
        try:
            await self._prepare()
            wait_s = await self._take_all()
            await self._clear_away()
            return wait_s
        except FolderError as error:
            self._is_ready = False  # what it needs may have gone with the place
            log.warning("folder not polled", platform=self.platform.id, code=error.code, text=error.text)
        return self.drop.every_s

    async def _prepare(self) -> None:
        if self._is_ready:
            return
        inside = (f"{self._in}/{one}" for one in (CLAIMED, DONE, REFUSED, ANSWERS))
        await self.folders.prepare([self._in, *inside])
        self._is_ready = True

    @property
    def _in(self) -> str:
        return self.drop.take_from

    async def _take_all(self) -> float:
        claims = [one.name for one in await self.folders.files(f"{self._in}/{CLAIMED}")]
        for claimed in sorted(claims, key=_given):
            if (wait_s := await self._take(claimed)) or self._stop.is_set():
                return max(wait_s, self.drop.every_s)
        waiting = [one.name for one in await self.folders.files(self._in) if self._is_to_take(one.name)]
        for name in waiting[: self.drop.most]:
            if self._stop.is_set() or not await self.turn.hold():
                break
            claimed = f"{secrets.token_hex(8)}{_MARK}{name}"
            if await self.folders.claim(f"{self._in}/{name}", f"{self._in}/{CLAIMED}/{claimed}"):
                reach("drop.claimed")
                if wait_s := await self._take(claimed):
                    return max(wait_s, self.drop.every_s)
        return 0.0 if len(waiting) > self.drop.most else self.drop.every_s

    async def _clear_away(self) -> None:
        """What lies settled for longer than it is kept, as many at a time as are taken."""
        now_s = clock.now().timestamp()
        if self.drop.keep_s and now_s >= self._cleared_s + _CLEAR_EVERY_S:
            self._cleared_s = now_s
            self._outlived = [
                f"{self._in}/{folder}/{entry.name}"
                for folder in (DONE, REFUSED, ANSWERS)
                for entry in await self.folders.files(f"{self._in}/{folder}")
                if entry.changed_s < now_s - self.drop.keep_s
            ]
        now, self._outlived = self._outlived[: self.drop.most], self._outlived[self.drop.most :]
        for path in now:  # where one cannot be removed, it is tried again with the next look
            await self.folders.remove(path)

    def _is_to_take(self, name: str) -> bool:
        """Hidden and unfinished files are their writer's own; a name that cannot be used is told once."""
        if is_whole(name):
            return True
        if (
            not name.startswith(".")
            and not name.lower().endswith((".tmp", ".part"))
            and name not in self._told
        ):
            self._told.add(name)
            log.error(
                "a dropped file has a name that cannot be used", platform=self.platform.id, name=ascii(name)
            )
        return False

    async def _take(self, claimed: str) -> float:
        """Settles a claimed file; how long to wait where it must come again (0: it is settled)."""
        name = _given(claimed)
        path = f"{self._in}/{CLAIMED}/{claimed}"
        try:
            data = await self.folders.read(path, self.most_bytes)
        except NotAFile as error:
            log.error("not a file", platform=self.platform.id, text=str(error))
            return 0.0
        if data is None:  # another process settled it
            return 0.0
        taken = await self.receiving.take(data, name)
        if isinstance(taken, Later):
            log.warning("file held", platform=self.platform.id, name=name, why=taken.why)
            return taken.after_s
        reach("drop.taken")
        await self._answer(name, taken.answer)
        reach("drop.answered")
        await self._settle(path, name, taken, data)
        return 0.0

    async def _answer(self, name: str, answer: bytes) -> None:
        """The newest under the file's own name; one to an earlier file of that name is kept under a name that its content
        makes."""
        path = f"{self._in}/{ANSWERS}/{name}"
        with contextlib.suppress(NotAFile):  # whatever lies there is nobody's answer
            earlier = await self.folders.read(path, self.most_bytes)
            if earlier is not None and earlier != answer:
                await self.folders.move(path, f"{path}.{_digest(earlier)}")
        await self.folders.replace(path, answer)

    async def _settle(self, path: str, name: str, taken: Taken, data: bytes) -> None:
        """Under its own name; under one that its content makes where an earlier file has that."""
        folder = f"{self._in}/{DONE if taken.accepted else REFUSED}"
        if await self.folders.move(path, f"{folder}/{name}"):
            return
        marked = f"{name}.{_digest(data)}"
        if not await self.folders.move(path, f"{folder}/{marked}"):
            await self.folders.remove(path)  # the very bytes lie there already


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _given(claimed: str) -> str:
    """The name that the platform gave."""
    return claimed.partition(_MARK)[2] or claimed
