"""The attachments that a message names, by the places where the standard writes their digests.

Whoever receives the message may fetch them, so far as its sender may: knowing a digest lets nobody in, and
lets nobody else in either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.errors import Fault, MessageError
from gateway.message import Record
from gateway.settings import Platform
from gateway.standard import Standard
from gateway.standard.model import Element

_DIGEST, _FILE = "Digest", "FileId"


class Attached:
    """`may_read` (digest, platform): does the platform hold a grant on the complete file?"""

    def __init__(
        self,
        standard: Standard,
        platforms: Mapping[str, Platform],
        may_read: Callable[[str, str], Awaitable[bool]],
    ):
        self._places = {kind.number: _places_of(standard.model(kind.number)) for kind in standard.catalogue}
        self._may_read = may_read
        # The gateway itself takes the bytes of these to their receiver.
        self._carried = {
            number
            for platform in platforms.values()
            for number, operations in platform.connector.operations.items()
            if operations.files
        }

    async def digests(self, number: str, record: Record, sender: str) -> tuple[str, ...]:
        """As the store names them. MessageError 30010 with every file that is to be carried and that is not
        here, or that the sender has no right to."""
        places = self._places[number]
        if not places:
            return ()
        named = [found for place in places for found in _find(record, place, "")]
        if number in self._carried:
            faults = [_not_here(path) for path, digest in named if not await self._may_read(digest, sender)]
            if faults:
                raise MessageError(faults)
        return tuple(dict.fromkeys(digest for _, digest in named))


def carried_files(body: Record, paths: Sequence[str]) -> list[dict[str, Any]]:
    """{digest, name, size} of every file at these paths of a message ({FileId, Digest, FileSize, FileName}
    each), in order, each once. Of several with one name each gets its FileId before it: the voucher store
    tells the files of a voucher apart by their names alone."""
    named = {
        (item["Digest"], item["FileId"]): item
        for path in paths
        for item in _items(body, path.split("/"))
        if item.get("FileId")
    }
    count = Counter(_file_name(item) for item in named.values())
    return [
        {
            "digest": f"sm3:{item['Digest']}",
            "name": name if count[name] == 1 else f"{item['FileId']}-{name}",
            "size": int(item["FileSize"]),
        }
        for item in named.values()
        for name in (_file_name(item),)
    ]


def _items(found: Any, path: Sequence[str]) -> list[Record]:
    for name in path:
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, list) else [found] if found else []


def _file_name(item: Record) -> str:
    return str(item.get("FileName") or item["FileId"])


def _places_of(root: Element) -> tuple[tuple[str, ...], ...]:
    """The paths of digests that stand beside the identifier of their file."""
    paths = {path for path, _ in root.walk()}
    return tuple(
        tuple(path.split("/"))
        for path in sorted(paths)
        if path.endswith(_DIGEST) and path.removesuffix(_DIGEST) + _FILE in paths
    )


def _find(value: Any, place: tuple[str, ...], path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value, 1):
            yield from _find(item, place, f"{path}[{index}]")
    elif not place:
        yield path, f"sm3:{value}"
    elif isinstance(value, dict) and place[0] in value:
        yield from _find(value[place[0]], place[1:], f"{path}/{place[0]}" if path else place[0])


def _not_here(path: str) -> Fault:
    return Fault(
        "attachment.not-here",
        path,
        "附件未上传，或发送方无权使用",
        "the file was not uploaded, or is not the sender's to hand on",
        "30010",
    )
