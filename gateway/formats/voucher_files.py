"""Attachments of the voucher store: a file as a row of GBK XML <File> blocks (FACTS.md 2.1, sendData).

The operations carry each block's XML in Base64 once more; that is the business of the transport.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway import xmltree
from gateway.errors import MessageError
from gateway.formats.contract import refusal
from gateway.formats.elements import encode_text, field_reader, write_element

BLOCK_BYTES = 2 * 1024 * 1024
_NAMES = ("FileName", "FileBlockCount", "AfewBlock", "Attach", "VtCode", "VoucherNo", "FileData")


class VoucherFileBlocks:
    """Cuts a file of known size that arrives in pieces of any length. Feed it, then `finish`."""

    def __init__(self, name: str, vt_code: str, voucher_no: str, size_bytes: int, *, attach: str = ""):
        self.name = name
        self.vt_code = vt_code
        self.voucher_no = voucher_no
        self.size_bytes = size_bytes
        self.attach = attach
        self.count = max(1, -(-size_bytes // BLOCK_BYTES))
        self._index = 0
        self._seen_bytes = 0
        self._held = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The blocks that this piece completes. ValueError beyond the size that was promised."""
        self._seen_bytes += len(chunk)
        if self._seen_bytes > self.size_bytes:
            raise ValueError(f"{self.name} is longer than the {self.size_bytes} bytes promised")
        self._held += chunk
        blocks = []
        while len(self._held) >= BLOCK_BYTES:
            blocks.append(self._block(bytes(self._held[:BLOCK_BYTES])))
            del self._held[:BLOCK_BYTES]
        return blocks

    def finish(self) -> list[bytes]:
        """The last block, if any is left. ValueError where the file was cut off."""
        if self._seen_bytes != self.size_bytes:
            raise ValueError(f"{self.name} ended after {self._seen_bytes} of {self.size_bytes} bytes")
        if self._index == self.count:
            return []
        data = bytes(self._held)
        self._held.clear()
        return [self._block(data)]

    def _block(self, data: bytes) -> bytes:
        self._index += 1
        texts = (self.name, str(self.count), str(self._index), self.attach, self.vt_code, self.voucher_no)
        fields = dict(zip(_NAMES, (*texts, base64.b64encode(data).decode("ascii")), strict=True))
        pieces = ['<?xml version="1.0" encoding="GBK"?>\n']
        write_element("File", fields, pieces)
        return encode_text(pieces, "gbk", {name: fields[name] for name in _NAMES[:-1]})


def voucher_file_blocks(
    name: str, vt_code: str, voucher_no: str, chunks: Iterable[bytes], size_bytes: int
) -> Iterator[bytes]:
    """The blocks of a whole file, one at a time: at most one block is held in memory."""
    blocks = VoucherFileBlocks(name, vt_code, voucher_no, size_bytes)
    for chunk in chunks:
        yield from blocks.feed(chunk)
    yield from blocks.finish()


@dataclass(frozen=True, slots=True)
class VoucherFileBlock:
    """One block as read; `index` counts from 1."""

    name: str
    count: int
    index: int
    attach: str
    vt_code: str
    voucher_no: str
    data: bytes


def read_file_block(data: bytes) -> VoucherFileBlock:
    """One <File>. MessageError 30010 where it is not a block."""
    root = xmltree.parse(data, encoding=None if data.lstrip().startswith(b"<?xml") else "gbk")
    fields = field_reader(root)(root)
    texts = {name: fields.get(name, "") for name in _NAMES}
    try:
        block = VoucherFileBlock(
            texts["FileName"],
            int(texts["FileBlockCount"]),
            int(texts["AfewBlock"]),
            texts["Attach"],
            texts["VtCode"],
            texts["VoucherNo"],
            base64.b64decode("".join(texts["FileData"].split()), validate=True),
        )
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise _bad_block(str(error)) from error
    if root.tag != "File" or not 1 <= block.index <= block.count:
        raise _bad_block(f"{root.tag}: block {block.index} of {block.count}")
    return block


def join_file_blocks(blocks: Iterable[VoucherFileBlock]) -> tuple[str, bytes]:
    """(name, content) of a file whose blocks came in any order. MessageError 30010 where one is missing,
    stands twice, or belongs to another file."""
    ordered = sorted(blocks, key=lambda block: block.index)
    names = {(block.name, block.vt_code, block.voucher_no, block.count) for block in ordered}
    if len(names) != 1 or [block.index for block in ordered] != list(range(1, ordered[0].count + 1)):
        raise _bad_block("blocks are missing, repeated, or of several files")
    return ordered[0].name, b"".join(block.data for block in ordered)


def _bad_block(text: str) -> MessageError:
    return refusal(
        "mof.file-block",
        f"附件分块不合规范: {text[:120]}",
        f"not a block of an attachment: {text[:120]}",
        result="30010",
        path="File",
    )
