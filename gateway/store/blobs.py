"""Attachments' bytes: obstore is the one door, a local folder or an S3-compatible store behind it.

A blob is a part of a file, some MiB at most; it is written once and never changed. What `put` and `move` wrote
is durable when they return (DESIGN.md promise 1): an S3 store answers when it holds the object; obstore's
local put renames without fsync, so here file and folder are synced after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from gateway.failpoints import reach
from gateway.store.contract import StoreUnavailable

_AT_ONCE = 8  # requests under way to a remote store


@dataclass(frozen=True, slots=True)
class Blob:
    """`name` is its path below the folder that was listed; `modified_ms` since 1970 UTC."""

    name: str
    size: int
    modified_ms: int


class Blobs:
    """`folder` is where a local store keeps them, None for a remote one.

    Every call raises StoreUnavailable where the store cannot be used now (no room, no answer): then nothing
    of the blob is visible, and the same call may come again.
    """

    def __init__(self, store: Any, folder: Path | None = None):
        self._store = store
        self._folder = folder

    @classmethod
    def at_folder(cls, folder: Path) -> Blobs:
        """A local folder; it is made where it is missing."""
        return cls(LocalStore(str(folder), mkdir=True), folder)

    @classmethod
    def at_url(cls, url: str, *, endpoint: str = "", region: str = "", give_up_s: float = 20.0) -> Blobs:
        """`s3://bucket/prefix`; keys come from the environment (AWS_ACCESS_KEY_ID, …) or the machine's role.
        ValueError for what is no such store. Plain HTTP goes where `endpoint` says http. A request is
        tried again for `give_up_s` at most."""
        if not url.startswith("s3://"):
            raise ValueError(f"not an s3:// address: {url[:80]}")
        config: Any = {name: value for name, value in (("endpoint", endpoint), ("region", region)) if value}
        client: Any = {"allow_http": endpoint.startswith("http://"), "timeout": "60s"}
        retry: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=give_up_s)}
        try:
            return cls(S3Store.from_url(url, config=config, client_options=client, retry_config=retry))
        except BaseError as error:
            raise ValueError(str(error).partition("\n")[0]) from error

    async def put(self, path: str, data: bytes) -> None:
        """Durable when it returns. FileExistsError where another one stands there already."""
        file = self._file(path)
        with _told(f"take {path}"):
            if file is not None:
                await asyncio.to_thread(_make_folder, file.parent)
            reach("blob.before-put")
            await obstore.put_async(self._store, path, data, mode="create", use_multipart=False)
            reach("blob.written")
            if file is not None:
                await asyncio.to_thread(_sync_all, (file, file.parent))
            reach("blob.synced")

    async def move(self, source: str, target: str, names: Sequence[str]) -> None:
        """Blobs of one folder into another. FileNotFoundError where one is not there (any more)."""
        folder, left = self._file(target), self._file(source)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def move(name: str) -> None:
            async with slots:
                await obstore.rename_async(self._store, f"{source}/{name}", f"{target}/{name}")

        with _told(f"move {source}"):
            if folder is not None:
                await asyncio.to_thread(_make_folder, folder)
            reach("blob.before-move")
            await asyncio.gather(*map(move, names))
            reach("blob.moved")
            if folder is not None and left is not None:
                await asyncio.to_thread(_sync_all, (folder,))
                await asyncio.to_thread(_remove_empty, left)

    async def read(self, path: str, start: int = 0) -> memoryview:
        """The bytes from `start` on. FileNotFoundError where there is none."""
        with _told(f"give {path}"):
            found = await obstore.get_async(self._store, path)
            return memoryview(await found.bytes_async())[start:]

    async def list(self, folder: str) -> list[Blob]:
        """What stands anywhere below `folder`, in the order of the names; nothing where nothing is."""
        with _told(f"list {folder}"):
            found = await obstore.list(self._store, folder).collect_async()
        blobs = [
            Blob(
                one["path"].removeprefix(f"{folder}/"),
                one["size"],
                int(one["last_modified"].timestamp() * 1000),
            )
            for one in found
        ]
        return sorted(blobs, key=lambda blob: blob.name)

    async def forget(self, paths: Sequence[str]) -> None:
        """Deletes them; what is gone already is no error."""
        for path in paths:
            with _told(f"forget {path}"), contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, path)
            file = self._file(path)
            if file is not None:
                await asyncio.to_thread(_remove_empty, file.parent)

    async def forget_halves(self, folder: str, before_ms: int) -> int:
        """What a process that died while writing left behind: a list does not show it. How many."""
        place = self._file(folder)
        return await asyncio.to_thread(_forget_halves, place, before_ms / 1000) if place is not None else 0

    def _file(self, path: str) -> Path | None:
        return self._folder / path if self._folder is not None else None


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except AlreadyExistsError as error:
        raise FileExistsError(what) from error
    except (FileNotFoundError, FileExistsError):
        raise
    except (BaseError, OSError) as error:
        cause = str(error).partition("\n")[0][:300]
        raise StoreUnavailable(f"the store of attachments did not {what}: {cause}") from error


def _make_folder(folder: Path) -> None:
    """With its parents, each of them durable."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_all((folder.parent,))


def _sync_all(paths: Sequence[Path]) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_empty(folder: Path) -> None:
    """The folder and its parent, where nothing is left in them."""
    with contextlib.suppress(OSError):  # not empty, gone, or just being filled: all of it is right
        folder.rmdir()
        folder.parent.rmdir()


def _forget_halves(folder: Path, before_s: float) -> int:
    """obstore writes beside the name, with `#` and a number behind it, and renames."""
    count = 0
    for file in list(folder.rglob("*#*")):
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_mtime < before_s:
                file.unlink()
                count += 1
                _remove_empty(file.parent)
    return count
