"""Files that no row names: the process died after an upload was moved to its place, before its row was durable.

The shelves below `files/` are gone through one a look, so that a store of millions of files is not listed at once.
A folder is forgotten the second time that it is met without a row, `kept_s` later at the earliest: between the move
and the row lies a moment, in which another node's file looks just so.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable

import structlog

from gateway import clock
from gateway.repeating import Repeating
from gateway.store.attachments import Attachment
from gateway.store.contract import AttachmentRow, StoreUnavailable
from gateway.store.uploads import FILES, Uploads

log = structlog.get_logger("store")
SHELVES = tuple(f"{kind}/{first:02x}" for kind in ("sm3", "sha-256") for first in range(256))
LOOK_EVERY_S = 600.0
_MOST_MET = 10_000


class FilePurge(Repeating):
    """`find` gives the row of a digest. Every node may run one."""

    def __init__(
        self, uploads: Uploads, find: Callable[[str], Awaitable[AttachmentRow | None]], kept_s: float
    ):
        super().__init__(min(max(kept_s / 4, 1.0), LOOK_EVERY_S))
        self.uploads = uploads
        self.kept_s = kept_s
        self._find = find
        self._shelves = itertools.cycle(SHELVES)
        self._met_s: dict[str, float] = {}  # folder → when it was first met without a row

    async def look(self) -> None:
        """One shelf."""
        try:
            count = await self.sweep(next(self._shelves))
        except StoreUnavailable as error:
            log.warning("files without a row not looked for", cause=str(error))
            return
        if count:
            log.info("files without a row forgotten", count=count)

    async def sweep(self, shelf: str) -> int:
        """How many were forgotten. StoreUnavailable where rows or files cannot be read now."""
        count = 0
        place = f"{FILES}/{shelf}"
        for folder in sorted({blob.name.rpartition("/")[0] for blob in await self.uploads.blobs.list(place)}):
            path = f"{place}/{folder}"
            if await self._is_named(path):
                self._met_s.pop(path, None)
            elif self._is_old(path):
                await self.uploads.forget(path)
                del self._met_s[path]
                count += 1
        before_ms = clock.now_ms() - int(self.kept_s * 1000)
        return count + await self.uploads.blobs.forget_halves(place, before_ms)

    def _is_old(self, path: str) -> bool:
        now_s = time.monotonic()
        if path not in self._met_s and len(self._met_s) >= _MOST_MET:
            return False
        first_s = self._met_s.setdefault(path, now_s)
        return first_s < now_s and now_s - first_s >= self.kept_s

    async def _is_named(self, path: str) -> bool:
        """files/<algorithm>/<two digits>/<hex>/<upload>: does the row of this digest name this folder?"""
        _, algorithm, _, value, *_ = path.split("/")
        row = await self._find(f"{algorithm}:{value}")
        return row is not None and row.state == "complete" and Attachment.read(row).folder == path
