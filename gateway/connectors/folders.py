"""What a place of exchange must do, whether on a disk or behind SFTP; and which names are files to take.

Paths are relative to the connector's url, with `/` between folders. A file is there under its name only once all
of it is durable, and `put` never overwrites: two writers of one name leave one file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import GatewayError

UNFINISHED = (".tmp", ".part")
_NAME_BYTES = 200  # there must be room for what is added to a name


class FolderError(GatewayError):
    """The place cannot be used now. `unknown`: what was begun may have been done all the same."""

    def __init__(self, code: str, text: str, *, unknown: bool = False):
        self.code, self.text, self.unknown = code, text, unknown
        super().__init__(f"{code}: {text}")


class NotAFile(GatewayError):
    """A link, a folder or a device lies there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: name, size in bytes, seconds since 1970 of its last change."""

    name: str
    size: int
    changed_s: float


class Folders(Protocol):
    """FolderError wherever the place fails; what is not a regular file is never followed."""

    async def prepare(self, folders: Sequence[str]) -> None:
        """Makes the folders that are missing."""
        ...

    async def files(self, folder: str) -> list[Entry]:
        """Regular files only, by name."""
        ...

    async def read(self, path: str, most_bytes: int) -> bytes | None:
        """The first `most_bytes` + 1 bytes; None if there is none. NotAFile for anything but a file."""
        ...

    async def put(self, path: str, data: bytes) -> bool:
        """Durable under that name; False if something lies there already, which stays."""
        ...

    async def replace(self, path: str, data: bytes) -> None:
        """Durable under that name, whatever was there."""
        ...

    async def claim(self, path: str, to: str) -> bool:
        """Moves in one step whatever lies there now to a name that nobody else uses; False if it is gone."""
        ...

    async def move(self, path: str, to: str) -> bool:
        """Durable, and changed now where the place lets us say so; False if `to` is taken or `path` is gone."""
        ...

    async def remove(self, path: str) -> None:
        """Gone; no error where it was gone before."""
        ...

    async def close(self) -> None: ...


def is_whole(name: str) -> bool:
    """Is it the name of a file that its writer has finished, and one that may be used as it is?"""
    if name.startswith(".") or name.lower().endswith(UNFINISHED) or not name.isprintable() or "/" in name:
        return False
    try:
        return 0 < len(name.encode()) <= _NAME_BYTES
    except UnicodeEncodeError:  # not UTF-8 on the disk
        return False


def hidden(path: str, mark: str) -> str:
    """A name in the same folder that nobody takes for a message, for what is being written."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.{name}.{mark}.tmp"
