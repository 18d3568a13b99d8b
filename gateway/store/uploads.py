"""Uploads under way, in parts; and the complete files that they become.

    incoming/<place>/<upload>/<offset>                    a part of the sealed stream, as it came
    files/<algorithm>/<two digits>/<hex>/<upload>/<offset>  the same of a complete file

A part is written once. Every upload that begins at its first byte has a folder of its own, so the streams of two
connections, processes or nodes never mix; whoever goes on with an upload that another still writes loses the
race for a part. A complete file is found by its row alone, which is written after its parts are durable here.
Nothing of an upload stays in memory but the part that is being filled and the one that is being written.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import structlog

from gateway import clock
from gateway.repeating import Repeating
from gateway.store.blobs import Blobs
from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("store")
PART_BYTES = 4 * 1024 * 1024
MAX_PARTS = 4096  # of one upload; each interruption makes a short one
_INCOMING, FILES = "incoming", "files"


class Crowded(Exception):
    """Somebody else goes on with this very upload, or it was begun anew."""


class TooManyParts(Exception):
    """Interrupted more often than is sensible."""


@dataclass(slots=True)
class Upload:
    """The parts of one upload, in order. Use it in one task; `close` it when that task leaves it."""

    uploads: Uploads
    folder: str
    sizes: list[int] = field(default_factory=list)
    _held: list[bytes] = field(default_factory=list)
    _held_bytes: int = 0
    _taken_bytes: int = 0
    _writing: asyncio.Task[None] | None = None
    _spoilt: bool = False  # a part was not written: what came after it must not take its place

    @property
    def stored_bytes(self) -> int:
        return sum(self.sizes)

    @property
    def taken_bytes(self) -> int:
        """With what is not yet written."""
        return self._taken_bytes

    async def append(self, data: bytes) -> None:
        """Takes what follows. What was taken is written part by part; Crowded, TooManyParts and
        StoreUnavailable tell of any part before."""
        self._held.append(data)
        self._taken_bytes += len(data)
        self._held_bytes += len(data)
        if self._held_bytes >= PART_BYTES:
            await self._settle()
            self._writing = asyncio.create_task(self._write(self._take()))

    async def flush(self) -> None:
        """Everything that was taken is durable when it returns, or the error that it was not is told
        already."""
        await self._settle()
        if self._held and not self._spoilt:
            await self._write(self._take())

    async def complete(self, digest: str) -> tuple[str, tuple[int, ...]]:
        """Makes the parts a file, durably: (its folder, the sizes of its parts). `digest` is
        "sm3:<hex>" or "sha-256:<hex>". Crowded where the upload was begun anew, which took parts away."""
        await self._settle()
        algorithm, _, value = digest.partition(":")
        target = f"{FILES}/{algorithm}/{value[:2]}/{value}/{self.folder.rpartition('/')[2]}"
        sizes = tuple(self.sizes)
        names = names_of(sizes)
        try:
            if self._held:
                last = self._take()
                await self.uploads.blobs.put(f"{target}/{_name(sum(sizes))}", last)
                sizes = (*sizes, len(last))
            if names:
                await self.uploads.blobs.move(self.folder, target, names)
        except (FileNotFoundError, FileExistsError) as error:
            raise Crowded from error
        return target, sizes

    async def discard(self) -> None:
        """Forgets all of it."""
        with contextlib.suppress(Crowded, StoreUnavailable):
            await self._settle()
        self._take()
        await self.uploads.forget(self.folder)

    def close(self) -> None:
        self.uploads.under_way.pop(self.folder, None)

    async def _settle(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    def _take(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return data

    async def _write(self, data: bytes) -> None:
        self._spoilt = True
        if len(self.sizes) >= MAX_PARTS:
            raise TooManyParts
        try:
            await self.uploads.blobs.put(f"{self.folder}/{_name(self.stored_bytes)}", data)
        except FileExistsError as error:
            raise Crowded from error
        self.sizes.append(len(data))
        self._spoilt = False


class Uploads:
    """`place` tells one platform's upload of one file from every other: letters and digits."""

    def __init__(self, blobs: Blobs):
        self.blobs = blobs
        self.under_way: dict[str, Upload] = {}  # by folder: those that this process is taking

    async def begin(self, place: str) -> Upload:
        """From the first byte; what came before under this place is forgotten."""
        await self.forget(f"{_INCOMING}/{place}")
        return self._opened(Upload(self, f"{_INCOMING}/{place}/{clock.new_id()}"))

    async def resume(self, place: str) -> Upload | None:
        """The newest upload, with the parts that follow each other from its first byte; None where no byte
        of any is here."""
        sizes = await self._newest(place)
        if sizes is None:
            return None
        return self._opened(Upload(self, f"{_INCOMING}/{place}/{sizes[0]}", sizes[1]))

    async def offset(self, place: str) -> int:
        """Where an upload would go on; 0 if nowhere."""
        sizes = await self._newest(place)
        return sum(sizes[1]) if sizes is not None else 0

    async def forget(self, folder: str) -> None:
        blobs = await self.blobs.list(folder)
        await self.blobs.forget([f"{folder}/{blob.name}" for blob in blobs])

    async def purge(self, before_ms: int) -> int:
        """Forgets every upload whose newest part was written before, but for those under way here; how
        many. One that is under way elsewhere writes parts, or is given up for its slowness."""
        newest: dict[str, int] = {}
        parts: dict[str, list[str]] = {}
        for blob in await self.blobs.list(_INCOMING):
            path = f"{_INCOMING}/{blob.name}"
            folder = path.rpartition("/")[0]
            newest[folder] = max(newest.get(folder, 0), blob.modified_ms)
            parts.setdefault(folder, []).append(path)
        old = [folder for folder, at in newest.items() if at < before_ms and folder not in self.under_way]
        for folder in old:
            await self.blobs.forget(parts[folder])
        return len(old) + await self.blobs.forget_halves(_INCOMING, before_ms)

    def _opened(self, upload: Upload) -> Upload:
        self.under_way[upload.folder] = upload
        return upload

    async def _newest(self, place: str) -> tuple[str, list[int]] | None:
        """(upload, sizes of its parts)."""
        found: dict[str, dict[str, int]] = {}
        for blob in await self.blobs.list(f"{_INCOMING}/{place}"):
            upload, _, name = blob.name.partition("/")
            found.setdefault(upload, {})[name] = blob.size
        for upload in sorted(found, reverse=True):
            sizes: list[int] = []
            at = 0
            while (size := found[upload].get(_name(at))) is not None:
                sizes.append(size)
                at += size
            if sizes:
                return upload, sizes
        return None


class UploadPurge(Repeating):
    """Forgets uploads that broke off and did not go on for `kept_s`. Every node runs one."""

    def __init__(self, uploads: Uploads, kept_s: float):
        super().__init__(min(max(kept_s / 4, 1.0), 600.0))
        self.uploads = uploads
        self.kept_s = kept_s

    async def look(self) -> None:
        try:
            count = await self.uploads.purge(clock.now_ms() - int(self.kept_s * 1000))
        except StoreUnavailable as error:
            log.warning("unfinished uploads not looked for", cause=str(error))
            return
        if count:
            log.info("unfinished uploads forgotten", count=count)


async def read_parts(
    blobs: Blobs, folder: str, sizes: Sequence[int], start: int = 0
) -> AsyncIterator[memoryview]:
    """The bytes of the parts from `start` on; the next part is fetched while one is used.
    FileNotFoundError where one is gone."""
    ends = list(accumulate(sizes))
    wanted = [
        (f"{folder}/{_name(end - size)}", max(0, start - (end - size)))
        for size, end in zip(sizes, ends, strict=True)
        if end > start
    ]
    fetching: asyncio.Task[memoryview] | None = None
    try:
        for index, (path, skip) in enumerate(wanted):
            part = await fetching if fetching is not None else await blobs.read(path, skip)
            fetching = None
            if index + 1 < len(wanted):
                fetching = asyncio.create_task(blobs.read(*wanted[index + 1]))
            yield part
    finally:
        if fetching is not None:
            fetching.cancel()


def names_of(sizes: Sequence[int]) -> list[str]:
    return [_name(end - size) for size, end in zip(sizes, accumulate(sizes), strict=True)]


def _name(offset: int) -> str:
    return f"{offset:015}"
