"""One-time tickets for the seamless jump: the ticket travels, its digest is stored."""

from __future__ import annotations

import secrets

from gateway.digests import sm3_hex

_BYTES = 24


def new_ticket() -> str:
    """192 random bits as 32 URL-safe characters."""
    return secrets.token_urlsafe(_BYTES)


def ticket_hash(ticket: str) -> str:
    """SM3 of the ticket as hex: what may be stored and looked up by (it has too many bits to be guessed)."""
    return sm3_hex(ticket.encode("utf-8"))
