"""Pauses, breakers, acts and receipts in the store: guarded, shared by all who open it, audited."""

from __future__ import annotations

import asyncio

from gateway import clock
from gateway.message import DeliveryState
from gateway.store import Store
from gateway.store.contract import ALL_RECEIVERS
from gateway.store.steeringrows import HALF_OPEN, OPEN, RECOVERING, UP, StuckFilter
from tests.store.conftest import OpenStore
from tests.store.samples import accept_id, claim_one, ended, message, says, to


async def test_a_pause_stands_until_it_is_resumed_and_both_are_audited(store: Store) -> None:
    assert await store.pause_receiver("CZ", "li", "their weekend")
    assert not await store.pause_receiver("CZ", "wang", "again")
    (row,) = await store.pauses()
    assert (row.receiver, row.actor, row.reason) == ("CZ", "li", "their weekend") and row.paused_at
    assert await store.resume_receiver("CZ", "wang", "monday")
    assert not await store.resume_receiver("CZ", "wang", "monday")
    assert await store.pauses() == []
    acts = await store.acts(subject="CZ")
    assert [(one.act, one.actor, one.detail["was_paused"]) for one in acts] == [
        ("resume", "wang", False), ("resume", "wang", True), ("pause", "wang", True), ("pause", "li", False),
    ]  # fmt: skip


async def test_a_pause_of_all_is_seen_by_every_process(make_store: OpenStore) -> None:
    one, other = make_store(), make_store()
    await one.open()
    await other.open()
    await one.pause_receiver(ALL_RECEIVERS, "li", "restored")
    assert [row.receiver for row in await other.pauses()] == [ALL_RECEIVERS]
    await one.close()
    await other.close()


async def test_one_alone_gets_the_probe_and_only_when_it_is_due(store: Store) -> None:
    opened = await store.move_health("CZ", (UP,), OPEN, for_s=60, code="delivery.timeout", text="no answer")
    assert opened is not None and (opened.times, opened.state) == (1, OPEN) and 59 < opened.probe_in_s <= 60
    assert await store.move_health("CZ", (OPEN,), HALF_OPEN, for_s=9, only_due=True) is None
    await store.move_health("CZ", (OPEN,), OPEN, for_s=0)
    won = await asyncio.gather(
        *(store.move_health("CZ", (OPEN, HALF_OPEN), HALF_OPEN, for_s=9, only_due=True) for _ in range(5))
    )
    assert len([row for row in won if row is not None]) == 1


async def test_a_probe_whose_maker_died_is_made_by_another(store: Store) -> None:
    await store.move_health("CZ", (UP,), OPEN)
    assert await store.move_health("CZ", (OPEN, HALF_OPEN), HALF_OPEN, for_s=0, only_due=True)
    assert await store.move_health("CZ", (OPEN, HALF_OPEN), HALF_OPEN, for_s=9, only_due=True)


async def test_the_times_in_a_row_are_counted_until_it_is_up_again(store: Store) -> None:
    for _ in range(2):
        await store.move_health("CZ", (UP, HALF_OPEN), OPEN)
        await store.move_health("CZ", (OPEN,), HALF_OPEN)
    assert (await store.health())[0].times == 2
    await store.move_health("CZ", (HALF_OPEN,), RECOVERING)
    assert (await store.health())[0].times == 2
    await store.move_health("CZ", (RECOVERING,), UP)
    assert (await store.health())[0].times == 0


# receipts
async def delivered(store: Store, biz_key: str, within_s: float, version: int = 1) -> str:
    sent = message(
        type="4002", biz_key=biz_key, biz_version=version, judge=says(to(line=f"{biz_key}{version}"))
    )
    message_id = await accept_id(store, sent)
    await store.record(ended(await claim_one(store), receipt_within_s=within_s))
    return message_id


def receipt(biz_key: str, version: int = 1, sender: str = "CZ"):  # type: ignore[no-untyped-def]
    return message(type="8002", sender=sender, answers=("4002", biz_key, version))


async def test_a_receipt_that_does_not_come_is_alarmed_once(store: Store) -> None:
    message_id = await delivered(store, "PA-1", -1)
    await delivered(store, "PA-2", 3600)
    assert 0 < await store.next_receipt_due() < clock.now_ms()
    assert [one.biz_key for one in await store.alarm_receipts()] == ["PA-1"]
    assert await store.alarm_receipts() == []
    assert [event.stage for event in await store.events(message_id)].count("receipt-overdue") == 1
    assert [one.biz_key for one in await store.receipts_due(overdue=True)] == ["PA-1"]
    assert [one.biz_key for one in await store.receipts_due()] == ["PA-2"]
    assert await store.receipts_overdue() == 1
    await accept_id(store, receipt("PA-1"))
    assert await store.receipts_overdue() == 0


async def test_a_receipt_may_come_before_its_delivery_is_recorded(store: Store) -> None:
    receipt_id = await accept_id(store, receipt("PA-3"))
    await delivered(store, "PA-3", -1)
    assert await store.next_receipt_due() == 0 and await store.alarm_receipts() == []
    assert receipt_id


async def test_a_receipt_of_another_version_or_platform_is_not_it(store: Store) -> None:
    await delivered(store, "PA-4", -1, version=2)
    await accept_id(store, receipt("PA-4", 1))
    await accept_id(store, receipt("PA-4", 2, sender="CZ-2"))
    assert [one.biz_version for one in await store.alarm_receipts()] == [2]


async def test_what_owes_no_receipt_is_not_waited_for(store: Store) -> None:
    await delivered(store, "PA-5", 0)
    assert await store.next_receipt_due() == 0


# dead letters by filter
async def dead(
    store: Store, receiver: str, type_: str, code: str, state: DeliveryState = DeliveryState.DEAD
) -> int:
    await accept_id(store, message(type=type_, judge=says(to(receiver, f"{receiver}{type_}{code}"))))
    claimed = await claim_one(store)
    await store.record(ended(claimed, state, code))
    return claimed.delivery_id


async def test_dead_letters_are_found_by_each_filter(store: Store) -> None:
    before = clock.now_ms()
    first = await dead(store, "A", "2001", "receiver.30001")
    second = await dead(store, "B", "2001", "delivery.timeout")
    third = await dead(store, "B", "4002", "delivery.timeout", DeliveryState.UNKNOWN)
    after = clock.now_ms() + 1

    async def found(**wanted: object) -> list[int]:
        return [one.id for one in await store.find_stuck(StuckFilter(**wanted))]  # type: ignore[arg-type]

    assert await found() == [first, second, third]
    assert await found(receiver="B") == [second, third]
    assert await found(type="2001", receiver="B") == [second]
    assert await found(code="receiver.30001") == [first]
    assert await found(state="unknown") == [third]
    assert await found(since=before, until=after) == [first, second, third]
    assert await found(since=after) == [] and await found(until=before) == []
    assert await found(after=first, limit=1) == [second]


async def test_a_lease_is_held_by_its_token_and_receiver_alone(store: Store) -> None:
    await accept_id(store, message(judge=says(to())))
    claimed = await claim_one(store)
    assert await store.held(claimed.delivery_id, claimed.token, "CZ") == claimed
    assert await store.held(claimed.delivery_id, "other", "CZ") is None
    assert await store.held(claimed.delivery_id, claimed.token, "GGZY-ZPT") is None
    await store.record(ended(claimed))
    assert await store.held(claimed.delivery_id, claimed.token, "CZ") is None
