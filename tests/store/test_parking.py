"""What was stored and not applied: listed until a person closes it, and the act is audited."""

from __future__ import annotations

import pytest

from gateway.store.contract import MessageFilter, ResolveRefused, Store
from tests.store.samples import accept_id, message, says


async def parked(store: Store) -> list[str]:
    return [row.id for row in await store.search(MessageFilter(parked=True))]


async def test_what_is_parked_is_listed_newest_first_until_it_is_closed(store: Store) -> None:
    assert await parked(store) == []
    first = await accept_id(store, message("a", judge=says(note="parked late")))
    await accept_id(store, message("b", judge=says()))
    second = await accept_id(store, message("c", judge=says(note="parked state")))
    assert await parked(store) == [second, first] and (await store.counts()).parked == 2
    closed = await store.close_parked(first, "li", "paid by hand")
    assert closed == await store.get_message(first) and closed.note == "was parked late"
    assert await parked(store) == [second] and (await store.counts()).parked == 1
    (audit,) = [event.detail for event in await store.events(first) if event.stage == "resolved"]
    assert audit == {"action": "close", "actor": "li", "reason": "paid by hand", "was": "parked late"}
    await store.close_parked(second, "li", "told again", second)
    (audit,) = [event.detail for event in await store.events(second) if event.stage == "resolved"]
    assert (audit["action"], audit["told_again"]) == ("apply", second)
    assert await parked(store) == [] and (await store.counts()).parked == 0
    acts = [(one.act, one.actor, one.subject) for one in await store.acts()]
    assert acts == [("apply parked", "li", second), ("close parked", "li", first)]


async def test_only_what_is_parked_is_closed_once_and_for_a_reason(store: Store) -> None:
    message_id = await accept_id(store, message("a", judge=says(note="parked late")))
    plain = await accept_id(store, message("b", judge=says()))
    with pytest.raises(LookupError):
        await store.close_parked("nobody", "li", "x")
    with pytest.raises(ResolveRefused, match="no-reason"):
        await store.close_parked(message_id, "li", " ")
    assert await parked(store) == [message_id]
    await store.close_parked(message_id, "li", "x")
    for closed in (message_id, plain):
        with pytest.raises(ResolveRefused, match="not-parked"):
            await store.close_parked(closed, "li", "x")
    assert (await store.counts()).parked == 0
