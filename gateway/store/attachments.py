"""Complete attachments: sealed at rest, as they came, under the content key in their row.

So a file whose receiver takes the same cipher goes out without being opened, and whoever holds the blobs alone (a
bucket of others) can read none of them. The row is what makes a file exist: its header names key, folder, parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import orjson

from gateway.errors import MessageError
from gateway.security.chunks import ChunkReader, FileHeader, read_members, write_members
from gateway.security.threads import in_threads
from gateway.store.blobs import Blobs
from gateway.store.contract import AttachmentRow
from gateway.store.uploads import read_parts

FindRow = Callable[[str], Awaitable[AttachmentRow | None]]


@dataclass(frozen=True, slots=True)
class Attachment:
    """`start`: where in the parts the chunks begin, behind the header that the sender sealed for us."""

    header: FileHeader
    folder: str
    sizes: tuple[int, ...]
    start: int

    def write(self) -> bytes:
        """For AttachmentRow.header."""
        place = {"folder": self.folder, "sizes": self.sizes, "start": self.start}
        return orjson.dumps({**write_members(self.header), **place})

    @classmethod
    def read(cls, row: AttachmentRow) -> Attachment:
        members = orjson.loads(row.header)
        sizes = tuple(members["sizes"])
        return cls(read_members(members), members["folder"], sizes, members["start"])

    def chunks(self, blobs: Blobs, skip_bytes: int = 0) -> AsyncIterator[memoryview]:
        """The sealed chunks as they are. FileNotFoundError where a part is gone."""
        return read_parts(blobs, self.folder, self.sizes, self.start + skip_bytes)

    async def plain(self, blobs: Blobs) -> AsyncIterator[bytes]:
        """The plain file in pieces; the last one came only when the digest held. OSError where what lies
        there is not what was verified when it came."""
        reader = ChunkReader(self.header, in_threads)
        held = b""
        try:
            async for part in self.chunks(blobs):
                for at in range(0, len(part), _PIECE_BYTES):
                    plain = await asyncio.to_thread(reader.feed, part[at : at + _PIECE_BYTES])
                    if held and plain:
                        yield held
                    held = plain or held
            reader.finish()
        except MessageError as error:
            raise OSError(f"damaged at rest: {error}") from error
        if held:
            yield held


_PIECE_BYTES = 1024 * 1024


async def read_plain(blobs: Blobs, find_row: FindRow, digest: str) -> AsyncIterator[bytes]:
    """The plain bytes of a file by its digest. FileNotFoundError where it is not here, OSError where it is
    damaged."""
    row = await find_row(digest)
    if row is None or row.state != "complete":
        raise FileNotFoundError(digest)
    async for piece in Attachment.read(row).plain(blobs):
        yield piece
