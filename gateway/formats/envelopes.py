"""What the envelopes of different formats have in common: keys by SM3."""

from __future__ import annotations

from gateway.digests import sm3_hex


def derived_key(*parts: str) -> str:
    """An idempotency key for an envelope that has none of its own: SM3 over the parts joined by a bar."""
    return sm3_hex("|".join(parts).encode("utf-8"))
