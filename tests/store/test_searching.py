"""The message log: every filter alone and together, pages, texts; refusals and events beside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import Fault
from gateway.message import DeliveryState
from gateway.store.contract import MessageFilter, Store
from tests.store.samples import accept_id, ended, message, says, to


async def fill(store: Store) -> list[str]:
    """Ten messages; the ids in order of acceptance."""
    ids = []
    for n in range(10):
        deliveries = (to("A", f"l{n}"), to("B", f"l{n}")) if n % 2 else (to("A", f"l{n}"),)
        arrival = message(
            f"m{n}", sender="S1" if n < 5 else "S2", type="3001" if n % 3 else "2003", biz_key=f"PA-{n}|1",
            idem_key=f"idem-{n}", received_at=1000 + n, search=f"上海公司{n} 100%_ok",
            judge=says(*deliveries, application=f"PA-{n % 4}"),
        )  # fmt: skip
        ids.append(await accept_id(store, arrival))
    claimed = await store.claim("w", 100, 60.0)
    for one in claimed:
        if one.message_id == ids[7] and one.receiver == "B":
            await store.record(ended(one, DeliveryState.DEAD, "receiver.30001"))
        else:
            await store.record(ended(one))
    await accept_id(
        store, message("q", type="6001", sender="S1", biz_key="Q", answer=b"{}", received_at=2000)
    )
    return ids


async def test_filters_alone_and_together(store: Store) -> None:
    ids = await fill(store)

    async def found(**wanted: Any) -> list[int]:
        rows = await store.search(MessageFilter(**wanted))
        return [ids.index(row.id) if row.id in ids else -1 for row in rows]

    assert await found() == [-1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert await found(type="2003") == [9, 6, 3, 0]
    assert await found(sender="S2", type="2003") == [9, 6]
    assert await found(receiver="B") == [9, 7, 5, 3, 1]
    assert await found(receiver="B", sender="S1") == [3, 1]
    assert await found(state="stuck") == [7] and await found(state="answered") == [-1]
    assert await found(state="delivered", sender="S2") == [9, 8, 6, 5]
    assert await found(application="PA-1") == [9, 5, 1]
    assert (
        await found(code="receiver.30001") == [7] and await found(code="receiver.30001", receiver="A") == []
    )
    assert await found(since=1003, until=1006) == [5, 4, 3]
    assert await found(limit=2) == [-1, 9]
    assert await found(before=ids[8], limit=2) == [7, 6]
    assert await found(before=ids[8], type="2003", sender="S1") == [3, 0]
    assert await found(before="unknown") == []


async def test_a_text_is_a_name_first_and_a_part_of_the_text_else(store: Store) -> None:
    ids = await fill(store)

    async def found(text: str, **wanted: Any) -> list[int]:
        return [ids.index(row.id) for row in await store.search(MessageFilter(text=text, **wanted))]

    assert await found(ids[4]) == [4]
    assert await found("idem-6") == [6]
    assert await found("PA-3") == [7, 3]  # an application, and the first part of PA-3|1
    assert await found("PA-8|") == [8] and await found("PA-8|1") == [8]
    assert await found("PA-") == [] and await found("PA-8||") == [8]
    assert await found(" 公司5 ") == [5]
    assert await found("100%_ok") == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert await found("100__ok") == [] and await found("nothing") == []
    assert await found("'; DROP TABLE message; --") == []


async def test_refusals_are_kept_apart_and_newest_first(store: Store) -> None:
    faults = [Fault("a.b", "X", "中", "en", "30001", found="1"), Fault("c.d", "Y", "文", "en")]
    await store.note_refusal("S1", "3001", 5, faults, {"status": 422})
    await store.note_refusal("S2", "", 6, faults[:1], {})
    second, first = await store.refusals()
    assert (first.sender, first.type, first.at, first.detail) == ("S1", "3001", 5, {"status": 422})
    assert first.faults == tuple(faults) and second.sender == "S2"
    assert await store.refusals(sender="S1") == [first] and await store.refusals(1) == [second]
    assert await store.search(MessageFilter()) == []


async def test_only_the_newest_refusals_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.refusing.KEPT", 3)
    for number in range(6):
        await store.note_refusal("S", "3001", number, [Fault("a", "b", "c", "d")], {})
    assert [row.at for row in await store.refusals()] == [5, 4, 3]


async def test_events_are_noted_in_order(store: Store) -> None:
    message_id = await accept_id(store, message("a"))
    await asyncio.gather(*(store.note_event(message_id, f"s{n}", {"n": n, "中": "文"}) for n in range(5)))
    events = await store.events(message_id)
    assert [event.stage for event in events] == ["accepted", "s0", "s1", "s2", "s3", "s4"]
    assert events[5].detail == {"n": 4, "中": "文"} and events[5].at > 0


async def test_what_cannot_be_stored_is_not_there(store: Store) -> None:
    odd = "a\0b"
    assert await store.get_message(odd) is None and await store.find_by_key("S", odd) is None
    assert list(await store.search(MessageFilter(application=odd))) == []
    assert list(await store.search(MessageFilter(text=odd))) == []
