"""Folders on a disk of this machine. Every step goes by descriptors of folders, never by a path that could lead
elsewhere: a symbolic link below the root is an error, not a way.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from gateway.connectors.folders import Entry, FolderError, NotAFile, hidden
from gateway.failpoints import reach

_T = TypeVar("_T")
_AS_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_AS_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # nonblocking: a pipe must not hold us
_AS_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o660


class LocalFolders:
    """`timeout_s` bounds each call: a disk behind a network may hang."""

    def __init__(self, root: Path, timeout_s: float):
        self.root = root
        self.timeout_s = timeout_s

    async def prepare(self, folders: Sequence[str]) -> None:
        await self._run(self._prepare, folders)

    async def files(self, folder: str) -> list[Entry]:
        return await self._run(self._files, folder)

    async def read(self, path: str, most_bytes: int) -> bytes | None:
        return await self._run(self._read, path, most_bytes)

    async def put(self, path: str, data: bytes) -> bool:
        return await self._run(self._put, path, data)

    async def replace(self, path: str, data: bytes) -> None:
        await self._run(self._replace, path, data)

    async def claim(self, path: str, to: str) -> bool:
        return await self._run(self._claim, path, to)

    async def move(self, path: str, to: str) -> bool:
        return await self._run(self._move, path, to)

    async def remove(self, path: str) -> None:
        await self._run(self._remove, path)

    async def close(self) -> None:
        """Nothing stays open."""

    async def _run(self, call: Callable[..., _T], *given: object) -> _T:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await asyncio.to_thread(call, *given)
        except TimeoutError as error:
            text = f"the disk did not answer within {self.timeout_s:g} s"
            raise FolderError("delivery.timeout", text, unknown=True) from error
        except OSError as error:
            raise FolderError("delivery.folder", _words(error)) from error

    @contextmanager
    def _at(self, path: str) -> Iterator[tuple[int, str]]:
        """(descriptor of the folder, name in it)."""
        *folders, name = path.split("/")
        with self._folder(folders) as found:
            yield found, name

    @contextmanager
    def _folder(self, folders: Sequence[str]) -> Iterator[int]:
        found = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for one in folders:
                inner = os.open(one, _AS_FOLDER, dir_fd=found)
                os.close(found)
                found = inner
            yield found
        finally:
            os.close(found)

    def _prepare(self, folders: Sequence[str]) -> None:
        for path in folders:
            parts = path.split("/")
            for count in range(len(parts)):
                with self._folder(parts[:count]) as above, contextlib.suppress(FileExistsError):
                    os.mkdir(parts[count], 0o770, dir_fd=above)
                    os.fsync(above)

    def _files(self, folder: str) -> list[Entry]:
        with self._folder(folder.split("/")) as found, os.scandir(found) as entries:
            files = [
                Entry(entry.name, about.st_size, about.st_mtime)
                for entry in entries
                if (about := _about(entry)) is not None and stat.S_ISREG(about.st_mode)
            ]
        return sorted(files, key=lambda one: one.name)

    def _read(self, path: str, most_bytes: int) -> bytes | None:
        with self._at(path) as (folder, name):
            try:
                file = os.open(name, _AS_FILE, dir_fd=folder)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.ENXIO):  # a link, a socket
                    raise
                raise NotAFile(f"{path}: {error.strerror}") from error
            if not stat.S_ISREG(os.fstat(file).st_mode):
                os.close(file)
                raise NotAFile(f"{path} is not a regular file")
            with os.fdopen(file, "rb") as opened:
                return opened.read(most_bytes + 1)

    def _put(self, path: str, data: bytes) -> bool:
        with self._at(path) as (folder, name):
            written = self._write(folder, name, data)
            try:
                reach("drop.written")
                os.link(written, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                return False
            finally:
                os.unlink(written, dir_fd=folder)
            _sync(folder)
            reach("drop.named")
        return True

    def _replace(self, path: str, data: bytes) -> None:
        with self._at(path) as (folder, name):
            written = self._write(folder, name, data)
            os.rename(written, name, src_dir_fd=folder, dst_dir_fd=folder)
            _sync(folder)

    def _write(self, folder: int, name: str, data: bytes) -> str:
        """The hidden name under which all of it is durable; nothing stays of what could not be written."""
        written = hidden(name, secrets.token_hex(8))
        file = os.open(written, _AS_NEW, _MODE, dir_fd=folder)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(file)
        except OSError:
            os.unlink(written, dir_fd=folder)
            raise
        return written

    def _claim(self, path: str, to: str) -> bool:
        with self._at(path) as (folder, name), self._at(to) as (target, new):
            try:
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=target)
            except FileNotFoundError:
                return False
            _sync(target)
            _sync(folder)
        return True

    def _move(self, path: str, to: str) -> bool:
        with self._at(path) as (folder, name), self._at(to) as (target, new):
            try:
                with contextlib.suppress(PermissionError):  # its owner's alone: it keeps its own time
                    os.utime(name, dir_fd=folder, follow_symlinks=False)
                os.link(name, new, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)
            except FileExistsError:
                if not _is_same(folder, name, target, new):
                    return False
            except FileNotFoundError:
                return False
            _sync(target)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            _sync(folder)
        return True

    def _remove(self, path: str) -> None:
        with self._at(path) as (folder, name), contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _about(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # moved while we looked
        return None


def _is_same(folder: int, name: str, target: int, new: str) -> bool:
    """Is it one file under both names? A move that broke off leaves it so."""
    try:
        one = os.stat(name, dir_fd=folder, follow_symlinks=False)
        other = os.stat(new, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def _sync(folder: int) -> None:
    """A name that could not be made durable may be there all the same, and may be gone after a crash."""
    try:
        os.fsync(folder)
    except OSError as error:
        raise FolderError("delivery.folder", _words(error), unknown=True) from error


def _words(error: OSError) -> str:
    return f"{error.strerror or type(error).__name__}: {error.filename}" if error.filename else str(error)
