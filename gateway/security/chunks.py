"""Attachments on the wire: a sealed header, then chunks in the STREAM construction, alike for all suites.

    "GWA1" | length of the sealed header, 4 bytes | sealed header | chunk | chunk | … | last chunk

The header is a small JSON object that the sender's suite signs and encrypts: digest and size of the plain
file, chunk size, cipher, content key, a nonce prefix. The same chunks may go to several receivers, each under
a header that is sealed for it, as the recipients of one CMS message share its content. Each chunk is
`chunk_size` plain bytes (the last one the rest, perhaps none) under AEAD, 16 bytes longer. Its nonce is the
prefix (7 bytes), the chunk's number (4 bytes) and whether it is the last (1 byte); so a chunk that was changed,
left out, repeated or moved fails, and so does a file that was cut (Hoang, Reyhanitabar, Rogaway, Vizár: STREAM,
2015).

Plain bytes that come out are authentic, but the file is whole only when `finish` returned.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag

from gateway.digests import new_digest
from gateway.errors import MessageError
from gateway.message import Claims
from gateway.security.aead import KEY_BYTES, TAG_BYTES, CipherName, aead
from gateway.security.claimset import read_object
from gateway.security.identity import Identity, Recipients
from gateway.security.refusals import SealError
from gateway.security.suite import Peer, Suite, Unsealed
from gateway.security.trust import Trust

MAGIC = b"GWA1"
MESSAGE_TYPE = "attachment"
CHUNK_BYTES = 256 * 1024
MIN_CHUNK_BYTES = 1024
MAX_CHUNK_BYTES = 4 * 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
_PREFIX_BYTES = 7
_START_BYTES = len(MAGIC) + 4
_MAX_CHUNKS = 1 << 32
_HEX_DIGITS = {"sm3": 64, "sha256": 64}


Buffer = bytes | bytearray | memoryview
Run = Callable[[Callable[[tuple[int, bytes]], bytes], Iterable[tuple[int, bytes]]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class FileHeader:
    """`digest` of the plain file is "sm3:<hex>" or "sha256:<hex>"; sizes are of plain bytes."""

    digest: str
    size: int
    chunk_size: int
    cipher: CipherName
    key: bytes = field(repr=False)
    prefix: bytes = field(repr=False)

    @property
    def chunks(self) -> int:
        """How many chunks follow; an empty file has one, an empty last one."""
        return max(1, -(-self.size // self.chunk_size))

    @property
    def wire_bytes(self) -> int:
        """How many bytes follow the sealed header."""
        return self.size + self.chunks * TAG_BYTES


def new_header(
    digest: str, size: int, *, cipher: CipherName = "A256GCM", chunk_size: int = CHUNK_BYTES
) -> FileHeader:
    """With a fresh random key; ValueError for a digest, size or chunk size that cannot be."""
    key, prefix = secrets.token_bytes(KEY_BYTES[cipher]), secrets.token_bytes(_PREFIX_BYTES)
    return _checked(FileHeader(digest, size, chunk_size, cipher, key, prefix))


def seal_header(header: FileHeader, claims: Claims, suite: Suite, signer: Identity, peer: Peer) -> bytes:
    """What the stream begins with. `claims` name sender and receiver; type, key and media type are set
    here: "attachment", the file's digest, JSON."""
    bound = Claims(
        sender=claims.sender,
        receiver=claims.receiver,
        msg_type=MESSAGE_TYPE,
        idem_key=header.digest,
        issued_at=claims.issued_at,
        jti=claims.jti,
        content_type="application/json",
    )
    text = json.dumps(write_members(header), separators=(",", ":"))
    if suite.name == "wss":  # which seals XML only
        text = f'<File xmlns="urn:sh-ggzy-czzf:seal:1.0">{text}</File>'
    sealed = suite.seal(text.encode("ascii"), bound, signer, peer)
    if len(sealed) > MAX_HEADER_BYTES:
        raise ValueError("the sealed header is too large")
    return MAGIC + len(sealed).to_bytes(4, "big") + sealed


def open_header(
    sealed: bytes, suite: Suite, recipient: Recipients, trust: Trust, at: datetime
) -> tuple[FileHeader, Unsealed]:
    """The header and what its seal bound; SealError if it does not hold. `sealed` is without what stands
    before it (`ChunkOpener` takes that off). Claims are not judged here: call `check_claims`."""
    unsealed = suite.unseal(sealed, recipient, trust, at)
    text = unsealed.payload
    if suite.name == "wss":
        text = text.partition(b">")[2].rpartition(b"<")[0]
    try:
        header = read_members(read_object(text))
    except (ValueError, binascii.Error) as error:
        raise SealError(f"the header of the file: {error}") from error
    if unsealed.claims.msg_type != MESSAGE_TYPE or unsealed.claims.idem_key != header.digest:
        raise SealError("the seal is not one of this file's header")
    return header, unsealed


class ChunkSealer:
    """Feed it the plain file in pieces of any size; what it returns follows the sealed header.

    That the digest is the header's is not checked here a second time: whoever opens the stream does.
    `run`: see ChunkReader. `first`: the chunk to begin with, which `first` times the chunk size comes before.
    """

    def __init__(self, header: FileHeader, run: Run = map, *, first: int = 0) -> None:
        self.header = header
        self._aead = aead(header.cipher, header.key)
        self._run = run
        self._waiting = bytearray()
        self._number = first
        self._taken = first * header.chunk_size

    def feed(self, data: Buffer) -> bytes:
        """The chunks that became full. The last chunk is held back until `finish`."""
        self._waiting += data
        self._taken += memoryview(data).nbytes
        count = max(0, len(self._waiting) - 1) // self.header.chunk_size
        return b"".join(self._run(self._seal, self._take(count)))

    def finish(self) -> bytes:
        """The last chunk. ValueError if what was fed is not as long as the header says."""
        if self._taken != self.header.size:
            raise ValueError("the file is not the one that its header names")
        return self._aead.encrypt(_nonce(self.header, self._number, last=True), bytes(self._waiting), None)

    def _take(self, count: int) -> list[tuple[int, bytes]]:
        size, first = self.header.chunk_size, self._number
        taken = [(first + at, bytes(self._waiting[at * size : (at + 1) * size])) for at in range(count)]
        del self._waiting[: count * size]
        self._number += count
        return taken

    def _seal(self, numbered: tuple[int, bytes]) -> bytes:
        number, chunk = numbered
        return self._aead.encrypt(_nonce(self.header, number, last=False), chunk, None)


class ChunkReader:
    """Feed it the chunks that follow the header, in pieces of any size; it returns the plain bytes.

    `run` applies a function to chunks, in order: `map`, or that of a pool of threads (AEAD and digests let
    go of the interpreter). MessageError 30010 for chunks that were changed or go on behind the end.
    """

    def __init__(self, header: FileHeader, run: Run = map) -> None:
        self.header = header
        self._run = run
        self._aead = aead(header.cipher, header.key)
        self._digest = new_digest(header.digest.partition(":")[0])
        self._waiting = bytearray()
        self._number = 0

    def feed(self, data: Buffer) -> bytes:
        return b"".join(self._opened(data))

    def verify(self, data: Buffer) -> None:
        """As `feed`, for who wants to know only that it is right."""
        for _ in self._opened(data):
            pass

    def _opened(self, data: Buffer) -> Iterator[bytes]:
        self._waiting += data
        taken = self._take()
        if self._number == self.header.chunks and self._waiting:
            raise _damaged("trailing", "附件末尾之后还有数据", "data follows the attachment's end")
        for plain in self._run(self._open, taken):
            self._digest.update(plain)
            yield plain

    def finish(self) -> FileHeader:
        """The header, if the whole file came and its digest is the one that was signed. MessageError 30010."""
        if self._number < self.header.chunks:
            raise _cut()
        if self._digest.hexdigest() != self.header.digest.partition(":")[2]:
            raise _damaged("digest", "附件摘要不符", "the attachment's digest is not the one that was signed")
        return self.header

    def _take(self) -> list[tuple[int, bytes]]:
        taken, at = [], 0
        while self._number < self.header.chunks:
            end = at + self._size_of(self._number)
            if end > len(self._waiting):
                break
            taken.append((self._number, bytes(self._waiting[at:end])))
            self._number += 1
            at = end
        del self._waiting[:at]
        return taken

    def _size_of(self, number: int) -> int:
        header = self.header
        last = number == header.chunks - 1
        return (header.size - number * header.chunk_size if last else header.chunk_size) + TAG_BYTES

    def _open(self, numbered: tuple[int, bytes]) -> bytes:
        number, chunk = numbered
        nonce = _nonce(self.header, number, last=number == self.header.chunks - 1)
        try:
            return self._aead.decrypt(nonce, chunk, None)
        except InvalidTag as error:
            raise _damaged("changed", "附件数据被改动", "the attachment was changed on the way") from error


class ChunkOpener:
    """Feed it the stream from its first byte in pieces of any size; it returns the plain bytes.

    `open_sealed` turns the sealed header into the header, and refuses it where sender, receiver, age or
    size are not right; it is called once, as soon as the header is there. MessageError 30010 for a stream
    that was changed or goes on behind its end. `run`: see ChunkReader.
    """

    def __init__(self, open_sealed: Callable[[bytes], FileHeader], run: Run = map) -> None:
        self.start_bytes = 0  # how long the sealed header was, with what stands before it
        self.reader: ChunkReader | None = None
        self._open_sealed = open_sealed
        self._run = run
        self._waiting = bytearray()

    def feed(self, data: Buffer) -> bytes:
        rest = self._behind_header(data)
        return self.reader.feed(rest) if self.reader is not None else b""

    def verify(self, data: Buffer) -> None:
        """As `feed`, for who wants to know only that it is right."""
        rest = self._behind_header(data)
        if self.reader is not None:
            self.reader.verify(rest)

    def finish(self) -> FileHeader:
        """The header, if the whole file came and its digest is the one that was signed. MessageError 30010."""
        if self.reader is None:
            raise _cut()
        return self.reader.finish()

    def _behind_header(self, data: Buffer) -> Buffer:
        if self.reader is not None:
            return data
        self._waiting += data
        self.reader = self._read_header()
        if self.reader is None:
            return b""
        rest, self._waiting = self._waiting, bytearray()
        return rest

    def _read_header(self) -> ChunkReader | None:
        waiting = self._waiting
        if bytes(waiting[: len(MAGIC)]) != MAGIC[: len(waiting)]:
            raise _damaged("malformed", "不是附件传输格式", "not the attachment format")
        if len(waiting) < _START_BYTES:
            return None
        size = int.from_bytes(waiting[len(MAGIC) : _START_BYTES], "big")
        if size > MAX_HEADER_BYTES:
            raise _damaged("malformed", "附件首部过大", "the attachment's header is too large")
        if len(waiting) < _START_BYTES + size:
            return None
        header = self._open_sealed(bytes(waiting[_START_BYTES : _START_BYTES + size]))
        del waiting[: _START_BYTES + size]
        self.start_bytes = _START_BYTES + size
        return ChunkReader(header, self._run)


def _nonce(header: FileHeader, number: int, *, last: bool) -> bytes:
    return header.prefix + number.to_bytes(4, "big") + (b"\1" if last else b"\0")


def write_members(header: FileHeader) -> dict[str, Any]:
    """The header as the JSON object that is sealed; it holds the content key."""
    return {
        "digest": header.digest,
        "size": header.size,
        "chunk": header.chunk_size,
        "cipher": header.cipher,
        "key": base64.b64encode(header.key).decode("ascii"),
        "prefix": base64.b64encode(header.prefix).decode("ascii"),
    }


def read_members(members: Mapping[str, Any]) -> FileHeader:
    """What `write_members` wrote; ValueError for anything else."""
    digest, size, chunk_size = members.get("digest"), members.get("size"), members.get("chunk")
    cipher, key, prefix = members.get("cipher"), members.get("key"), members.get("prefix")
    texts = all(isinstance(text, str) for text in (digest, cipher, key, prefix))
    if not texts or type(size) is not int or type(chunk_size) is not int or cipher not in KEY_BYTES:
        raise ValueError("a member is missing or not what it should be")
    opened = [base64.b64decode(str(text), validate=True) for text in (key, prefix)]
    return _checked(FileHeader(str(digest), size, chunk_size, cipher, opened[0], opened[1]))


def _checked(header: FileHeader) -> FileHeader:
    algorithm, _, digits = header.digest.partition(":")
    if len(digits) != _HEX_DIGITS.get(algorithm) or not set(digits) <= set("0123456789abcdef"):
        raise ValueError("the digest is sm3:<hex> or sha256:<hex>, in lower case")
    if not MIN_CHUNK_BYTES <= header.chunk_size <= MAX_CHUNK_BYTES:
        raise ValueError(f"a chunk has {MIN_CHUNK_BYTES} to {MAX_CHUNK_BYTES} bytes")
    if header.size < 0 or header.chunks > _MAX_CHUNKS:
        raise ValueError("the size is out of range")
    if len(header.key) != KEY_BYTES[header.cipher] or len(header.prefix) != _PREFIX_BYTES:
        raise ValueError("the key or the nonce prefix has a wrong length")
    return header


def _cut() -> MessageError:
    return _damaged("cut", "附件不完整", "the attachment was cut off")


def _damaged(what: str, zh: str, en: str) -> MessageError:
    return MessageError.of(f"attachment.{what}", zh, en, result="30010")
