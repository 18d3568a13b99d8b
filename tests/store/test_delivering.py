"""Delivering: lines, lanes, leases, outcomes, what a message comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.message import DeliveryState, MessageState
from gateway.store.contract import Arrival, Claimed, Store
from tests.store.samples import accept_id, claim_one, ended, message, says, to

OpenStore = Callable[[], Store]
DONE, READY, DEAD = DeliveryState.DONE, DeliveryState.READY, DeliveryState.DEAD


async def states(store: Store, message_id: str) -> list[str]:
    return [row.state.value for row in await store.deliveries(message_id)]


async def state(store: Store, message_id: str) -> MessageState:
    row = await store.get_message(message_id)
    assert row is not None
    return row.state


async def test_a_claimed_delivery_carries_all_that_the_worker_needs(store: Store) -> None:
    arrival = message("a", judge=says(to(files=b"[]", effect_no=1), application="PA-1"), traceparent="00-t")
    await accept_id(store, arrival)
    claimed = await claim_one(store)
    assert (claimed.message_id, claimed.receiver, claimed.type) == (arrival.message_id, "CZ", "3001")
    assert (claimed.rendered, claimed.files, claimed.delivery_key) == (b"<form/>", b"[]", "key-CZ-line-1")
    assert (claimed.attempt, claimed.crashes, claimed.outcome_unknown) == (1, 0, False)
    assert (claimed.sender, claimed.application, claimed.biz_key) == ("GGZY-ZPT", "PA-1", arrival.biz_key)
    assert claimed.traceparent == "00-t" and claimed.token
    (attempt,) = await store.attempts(claimed.delivery_id)
    assert (attempt.number, attempt.state) == (1, "running")
    assert await store.claim("w2", 10, 60.0) == []


async def test_a_message_is_delivered_when_all_its_deliveries_are_done(store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(to("A"), to("B"))))
    first, second = await store.claim("w", 10, 60.0)
    assert await store.record(ended(first, headers='{"sent":{}}'))
    assert await state(store, message_id) is MessageState.ACCEPTED
    assert await store.record(ended(second))
    assert await state(store, message_id) is MessageState.DELIVERED
    (attempt,) = await store.attempts(first.delivery_id)
    assert (attempt.state, attempt.status, attempt.latency_ms, attempt.answer) == ("done", 200, 5, b"ok")
    assert attempt.ended_at >= attempt.started_at > 0 and attempt.headers == '{"sent":{}}'
    assert all(row.done_at for row in await store.deliveries(message_id))
    assert [event.stage for event in await store.events(message_id)] == ["accepted", "delivered"]


async def test_a_late_worker_changes_nothing(make_store: OpenStore, store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(to())))
    late = await claim_one(store, lease_s=-1.0)
    again = await claim_one(store)
    assert (again.attempt, again.crashes, again.outcome_unknown) == (2, 1, True)
    assert not await store.record(ended(late))
    assert await states(store, message_id) == ["leased"]
    assert await store.record(ended(again))
    assert not await store.record(ended(again))
    assert [one.state for one in await store.attempts(late.delivery_id)] == ["crashed", "done"]


async def test_of_two_words_about_one_attempt_the_first_counts(store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(to())))
    claimed = await claim_one(store)
    both = await asyncio.gather(store.record(ended(claimed)), store.record(ended(claimed, DEAD, "no")))
    assert list(both) == [True, False]
    assert await states(store, message_id) == ["done"]


async def test_the_third_crash_quarantines(store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(to())))
    follower = await accept_id(store, message("b", judge=says(to())))
    for crashes in range(3):
        assert (await claim_one(store, lease_s=-1.0)).crashes == crashes
    assert await store.claim("w", 10, 60.0) == []
    assert await states(store, message_id) == ["dead"] and await states(store, follower) == ["waiting"]
    assert await state(store, message_id) is MessageState.STUCK
    (dead,) = await store.dead_letters()
    assert (dead.message_id, dead.last_code, dead.crashes) == (message_id, "delivery.quarantined", 3)


async def test_a_quarantine_is_told_in_the_same_transaction(store: Store) -> None:
    dead = await accept_id(store, message("a", judge=says(to(), application="PA-1"), biz_key="K"))
    told: list[Claimed] = []

    def make_notice(claimed: Claimed, code: str, text: str) -> Arrival:
        told.append(claimed)
        return message("8002", type="8002", sender="GW", judge=says(to("GGZY-ZPT", "line-1")))

    for _ in range(3):
        last = await claim_one(store, lease_s=-1.0, make_notice=make_notice)
    assert told == []
    notice = await claim_one(store, make_notice=make_notice)
    assert (notice.type, notice.receiver) == ("8002", "GGZY-ZPT")
    (one,) = told
    assert (one.message_id, one.receiver, one.type, one.sender) == (dead, "CZ", "3001", "GGZY-ZPT")
    assert (one.application, one.biz_key, one.delivery_key) == ("PA-1", "K", last.delivery_key)
    assert (one.attempt, one.crashes, one.outcome_unknown) == (3, 3, True)


async def test_a_notice_that_cannot_be_made_stops_no_claim(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    dead = await accept_id(store, message("a", judge=says(to())))
    for _ in range(3):
        await claim_one(store, lease_s=-1.0)
    other = await accept_id(store, message("b", judge=says(to(line="line-2"))))

    def make_notice(claimed: Claimed, code: str, text: str) -> Arrival:
        raise ValueError("cannot")

    (claimed,) = await store.claim("w", 9, 60.0, make_notice=make_notice)
    assert claimed.message_id == other and await states(store, dead) == ["dead"]
    assert "notice-failed" in [event.stage for event in await store.events(dead)]
    assert "was not stored" in caplog.text


async def test_a_retry_waits_for_its_time(store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(to())))
    claimed = await claim_one(store)
    await store.record(ended(claimed, READY, "delivery.refused", text="503", retry_in_s=0.15))
    assert await store.claim("w", 10, 60.0) == []
    due = await store.next_due_in_s()
    assert due is not None and 0 < due <= 0.16
    (row,) = await store.deliveries(message_id)
    assert (row.state, row.last_code, row.last_text, row.attempts) == ("ready", "delivery.refused", "503", 1)
    await asyncio.sleep(due + 0.01)
    assert (await claim_one(store)).attempt == 2


async def test_an_unknown_outcome_is_told_to_the_next_attempt(store: Store) -> None:
    await accept_id(store, message("a", judge=says(to())))
    first = await claim_one(store)
    await store.record(ended(first, READY, "x", outcome_unknown=True))
    second = await claim_one(store)
    assert second.outcome_unknown
    await store.record(ended(second, READY, "x"))
    assert not (await claim_one(store)).outcome_unknown


async def test_a_line_is_delivered_in_order_one_at_a_time(store: Store) -> None:
    ids = [await accept_id(store, message(f"m{number}", judge=says(to()))) for number in range(4)]
    for number, message_id in enumerate(ids):
        assert [(await states(store, one))[0] for one in ids[number:]] == [
            "ready",
            *["waiting"] * (3 - number),
        ]
        claimed = await claim_one(store, limit=10)
        assert claimed.message_id == message_id
        await store.record(ended(claimed))
    assert await store.claim("w", 10, 60.0) == []


async def test_order_holds_within_one_batch_too(store: Store) -> None:
    arrivals = [message(f"m{number}", judge=says(to(), to("other"))) for number in range(20)]
    await asyncio.gather(*map(store.accept, arrivals))
    seen: dict[str, list[str]] = {"CZ": [], "other": []}
    while claimed := await store.claim("w", 10, 60.0):
        assert len(claimed) == 2
        for one in claimed:
            seen[one.receiver].append(one.message_id)
        assert all(await asyncio.gather(*(store.record(ended(one)) for one in claimed)))
    wanted = [arrival.message_id for arrival in arrivals]
    assert seen == {"CZ": wanted, "other": wanted}


async def test_a_retry_does_not_let_its_follower_pass(store: Store) -> None:
    await accept_id(store, message("a", judge=says(to())))
    await accept_id(store, message("b", judge=says(to())))
    claimed = await claim_one(store)
    await store.record(ended(claimed, READY, "x", retry_in_s=100))
    assert await store.claim("w", 10, 60.0) == []


async def test_a_dead_head_holds_its_own_line_and_no_other(store: Store) -> None:
    dead = await accept_id(store, message("a", judge=says(to())))
    behind = await accept_id(store, message("b", judge=says(to())))
    beside = await accept_id(store, message("c", judge=says(to(line="line-2"), to("other"))))
    head = next(one for one in await store.claim("w", 10, 60.0) if one.message_id == dead)
    await store.record(ended(head, DEAD, "receiver.30001", text="no"))
    assert await state(store, dead) is MessageState.STUCK
    assert await states(store, behind) == ["waiting"] and await states(store, beside) == ["leased", "leased"]
    assert [row.message_id for row in await store.dead_letters()] == [dead]


async def test_a_form_that_could_not_be_made_is_stored_dead_and_holds_its_line(store: Store) -> None:
    before = await accept_id(store, message("a", judge=says(to())))
    fact = await accept_id(store, message("b", judge=says(to(fault="name too long", rendered=b""))))
    behind = await accept_id(store, message("c", judge=says(to())))
    assert await state(store, fact) is MessageState.STUCK
    await store.record(ended(await claim_one(store, limit=9)))
    assert [await states(store, one) for one in (before, fact, behind)] == [["done"], ["dead"], ["waiting"]]
    (row,) = await store.dead_letters()
    assert (row.last_code, row.last_text) == ("delivery.no-form", "name too long")


async def test_lower_lanes_go_first_and_no_receiver_starves(store: Store) -> None:
    for number in range(5):
        await accept_id(store, message(f"b{number}", judge=says(to("bulk", f"b{number}", lane=2))))
    await accept_id(store, message("c", judge=says(to("case", "c", lane=1))))
    await accept_id(store, message("p", judge=says(to("bulk", "p", lane=0))))
    claimed = await store.claim("w", 3, 60.0)
    assert [one.rendered and (one.receiver, one.delivery_key) for one in claimed] == [
        ("bulk", "key-bulk-p"), ("case", "key-case-c"), ("bulk", "key-bulk-b0"),
    ]  # fmt: skip


async def test_who_is_not_named_is_left_alone(store: Store) -> None:
    for number in range(3):
        await accept_id(store, message(f"a{number}", judge=says(to("A", f"a{number}"))))
    await accept_id(store, message("b", judge=says(to("B", "b"))))
    (only,) = await store.claim("w", 10, 60.0, rooms={"B": 10, "C": 10})
    assert only.receiver == "B"
    due = await store.next_due_in_s()
    assert due is not None and due <= 0
    waits = await store.next_due_in_s(["B", "C"])
    assert waits is not None and 50 < waits <= 60  # for B's lease
    await store.record(ended(only))
    assert await store.next_due_in_s(["B", "C"]) is None
    assert await store.next_due_in_s([]) is None and await store.claim("w", 10, 60.0, rooms={}) == []
    assert len(await store.claim("w", 10, 60.0)) == 3


async def test_a_receiver_gets_no_more_than_its_room(store: Store) -> None:
    for number in range(9):
        await accept_id(store, message(f"a{number}", judge=says(to("A", f"a{number}", lane=number % 3))))
    await accept_id(store, message("b", judge=says(to("B", "b", lane=2))))
    claimed = await store.claim("w", 5, 60.0, rooms={"A": 4, "B": 9, "C": 0})
    assert [one.receiver for one in claimed] == ["A"] * 4 + ["B"]
    assert [one.delivery_key for one in claimed[:3]] == ["key-A-a0", "key-A-a3", "key-A-a6"]
    assert await store.claim("w", 5, 60.0, rooms={"A": 0}) == []
    assert len(await store.claim("w", 9, 60.0)) == 5


async def test_two_workers_never_get_the_same_delivery(store: Store) -> None:
    arrivals = [message(f"m{number}", judge=says(to(line=f"l{number}"))) for number in range(50)]
    await asyncio.gather(*map(store.accept, arrivals))
    batches = await asyncio.gather(*(store.claim(f"w{number}", 10, 60.0) for number in range(8)))
    claimed = [one.delivery_id for batch in batches for one in batch]
    assert len(claimed) == len(set(claimed)) == 50


async def test_the_gateways_own_notice_is_stored_with_the_outcome(store: Store) -> None:
    dead = await accept_id(store, message("a", judge=says(to())))
    notice = message("8002", type="8002", sender="GW", judge=says(to("GGZY-ZPT", "line-1")))
    claimed = await claim_one(store)
    assert await store.record(ended(claimed, DEAD, "x", notice=notice))
    assert await state(store, dead) is MessageState.STUCK
    assert (await claim_one(store)).message_id == notice.message_id
    lost = message("8002", type="8002", sender="GW", judge=says(to("GGZY-ZPT", "line-2")))
    assert not await store.record(ended(claimed, DEAD, "x", notice=lost))
    assert await store.get_message(lost.message_id) is None


async def test_an_outcome_stands_even_where_its_notice_cannot_be_stored(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    dead = await accept_id(store, message("a", judge=says(to())))
    notice = message("8002", sender="GW", judge=says(faults=("no",)))
    assert await store.record(ended(await claim_one(store), DEAD, "x", notice=notice))
    assert await state(store, dead) is MessageState.STUCK
    assert "notice-failed" in [event.stage for event in await store.events(dead)]
    assert "was not stored" in caplog.text


async def test_answers_are_kept_up_to_their_bound(store: Store) -> None:
    await accept_id(store, message("a", judge=says(to())))
    claimed = await claim_one(store)
    await store.record(replace(ended(claimed), answer=b"x" * 70_000))
    assert len((await store.attempts(claimed.delivery_id))[0].answer) == 65_536


async def test_workers_are_woken_and_waiters_settled(store: Store) -> None:
    woken: list[int] = []
    store.on_work(lambda: woken.append(1))
    message_id = await accept_id(store, message("a", judge=says(to())))
    assert len(woken) == 1
    early = await store.wait_settled(message_id, 0.01)
    assert early is not None and early.state is MessageState.ACCEPTED
    waiting = asyncio.create_task(store.wait_settled(message_id, 10))
    claimed = await claim_one(store)
    await store.record(ended(claimed))
    row = await asyncio.wait_for(waiting, 0.3)
    assert row is not None and row.state is MessageState.DELIVERED
    assert await store.wait_settled("unknown", 1) is None
    assert len(woken) == 1  # nothing became ready by the outcome


async def test_a_waiter_sees_what_another_process_settled(make_store: OpenStore, store: Store) -> None:
    other = make_store()
    await other.open()
    message_id = await accept_id(store, message("a", judge=says(to())))
    waiting = asyncio.create_task(store.wait_settled(message_id, 10))
    await other.record(ended(await claim_one(other)))
    row = await asyncio.wait_for(waiting, 2)
    assert row is not None and row.state is MessageState.DELIVERED
    await other.close()


async def test_the_counts_are_those_of_the_rows(store: Store) -> None:
    arrivals = [message(f"m{n}", judge=says(to("A", f"l{n % 7}"), to("B", f"l{n}"))) for n in range(20)]
    await asyncio.gather(*map(store.accept, arrivals), store.accept(message("q", answer=b"1")))
    outcomes = [DONE, DEAD, READY, DeliveryState.UNKNOWN]
    claimed = await store.claim("w", 16, 60.0)
    for number, one in enumerate(claimed[:12]):
        await store.record(ended(one, outcomes[number % 4], "code", retry_in_s=99))
    for dead in await store.dead_letters(2):
        await store.resolve(dead.id, "discard", "me", "test", sure=True)
    counts = await store.counts()
    rows = [row for arrival in arrivals for row in await store.deliveries(arrival.message_id)]
    wanted: dict[str, dict[str, int]] = {"A": {}, "B": {}}
    for row in rows:
        wanted[row.receiver][row.state] = wanted[row.receiver].get(row.state, 0) + 1
    assert counts.by_receiver == wanted
    assert counts.messages == 21 and sum(counts.deliveries.values()) == 40
