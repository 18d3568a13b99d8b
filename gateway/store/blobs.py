"""Attachments' bytes: a local, content-addressed folder.

`<root>/<algorithm>/<first two hex digits>/<hex>` is complete and never changes; `<root>/partial/…` grows
by appending and can be resumed. A file becomes complete by fsync, rename, fsync of the folder, so that it
is there after a crash when `finish` has returned (DESIGN.md promise 1). Whether the bytes are what the
digest says is the caller's to check before `finish`: at rest they may be sealed.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

CHUNK_BYTES = 1024 * 1024
_DIGEST = re.compile(r"(sha-256|sm3):([0-9a-f]{64})")


class Blobs:
    """`root` is made where it is missing. A digest is `sha-256:<hex>` or `sm3:<hex>`, else ValueError."""

    def __init__(self, root: Path):
        self._root = root

    async def partial_size(self, digest: str) -> int:
        """Bytes that are here of a file that is not complete: where an upload goes on. 0 if none."""
        return await asyncio.to_thread(_size, self._partial(digest), 0)

    async def append(self, digest: str, offset: int, data: bytes) -> int:
        """Adds to the partial file at `offset`, which must be its end (else ValueError); the new size.
        What is beyond the last complete append of an upload that was cut off counts as here."""
        return await asyncio.to_thread(_append, self._partial(digest), offset, data)

    async def finish(self, digest: str) -> int:
        """Makes the partial file complete and durable; its size. FileNotFoundError where nothing came.
        Where the file is complete already it stays, and the partial one goes."""
        return await asyncio.to_thread(self._finish, digest)

    async def discard(self, digest: str) -> None:
        """Forgets the partial file."""
        await asyncio.to_thread(self._partial(digest).unlink, missing_ok=True)

    async def size(self, digest: str) -> int | None:
        """Bytes of the complete file; None where there is none."""
        found = await asyncio.to_thread(_size, self._complete(digest), -1)
        return None if found < 0 else found

    def read(self, digest: str, offset: int = 0, chunk_bytes: int = CHUNK_BYTES) -> AsyncIterator[bytes]:
        """The complete file from `offset` in chunks. FileNotFoundError at the first where it is not here."""
        return _read(self._complete(digest), offset, chunk_bytes)

    def read_partial(
        self, digest: str, offset: int = 0, chunk_bytes: int = CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """The partial file, e.g. to take a digest up again where an upload is resumed."""
        return _read(self._partial(digest), offset, chunk_bytes)

    def _complete(self, digest: str) -> Path:
        algorithm, value = _split(digest)
        return self._root / algorithm / value[:2] / value

    def _partial(self, digest: str) -> Path:
        algorithm, value = _split(digest)
        return self._root / "partial" / f"{algorithm}-{value}"

    def _finish(self, digest: str) -> int:
        partial, complete = self._partial(digest), self._complete(digest)
        if complete.exists():
            partial.unlink(missing_ok=True)
            return complete.stat().st_size
        _sync(partial)
        for folder in (self._root, complete.parent.parent, complete.parent):
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
                _sync(folder.parent)
        partial.replace(complete)
        _sync(complete.parent)
        return complete.stat().st_size


def _split(digest: str) -> tuple[str, str]:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise ValueError(f"not a digest: {digest[:80]!r}")
    return match.group(1), match.group(2)


def _size(path: Path, missing: int) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return missing


def _append(path: Path, offset: int, data: bytes) -> int:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if offset != end:
            raise ValueError(f"the partial file ends at {end}, not at {offset}")
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        return end + len(data)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def _read(path: Path, offset: int, chunk_bytes: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, offset)
        while chunk := await asyncio.to_thread(file.read, chunk_bytes):
            yield chunk
    finally:
        file.close()
