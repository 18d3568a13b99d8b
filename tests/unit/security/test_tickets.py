from __future__ import annotations

from gateway.digests import sm3_hex
from gateway.security.tickets import new_ticket, ticket_hash


def test_tickets_are_long_random_and_fit_into_a_link() -> None:
    tickets = {new_ticket() for _ in range(1000)}
    assert len(tickets) == 1000
    assert all(len(ticket) == 32 and ticket.replace("-", "").replace("_", "").isalnum() for ticket in tickets)


def test_only_the_digest_of_a_ticket_is_kept() -> None:
    assert ticket_hash("abc") == sm3_hex(b"abc")
    assert len(ticket_hash(new_ticket())) == 64
