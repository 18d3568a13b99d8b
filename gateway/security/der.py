"""DER (ITU-T X.690), the part that CMS structures use: writing, and a strict reader for the hot path.

asn1crypto reads a signed and enveloped message in about the time that SM2 takes to verify it; this reader
walks the known structure once. It takes definite, minimal lengths and one-byte tags only, never leaves the
bounds of the element it is in, and raises ValueError for everything else.
"""

from __future__ import annotations

INTEGER = 0x02
OCTETS = 0x04
NULL = b"\x05\x00"
OID = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31
CONTEXT_0 = 0x80
CONTEXT_0_BUILT = 0xA0
CONTEXT_1_BUILT = 0xA1


def write(tag: int, *contents: bytes) -> bytes:
    """One element around its contents."""
    body = b"".join(contents)
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def write_integer(value: int) -> bytes:
    """A whole number from 0."""
    return write(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def write_oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    return write(OID, b"".join(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | arc & 0x7F)
    return bytes(reversed(groups))


def write_set(members: list[bytes], tag: int = SET) -> bytes:
    """SET OF, in DER's order."""
    return write(tag, *sorted(members))


class Reader:
    """Walks the elements between two places of `data`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def peek(self) -> int:
        """The next tag, -1 at the end."""
        return self.data[self.at] if self.at < self.end else -1

    def enter(self, tag: int) -> Reader:
        """A reader of the next element's contents; this one goes on behind it."""
        start, stop = self._bounds(tag)
        self.at = stop
        return Reader(self.data, start, stop)

    def contents(self, tag: int) -> bytes:
        """The contents of the next element."""
        start, stop = self._bounds(tag)
        self.at = stop
        return self.data[start:stop]

    def element(self, tag: int) -> bytes:
        """The next element with its tag and length."""
        first = self.at
        _, self.at = self._bounds(tag)
        return self.data[first : self.at]

    def small_integer(self) -> int:
        """A whole number of one byte."""
        contents = self.contents(INTEGER)
        if len(contents) != 1 or contents[0] > 127:
            raise ValueError("not a small whole number")
        return contents[0]

    def finish(self) -> None:
        """ValueError unless everything was read."""
        if self.at != self.end:
            raise ValueError("DER goes on where it should end")

    def _bounds(self, tag: int) -> tuple[int, int]:
        data, at = self.data, self.at
        if at + 2 > self.end or data[at] != tag:
            raise ValueError(f"DER tag {tag:#04x} expected")
        size, start = data[at + 1], at + 2
        if size > 127:
            count = size & 0x7F
            if not 1 <= count <= 4 or start + count > self.end:
                raise ValueError("not a definite DER length")
            size = int.from_bytes(data[start : start + count], "big")
            start += count
            if size < 128 or size.bit_length() <= (count - 1) * 8:
                raise ValueError("not a minimal DER length")
        if start + size > self.end:
            raise ValueError("a DER element is longer than what holds it")
        return start, start + size
