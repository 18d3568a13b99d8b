"""Digests: SM3 (GM/T 0004, GB/T 32905) and SHA-256, whole and streamed."""

from __future__ import annotations

import hashlib
from typing import Protocol

from cryptography.hazmat.primitives import hashes

_SM3 = hashes.SM3()


class Digest(Protocol):
    """A digest that is fed piece by piece."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


def sm3(data: bytes) -> bytes:
    """The 32 bytes of SM3."""
    digest = hashes.Hash(_SM3)
    digest.update(data)
    return digest.finalize()


def sm3_hex(data: bytes) -> str:
    """SM3 as 64 lower-case hex digits."""
    return sm3(data).hex()


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


class Sm3Digest:
    """SM3, fed piece by piece. `hexdigest` may be asked at any time and again."""

    def __init__(self) -> None:
        self._digest = hashes.Hash(_SM3)

    def update(self, data: bytes) -> None:
        self._digest.update(data)

    def hexdigest(self) -> str:
        return self._digest.copy().finalize().hex()


def new_digest(algorithm: str) -> Digest:
    """A streamed digest: "sm3" or "sha256"; ValueError for any other."""
    if algorithm == "sm3":
        return Sm3Digest()
    if algorithm == "sha256":
        return hashlib.sha256()
    raise ValueError(f"unknown digest algorithm {algorithm!r}; there are: sha256, sm3")
