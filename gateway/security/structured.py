"""Structured fields (RFC 9651), the part that HTTP message signatures use, strictly read.

A dictionary whose members are an inner list of strings with parameters (`Signature-Input`) or a byte
sequence (`Signature`). Parameters are strings and integers. Anything else is refused, not skipped.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

Parameter = str | int
_KEY = re.compile(r"[a-z*][a-z0-9_\-.*]{0,63}")
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_BYTES = re.compile(r":([A-Za-z0-9+/]*={0,2}):")
MAX_CHARS = 8192


@dataclass(frozen=True, slots=True)
class InnerList:
    """The quoted items, the parameters, and the text as it stood: a signature covers that very text."""

    items: tuple[str, ...]
    parameters: dict[str, Parameter]
    text: str


def quote(text: str) -> str:
    """A string item; ValueError for what is not visible ASCII or space."""
    if not text.isascii() or not text.isprintable():
        raise ValueError("a structured string holds visible ASCII only")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_bytes(data: bytes) -> str:
    return ":" + base64.b64encode(data).decode("ascii") + ":"


def write_list(items: tuple[str, ...], parameters: dict[str, Parameter]) -> str:
    """An inner list of strings with its parameters."""
    inner = " ".join(quote(item) for item in items)
    rest = "".join(
        f";{name}={quote(value) if isinstance(value, str) else value}" for name, value in parameters.items()
    )
    return f"({inner}){rest}"


def read_lists(text: str) -> dict[str, InnerList]:
    """A dictionary of inner lists of plain strings. ValueError for anything else, or a key twice."""
    reader = _Reader(text)
    found: dict[str, InnerList] = {}
    while True:
        key = reader.key()
        if key in found:
            raise ValueError("a key of the dictionary stands twice")
        found[key] = reader.inner_list()
        if not reader.next_member():
            return found


def read_byte_sequences(text: str) -> dict[str, bytes]:
    """A dictionary of byte sequences. ValueError for anything else, or a key twice."""
    reader = _Reader(text)
    found: dict[str, bytes] = {}
    while True:
        key = reader.key()
        if key in found:
            raise ValueError("a key of the dictionary stands twice")
        found[key] = reader.byte_sequence()
        if not reader.next_member():
            return found


class _Reader:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARS:
            raise ValueError("the field is too long")
        self.text = text.strip(" ")
        self.at = 0

    def key(self) -> str:
        """`name=`"""
        name = self._match(_KEY)[0]
        self._expect("=")
        return name

    def inner_list(self) -> InnerList:
        start = self.at
        self._expect("(")
        items: list[str] = []
        self._skip(" ")
        while not self._take(")"):
            items.append(self.string())
            if not self.text.startswith((" ", ")"), self.at):
                raise ValueError("items are parted by spaces, and have no parameters")
            self._skip(" ")
        parameters: dict[str, Parameter] = {}
        while self._take(";"):
            self._skip(" ")
            name = self.key()
            if name in parameters:
                raise ValueError("a parameter stands twice")
            parameters[name] = self.string() if self.text.startswith('"', self.at) else self.integer()
        return InnerList(tuple(items), parameters, self.text[start : self.at])

    def string(self) -> str:
        return re.sub(r"\\(.)", r"\1", self._match(_STRING)[1])

    def integer(self) -> int:
        return int(self._match(_INTEGER)[0])

    def byte_sequence(self) -> bytes:
        try:
            return base64.b64decode(self._match(_BYTES)[1], validate=True)
        except binascii.Error as error:
            raise ValueError("not a byte sequence") from error

    def next_member(self) -> bool:
        """True if another member follows, False at the end."""
        self._skip(" \t")
        if self.at == len(self.text):
            return False
        self._expect(",")
        self._skip(" \t")
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"not a structured field at character {self.at}")
        self.at = found.end()
        return found

    def _take(self, letter: str) -> bool:
        if self.text.startswith(letter, self.at):
            self.at += 1
            return True
        return False

    def _expect(self, letter: str) -> None:
        if not self._take(letter):
            raise ValueError(f"{letter!r} expected at character {self.at}")

    def _skip(self, letters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in letters:
            self.at += 1
