"""What a person may do with a delivery, and that each act is audited."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Fault
from gateway.message import DELIVERY_MOVES, DeliveryState, MessageState
from gateway.store.contract import Claimed, DeliveryRow, NewDelivery, ResolveRefused, Store, Verdict
from tests.store.samples import accept_id, claim_one, ended, message, says, to

DONE, READY, DEAD, UNKNOWN = (
    DeliveryState.DONE,
    DeliveryState.READY,
    DeliveryState.DEAD,
    DeliveryState.UNKNOWN,
)


async def stuck(store: Store, state: DeliveryState = DEAD, **changes: Any) -> Claimed:
    """A delivery that a worker gave up."""
    await accept_id(store, message("a", judge=says(to())))
    claimed = await claim_one(store)
    await store.record(ended(claimed, state, "receiver.30001", **changes))
    return claimed


async def find(store: Store, claimed: Claimed) -> DeliveryRow:
    return next(row for row in await store.deliveries(claimed.message_id) if row.id == claimed.delivery_id)


async def state(store: Store, claimed: Claimed) -> MessageState:
    row = await store.get_message(claimed.message_id)
    assert row is not None
    return row.state


def renewed(**changes: Any) -> NewDelivery:
    return to(delivery_key="key-2", effect_no=2, rendered=b"<form v='2'/>", rendered_version="2", **changes)


async def refused(store: Store, delivery_id: int, action: str, new: NewDelivery | None = None) -> str:
    with pytest.raises(ResolveRefused) as caught:
        await store.resolve(delivery_id, action, "me", "because", new)
    return caught.value.code


async def test_a_replay_sends_the_same_form_under_the_same_key(store: Store) -> None:
    claimed = await stuck(store)
    row = await store.resolve(claimed.delivery_id, "replay", "li", "receiver repaired")
    assert row.state is READY and await state(store, claimed) is MessageState.ACCEPTED
    again = await claim_one(store)
    assert (again.delivery_key, again.rendered) == (claimed.delivery_key, claimed.rendered)
    assert again.attempt == 1 and len(await store.attempts(again.delivery_id)) == 2
    audit = next(event for event in await store.events(claimed.message_id) if event.stage == "resolved")
    assert audit.detail == {
        "delivery": claimed.delivery_id, "action": "replay", "actor": "li", "reason": "receiver repaired",
        "was": "dead",
    }  # fmt: skip


async def test_a_replay_tells_the_worker_of_an_unknown_outcome(store: Store) -> None:
    claimed = await stuck(store, UNKNOWN)
    await store.resolve(claimed.delivery_id, "replay", "li", "ask them")
    assert (await claim_one(store)).outcome_unknown


async def test_a_quarantined_delivery_starts_anew(store: Store) -> None:
    await accept_id(store, message("a", judge=says(to())))
    for _ in range(3):
        claimed = await claim_one(store, lease_s=-1.0)
    await store.claim("w", 1, 1.0)
    await store.resolve(claimed.delivery_id, "replay", "li", "fixed")
    again = await claim_one(store)
    assert (again.attempt, again.crashes, again.outcome_unknown) == (1, 0, True)
    assert [one.number for one in await store.attempts(again.delivery_id)] == [1, 2, 3, 4]


async def test_a_discard_releases_the_line(store: Store) -> None:
    claimed = await stuck(store)
    behind = await accept_id(store, message("b", judge=says(to())))
    row = await store.resolve(claimed.delivery_id, "discard", "li", "not needed")
    assert row.state is DeliveryState.DISCARDED and row.done_at
    assert await state(store, claimed) is MessageState.DELIVERED
    assert (await claim_one(store)).message_id == behind


async def test_a_follower_can_be_discarded_and_the_head_goes_on(store: Store) -> None:
    head = await accept_id(store, message("a", judge=says(to())))
    middle = await accept_id(store, message("b", judge=says(to())))
    last = await accept_id(store, message("c", judge=says(to())))
    await store.resolve((await store.deliveries(middle))[0].id, "discard", "li", "no")
    assert (await store.deliveries(last))[0].state is DeliveryState.WAITING
    claimed = await claim_one(store, limit=5)
    assert claimed.message_id == head
    await store.record(ended(claimed))
    assert (await claim_one(store)).message_id == last


async def test_what_the_receiver_has_is_done(store: Store) -> None:
    claimed = await stuck(store, UNKNOWN)
    assert await state(store, claimed) is MessageState.STUCK
    row = await store.resolve(claimed.delivery_id, "done", "li", "they have it")
    assert row.state is DONE and await state(store, claimed) is MessageState.DELIVERED


async def test_a_new_effect_of_a_dead_delivery_replaces_form_key_and_number(store: Store) -> None:
    claimed = await stuck(store)
    row = await store.resolve(claimed.delivery_id, "new-effect", "li", "mapping mended", renewed())
    assert (row.id, row.effect_no, row.delivery_key) == (claimed.delivery_id, 2, "key-2")
    again = await claim_one(store)
    assert (again.rendered, again.delivery_key, again.effect_no) == (b"<form v='2'/>", "key-2", 2)


async def test_a_new_effect_of_a_done_delivery_is_another_delivery(store: Store) -> None:
    claimed = await stuck(store, DONE)
    busy = await accept_id(store, message("b", judge=says(to())))
    row = await store.resolve(claimed.delivery_id, "new-effect", "li", "they lost it", renewed())
    assert row.id != claimed.delivery_id and row.state is DeliveryState.WAITING
    assert (await find(store, claimed)).state is DONE and await state(store, claimed) is MessageState.ACCEPTED
    first = await claim_one(store)
    assert first.message_id == busy
    await store.record(ended(first))
    again = await claim_one(store)
    assert (again.message_id, again.effect_no) == (claimed.message_id, 2)
    await store.record(ended(again))
    assert await state(store, claimed) is MessageState.DELIVERED


@pytest.mark.parametrize("way", ["state", "flag"])
async def test_no_new_effect_while_an_outcome_is_unknown(store: Store, way: str) -> None:
    claimed = await (stuck(store, UNKNOWN) if way == "state" else stuck(store, DEAD, outcome_unknown=True))
    assert await refused(store, claimed.delivery_id, "new-effect", renewed()) == "resolve.outcome-unknown"
    assert (await find(store, claimed)).effect_no == 1


@pytest.mark.parametrize("second", [None, UNKNOWN, DONE])
async def test_there_is_one_unsettled_effect_at_a_time(store: Store, second: DeliveryState | None) -> None:
    claimed = await stuck(store, DONE)
    await store.resolve(claimed.delivery_id, "new-effect", "li", "they lost it", renewed())
    if second is not None:
        await store.record(ended(await claim_one(store), second))
    third = to(delivery_key="key-3", effect_no=3)
    if second is DONE:
        row = await store.resolve(claimed.delivery_id, "new-effect", "li", "again", third)
        assert row.effect_no == 3
    else:
        assert await refused(store, claimed.delivery_id, "new-effect", third) == "resolve.effect-under-way"
    used = to(delivery_key="key-2", effect_no=2)
    assert await refused(store, claimed.delivery_id, "new-effect", used) == "resolve.effect-under-way"


async def test_a_new_effect_needs_a_form_and_a_higher_number(store: Store) -> None:
    claimed = await stuck(store)
    assert await refused(store, claimed.delivery_id, "new-effect") == "resolve.no-form"
    same = to(effect_no=1)
    assert await refused(store, claimed.delivery_id, "new-effect", same) == "resolve.not-renewed"
    assert await refused(store, claimed.delivery_id, "new-effect", renewed(fault="x")) == "resolve.no-form"


async def test_a_form_that_never_was_cannot_be_replayed(store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(to(fault="too long", rendered=b""))))
    (row,) = await store.deliveries(message_id)
    assert await refused(store, row.id, "replay") == "resolve.no-form"
    assert (await store.resolve(row.id, "new-effect", "li", "cut", renewed())).state is READY


async def test_a_dead_follower_does_not_pass_its_head(store: Store) -> None:
    await accept_id(store, message("a", judge=says(to())))
    dead = await accept_id(store, message("b", judge=says(to(fault="no", rendered=b""))))
    (row,) = await store.deliveries(dead)
    assert await refused(store, row.id, "new-effect", renewed()) == "resolve.not-the-head"


@pytest.mark.parametrize("action", ["replay", "done", "discard"])
@pytest.mark.parametrize("old", ["waiting", "ready", "leased", "done", "dead", "unknown"])
async def test_only_legal_moves_are_made(store: Store, action: str, old: str) -> None:
    target = {"replay": READY, "done": DONE, "discard": DeliveryState.DISCARDED}[action]
    message_id = await accept_id(store, message("a", judge=says(to())))
    if old == "waiting":
        message_id = await accept_id(store, message("b", judge=says(to())))
    elif old != "ready":
        claimed = await claim_one(store)
        if old != "leased":
            await store.record(ended(claimed, DeliveryState(old)))
    (row,) = await store.deliveries(message_id)
    assert row.state == old
    if target in DELIVERY_MOVES[row.state] and (old, action) != ("waiting", "replay"):
        assert (await store.resolve(row.id, action, "me", "because", sure=True)).state is target
    else:
        code = await refused(store, row.id, action)
        assert code in ("resolve.not-allowed", "resolve.not-the-head")
        assert (await store.deliveries(message_id))[0].state == old
        assert "resolved" not in [event.stage for event in await store.events(message_id)]


async def test_an_act_needs_a_reason_a_known_action_and_a_delivery(store: Store) -> None:
    claimed = await stuck(store)
    with pytest.raises(ResolveRefused, match="reason"):
        await store.resolve(claimed.delivery_id, "replay", "me", " ")
    assert await refused(store, claimed.delivery_id, "explode") == "resolve.unknown-action"
    with pytest.raises(LookupError):
        await store.resolve(999, "replay", "me", "because")


async def test_a_discard_in_doubt_needs_somebody_who_is_sure(store: Store) -> None:
    claimed = await stuck(store, DEAD, outcome_unknown=True)
    assert await refused(store, claimed.delivery_id, "discard") == "resolve.outcome-unknown"
    row = await store.resolve(claimed.delivery_id, "discard", "li", "asked them", sure=True)
    assert row.state is DeliveryState.DISCARDED


async def test_a_discard_and_its_word_to_the_sender_are_one(store: Store) -> None:
    claimed = await stuck(store)
    faults = (Fault("x", "", "不", "no"),)
    silent = message(type="8002", judge=lambda ground, last: Verdict(faults=faults))
    with pytest.raises(ResolveRefused, match="no"):
        await store.resolve(claimed.delivery_id, "discard", "li", "because", notice=silent)
    assert (await find(store, claimed)).state is DEAD and await state(store, claimed) is MessageState.STUCK
    assert await store.acts() == []
    told = message(type="8002", judge=says(to("GGZY-ZPT", "line-2")))
    await store.resolve(claimed.delivery_id, "discard", "li", "because", notice=told)
    assert (await store.get_message(told.message_id)) is not None
    assert (await find(store, claimed)).state is DeliveryState.DISCARDED
    assert [(one.act, one.subject) for one in await store.acts()] == [("discard", claimed.message_id)]
