"""Acts on many deliveries at once: foreseen, asked for, approved by a second person, told of one by one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.message import DeliveryState
from gateway.store.contract import RequestItem, RequestRow, ResolveRefused, Store
from gateway.store.requestrows import ALONE_MS, ASKED, DECLINED, DONE, RUNNING
from tests.store.samples import accept_id, claim_one, ended, message, says, to

ROW = RequestRow("R1", "replay", "mended", False, "li", 1_000, ASKED)


async def die(store: Store, line: str, code: str, state: DeliveryState = DeliveryState.DEAD) -> int:
    await accept_id(store, message(judge=says(to(line=line))))
    claimed = await claim_one(store)
    await store.record(ended(claimed, state, code))
    return claimed.delivery_id


async def test_what_is_foreseen_is_what_happens_and_leaves_nothing(store: Store) -> None:
    delivery = await die(store, "a", "receiver.30001")
    before = await store.counts()
    foreseen = await store.resolve(delivery, "replay", "li", "mended", dry=True)
    kept = await store.delivery(delivery)
    assert kept is not None and (foreseen.state, kept.state) == (DeliveryState.READY, DeliveryState.DEAD)
    assert await store.acts() == [] and await store.counts() == before
    assert "resolved" not in [one.stage for one in await store.events(kept.message_id)]
    assert (await store.resolve(delivery, "replay", "li", "mended")).state is foreseen.state
    with pytest.raises(ResolveRefused):
        await store.resolve(delivery, "new-effect", "li", "mended", dry=True)


async def test_causes_are_grouped_most_frequent_first(store: Store) -> None:
    first = await die(store, "a", "receiver.30001")
    await die(store, "b", "delivery.timeout", DeliveryState.UNKNOWN)
    last = await die(store, "c", "receiver.30001")
    most, other = await store.stuck_causes()
    assert (most.receiver, most.type, most.state, most.code, most.count) == (
        "CZ", "3001", "dead", "receiver.30001", 2,
    )  # fmt: skip
    assert (most.oldest, most.newest, other.code, other.count) == (first, last, "delivery.timeout", 1)


async def test_a_second_person_approves_once(store: Store) -> None:
    await store.add_request(ROW, [7, 9])
    with pytest.raises(ResolveRefused, match="own-request"):
        await store.decide_request("R1", "li", "yes", approved=True)
    with pytest.raises(ResolveRefused, match="no-reason"):
        await store.decide_request("R1", "wang", " ", approved=True)
    assert not await store.end_request("R1")  # it does not run yet
    row = await store.decide_request("R1", "wang", "looked at", approved=True)
    assert (row.state, row.approver, row.word) == (RUNNING, "wang", "looked at")
    with pytest.raises(ResolveRefused, match="decided"):
        await store.decide_request("R1", "zhao", "no", approved=False)
    with pytest.raises(LookupError):
        await store.decide_request("R2", "zhao", "no", approved=False)
    approved, asked = await store.acts(subject="R1")
    assert (asked.actor, asked.act, asked.reason) == ("li", "ask resolve", "mended")
    assert (approved.actor, approved.act, approved.reason) == ("wang", "approve resolve", "looked at")


async def test_of_two_who_decide_at_once_one_does(store: Store) -> None:
    await store.add_request(ROW, [7])
    said = await asyncio.gather(
        store.decide_request("R1", "wang", "looked at", approved=True),
        store.decide_request("R1", "zhao", "not yet", approved=False),
        return_exceptions=True,
    )
    [row] = [one for one in said if isinstance(one, RequestRow)]
    assert [one.code for one in said if isinstance(one, ResolveRefused)] == ["resolve.decided"]
    kept = await store.find_request("R1")
    assert kept == row and (row.approver, row.state) in {("wang", RUNNING), ("zhao", DECLINED)}
    assert [one.actor for one in await store.acts(subject="R1")] == [row.approver, "li"]


async def test_many_small_requests_are_no_way_round_a_second_person(store: Store) -> None:
    async def add(id: str, count: int, actor: str = "li", at: int = 2 * ALONE_MS) -> str:
        row = replace(ROW, id=id, actor=actor, asked_at=at, state=RUNNING)
        return (await store.add_request(row, range(count), above=20)).state

    assert await add("R1", 21) == ASKED
    both = await asyncio.gather(add("R2", 15), add("R3", 15))
    assert sorted(both) == [ASKED, RUNNING]  # at once too
    assert await store.acted_alone("li", ALONE_MS) == 15
    assert await add("R4", 5) == RUNNING and await add("R5", 1) == ASKED
    assert await add("R6", 20, "wang") == RUNNING
    await store.tell_request("R4", [RequestItem(place, place, "gone", True) for place in range(5)])
    assert await add("R8", 5) == RUNNING  # nothing was done on those
    await store.decide_request("R5", "wang", "looked at", approved=True)
    assert await store.acted_alone("li", ALONE_MS) == 20
    assert await add("R7", 20, at=3 * ALONE_MS + 1) == RUNNING
    kept = await store.find_request("R1")
    assert kept is not None and kept.state == ASKED


async def test_a_request_is_told_of_delivery_by_delivery_and_ends_once(store: Store) -> None:
    await store.add_request(replace(ROW, state=RUNNING), [7, 9, 11])
    await store.tell_request("R1", [RequestItem(0, 7, "ready"), RequestItem(2, 11, "not the head", True)])
    counted = await store.request_count("R1")
    assert (counted.items, counted.told, counted.refused) == (3, 2, 1)
    await store.tell_request("R1", [RequestItem(1, 9, "ready")])
    assert [(one.delivery_id, one.result, one.is_refused) for one in await store.request_items("R1")] == [
        (7, "ready", False), (9, "ready", False), (11, "not the head", True),
    ]  # fmt: skip
    assert await store.end_request("R1") and not await store.end_request("R1")
    row = await store.find_request("R1")
    assert row is not None and row.state == DONE and row.ended_at >= row.seen_at > 0
    act = (await store.acts())[0]
    assert (act.act, act.actor, act.detail["resolved"], act.detail["refused"]) == (
        "resolve replay",
        "li",
        2,
        1,
    )


async def test_what_is_declined_does_not_run(store: Store) -> None:
    await store.add_request(ROW, [7])
    await store.add_request(replace(ROW, id="R2", asked_at=2_000), [9])
    assert (await store.decide_request("R1", "wang", "not yet", approved=False)).state == DECLINED
    assert not await store.end_request("R1")
    assert [one.id for one in await store.requests()] == ["R2", "R1"]
    assert await store.find_request("none") is None
