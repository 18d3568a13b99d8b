"""Tickets once, nonces once, attachments by grant."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.errors import Fault
from gateway.store.contract import AttachmentRow, Store, TicketRow
from gateway.store.transaction import Transaction
from tests.store.samples import accept_id, message, says, to

TICKET = TicketRow(
    "hash", "GGZY-JSGC", "GGZY-ZPT", {"UserId": "u1", "LegalName": "公司"}, "PA-1", "https://x/jump", "10.0.0.1",
    1000, 61_000,
)  # fmt: skip
FAULT = Fault("c", "", "错", "wrong")
FILE = AttachmentRow("sha-256:" + "0" * 64, "GGZY-ZPT", 10, 0, "partial", b"{}", 5)


async def test_a_ticket_is_redeemed_once_even_by_many_at_once(store: Store) -> None:
    await store.issue_ticket(TICKET)
    found = await asyncio.gather(*(store.redeem_ticket("hash", "GGZY-ZPT", 2000) for _ in range(5)))
    assert [row for row in found if row is not None] == [TICKET]
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2001) is None


async def test_a_ticket_is_for_its_target_and_its_time(store: Store) -> None:
    await store.issue_ticket(TICKET)
    assert await store.redeem_ticket("hash", "GGZY-ZFCG", 2000) is None
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 61_001) is None
    assert await store.redeem_ticket("unknown", "GGZY-ZPT", 2000) is None
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 61_000) == TICKET


async def test_a_ticket_that_is_bound_to_an_address_is_kept_for_it(store: Store) -> None:
    await store.issue_ticket(TICKET)
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000, "10.0.0.2") is None
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000, "10.0.0.1") == TICKET


async def test_a_ticket_without_an_address_is_for_any(store: Store) -> None:
    free = replace(TICKET, client_ip="")
    await store.issue_ticket(free)
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000, "10.0.0.2") == free


async def test_a_ticket_that_was_given_back_is_redeemed_once_more(store: Store) -> None:
    await store.issue_ticket(TICKET)
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000) == TICKET
    await store.return_ticket("hash")
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2001) == TICKET
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2002) is None


async def test_tickets_that_ended_a_day_ago_are_forgotten(store: Store) -> None:
    await store.issue_ticket(TICKET)
    await store.issue_ticket(replace(TICKET, hash="young", issued_at=5_000, expires_at=65_000))
    ended_ms = TICKET.expires_at + 86_400_000
    await store.issue_ticket(replace(TICKET, hash="next", issued_at=ended_ms, expires_at=ended_ms + 60_000))
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000) is not None, (
        "it ended a day ago, to the millisecond"
    )
    await store.return_ticket("hash")
    await store.issue_ticket(
        replace(TICKET, hash="last", issued_at=ended_ms + 1, expires_at=ended_ms + 60_001)
    )
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000) is None
    assert await store.redeem_ticket("young", "GGZY-ZPT", 6_000) is not None


async def test_many_old_tickets_are_forgotten_some_at_a_time(store: Store) -> None:
    """After an upgrade there may be those of years: one call must not wait for all of them."""
    for n in range(150):
        await store.issue_ticket(replace(TICKET, hash=f"old {n:03}"))
    late_ms = TICKET.expires_at + 90_000_000
    left = []
    for n in range(2):
        await store.issue_ticket(
            replace(TICKET, hash=f"new {n}", issued_at=late_ms, expires_at=late_ms + 60_000)
        )
        found = [await store.redeem_ticket(f"old {one:03}", "GGZY-ZPT", 2000) for one in range(150)]
        left.append(sum(row is not None for row in found))
        for one in range(150):
            await store.return_ticket(f"old {one:03}")
    assert left == [50, 0]


async def test_a_nonce_is_used_once_a_platform(store: Store) -> None:
    used = await asyncio.gather(*(store.use_nonce("A", "n", 1_000_000) for _ in range(3)))
    assert used == [True, False, False]
    assert await store.use_nonce("B", "n", 1_000_000)
    assert not await store.use_nonce("A", "n", 1_000_000 + 600_000)
    assert await store.use_nonce("A", "n", 1_000_000 + 600_001)


async def test_the_first_row_of_an_attachment_stays(store: Store) -> None:
    assert await store.attachment(FILE.digest) is None
    assert await store.start_attachment(FILE) == FILE
    assert await store.start_attachment(replace(FILE, owner="other", header=b"x")) == FILE


async def test_an_attachment_is_read_by_its_owner_and_by_grant_alone(store: Store) -> None:
    await store.start_attachment(FILE)
    assert await store.may_read(FILE.digest, "GGZY-ZPT") and not await store.may_read(FILE.digest, "CZ")
    await store.grant(FILE.digest, "CZ")
    await store.grant(FILE.digest, "CZ")
    assert await store.may_read(FILE.digest, "CZ") and not await store.may_read("sha-256:unknown", "CZ")


async def test_who_receives_a_message_may_read_what_it_names_so_far_as_its_sender_may(store: Store) -> None:
    await store.grant("sm3:own", "GGZY-ZPT")
    await store.grant("sm3:other", "GGZY-JSGC")
    named = ("sm3:own", "sm3:other", "sm3:nowhere")
    await accept_id(store, message(files=named, judge=says(to("CZ"), to("GGZY-ZFCG"))))
    for receiver in ("CZ", "GGZY-ZFCG"):
        assert [await store.may_read(digest, receiver) for digest in named] == [True, False, False]
    refused = message(files=("sm3:own",), judge=says(to("GGZY-JSGC"), faults=(FAULT,)))
    assert (await store.accept(refused)).kind == "refused"
    assert not await store.may_read("sm3:own", "GGZY-JSGC")


async def test_an_act_that_fails_leaves_the_others_of_its_batch_alone(store: Store) -> None:
    arrival = message("a")
    results = await asyncio.gather(
        store.resolve(999, "done", "me", "test"), accept_id(store, arrival), store.issue_ticket(TICKET),
        store.issue_ticket(TICKET), store.use_nonce("A", "n", 5), return_exceptions=True,
    )  # fmt: skip
    failed = [type(result).__name__ for result in results if isinstance(result, Exception)]
    assert failed in (["LookupError", "IntegrityError"], ["LookupError", "Broken"])
    assert await store.get_message(arrival.message_id) is not None
    assert await store.redeem_ticket("hash", "GGZY-ZPT", 2000) == TICKET


async def test_what_an_act_noted_and_counted_goes_with_it(store: Store) -> None:
    arrival = message("a")
    await accept_id(store, arrival)

    def act(work: Transaction) -> None:
        work.note(arrival.message_id, "never", {})
        work.count("CZ", "ready", 5)
        work.has_work = True
        raise LookupError("after all")

    woken: list[int] = []
    store.on_work(lambda: woken.append(1))
    with pytest.raises(LookupError, match="after all"):
        await store._do(act)  # type: ignore[attr-defined]
    assert [event.stage for event in await store.events(arrival.message_id)] == ["accepted"]
    assert (await store.counts()).by_receiver == {} and woken == []
