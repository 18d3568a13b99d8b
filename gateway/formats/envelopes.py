"""What the envelopes of different formats have in common: keys by SM3."""

from __future__ import annotations

import hashlib


def sm3_hex(data: bytes) -> str:
    """GM/T 0004. ValueError where the interpreter's OpenSSL lacks SM3."""
    return hashlib.new("sm3", data).hexdigest()


def derived_key(*parts: str) -> str:
    """An idempotency key for an envelope that has none of its own: SM3 over the parts joined by a bar."""
    return sm3_hex("|".join(parts).encode("utf-8"))
