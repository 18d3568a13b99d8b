"""What every format promises: bytes ⇄ record, pure, bounded, and every fault named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.errors import Fault, MessageError
from gateway.message import Head, Parsed, Record


class Format(Protocol):
    """One way of writing a message down. Instances hold no state of a message and may be shared."""

    @property
    def name(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    @property
    def envelope_names(self) -> tuple[str, ...]:
        """The envelope's fields that a mapping may name."""
        ...

    @property
    def envelope_needs(self) -> tuple[str, ...]:
        """Those without which nothing can be written."""
        ...

    def decode(self, data: bytes) -> Parsed:
        """The bytes in the platform's own words.

        MessageError 10001 (not well-formed, no such envelope), 10002 (too large), 10003 (an envelope
        field is missing or wrong), 10004 (encoding); with line and column where they are known.
        """
        ...

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """The bytes of a record. `root` is the outermost element's name in the platform's words,
        `envelope` what the mapping says of the envelope's fields.

        MessageError 30008 where a character has no place in the encoding; the path names the field.
        """
        ...


def refusal(
    code: str,
    zh: str,
    en: str,
    *,
    result: str,
    path: str = "",
    line: int = 0,
    column: int = 0,
    expected: str = "",
    found: str = "",
) -> MessageError:
    """A refusal with a single fault. In a format the place is always in the sender's own words."""
    return MessageError(
        [Fault(code, path, zh, en, result, path, expected=expected, found=found, line=line, column=column)]
    )
