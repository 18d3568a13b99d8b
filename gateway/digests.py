"""Digests: SM3 (GM/T 0004, GB/T 32905) and SHA-256, whole and streamed.

A digest starts as a copy of an empty one: looking an algorithm up by its name takes OpenSSL longer than
digesting a key does.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

try:
    _SM3 = hashlib.new("sm3")
except ValueError as error:
    raise RuntimeError(
        "this Python's OpenSSL has no SM3; OpenSSL 1.1.1 or newer with SM3 is needed"
    ) from error


class Digest(Protocol):
    """A digest that is fed piece by piece. `hexdigest` may be asked at any time and again."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def sm3(data: bytes) -> bytes:
    """The 32 bytes of SM3."""
    digest = _SM3.copy()
    digest.update(data)
    return digest.digest()


def sm3_hex(data: bytes) -> str:
    """SM3 as 64 lower-case hex digits."""
    digest = _SM3.copy()
    digest.update(data)
    return digest.hexdigest()


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def new_digest(algorithm: str) -> Digest:
    """A streamed digest: "sm3" or "sha256"; ValueError for any other."""
    if algorithm == "sm3":
        return _SM3.copy()
    if algorithm == "sha256":
        return hashlib.sha256()
    raise ValueError(f"unknown digest algorithm {algorithm!r}; there are: sha256, sm3")
