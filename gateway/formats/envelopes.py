"""What the envelopes of different formats have in common: keys by SM3, and the standard's head as data."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from operator import attrgetter

from gateway.message import Head

HEAD_NAMES: tuple[str, ...] = ("Ver", *(field.name for field in fields(Head) if field.name != "Ver"))
_values = attrgetter(*HEAD_NAMES)


def head_fields(head: Head) -> dict[str, str]:
    """A head as a record in the schema's order (without the deep copy of `dataclasses.asdict`)."""
    return dict(zip(HEAD_NAMES, _values(head), strict=True))


def sm3_hex(data: bytes) -> str:
    """GM/T 0004. ValueError where the interpreter's OpenSSL lacks SM3."""
    return hashlib.new("sm3", data).hexdigest()


def derived_key(*parts: str) -> str:
    """An idempotency key for an envelope that has none of its own: SM3 over the parts joined by a bar."""
    return sm3_hex("|".join(parts).encode("utf-8"))
