"""Accepting: what binds a key, what a replay gets, what a refusal leaves, versions, tokens, evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from gateway.errors import Fault
from gateway.evidence import EvidenceLog, make_receipt, verify_receipt
from gateway.merkle import Frontier
from gateway.message import MessageState
from gateway.payments.ground import Ground
from gateway.store.contract import (
    LastVersion,
    MessageRow,
    Outcome,
    SealedBatch,
    Store,
    StoreUnavailable,
    Verdict,
)
from tests.store.samples import accept_id, message, says, sign, to, verify

OpenStore = Callable[[], Store]
FAULT = Fault("rule.no", "A/B", "不行", "no", "30006")


async def test_an_accepted_message_is_there_with_all_it_has(store: Store) -> None:
    arrival = message(
        "内容", judge=says(to(), application="PA-9", note="parked", origin_id="m0"), search="甲公司",
        amount_fen=100, traceparent="00-x", head=b"{}", answer=b"",
    )  # fmt: skip
    outcome = await store.accept(arrival)
    row = await store.get_message(arrival.message_id)
    assert row is not None and outcome == Outcome("accepted", row)
    for name in (
        "type", "sender", "idem_key", "jti", "biz_key", "biz_version", "oper_type", "fingerprint", "original",
        "content_type", "body", "head", "suite", "cert", "transport", "received_at", "search", "answer",
    ):  # fmt: skip
        assert getattr(row, name) == getattr(arrival, name), name
    assert (row.application, row.note, row.origin_id) == ("PA-9", "parked", "m0")
    assert row.state is MessageState.ACCEPTED
    assert await store.find_by_key(arrival.sender, arrival.idem_key) == row
    assert await store.find_message(arrival.sender, arrival.type, arrival.biz_key) == row
    (event,) = await store.events(row.id)
    assert event.stage == "accepted" and event.detail["stages_us"] == {"read": 120, "prepared": 30}
    (delivery,) = await store.deliveries(row.id)
    assert (delivery.receiver, delivery.rendered, delivery.state) == ("CZ", b"<form/>", "ready")
    assert await store.is_token_seen(arrival.sender, arrival.jti) and not await store.is_token_seen(
        "other", arrival.jti
    )


async def test_what_needs_no_delivery_is_delivered_and_a_query_is_answered(store: Store) -> None:
    plain, query = message("a"), message("b", answer=b"{}")
    await accept_id(store, plain)
    await accept_id(store, query)
    assert (await store.get_message(plain.message_id)).state is MessageState.DELIVERED  # type: ignore[union-attr]
    row = await store.get_message(query.message_id)
    assert row is not None and (row.state, row.answer) == (MessageState.ANSWERED, b"{}")


async def test_the_same_key_and_content_gets_the_first_outcome(store: Store) -> None:
    first = message("a", judge=says(to()))
    accepted = await store.accept(first)
    again = replace(first, message_id="another", jti="sealed-afresh", received_at=1)
    replayed = await store.accept(again)
    assert replayed == Outcome("replayed", accepted.message)
    assert await store.get_message("another") is None
    assert [event.stage for event in await store.events(first.message_id)] == ["accepted", "replayed"]
    assert len(await store.deliveries(first.message_id)) == 1
    assert await store.is_token_seen(first.sender, "sealed-afresh")


async def test_the_same_key_with_other_content_is_a_conflict(store: Store) -> None:
    first = message("a")
    await accept_id(store, first)
    other = message("b", idem_key=first.idem_key)
    assert (await store.accept(other)).kind == "key-conflict"
    assert not await store.is_token_seen(other.sender, other.jti)
    elsewhere = message("b", idem_key=first.idem_key, sender="GGZY-JSGC")
    assert (await store.accept(elsewhere)).kind == "accepted"


async def test_a_token_used_for_anything_else_is_a_replay(store: Store) -> None:
    first = message("a")
    await accept_id(store, first)
    assert (await store.accept(message("b", jti=first.jti))).kind == "token-replay"
    second = message("c")
    await accept_id(store, second)
    crossed = replace(second, message_id="x", jti=first.jti)
    assert (await store.accept(crossed)).kind == "token-replay"
    assert (await store.accept(replace(first, message_id="y"))).kind == "replayed"


async def test_a_transport_without_tokens_is_not_held_to_them(store: Store) -> None:
    await accept_id(store, message("a", jti=""))
    await accept_id(store, message("b", jti=""))


async def test_a_refusal_lists_every_fault_and_binds_nothing(store: Store) -> None:
    def refuse(ground: Ground, last: LastVersion | None) -> Verdict:
        return Verdict(faults=(FAULT, FAULT))

    refused = message("a", judge=refuse)
    outcome = await store.accept(refused)
    assert outcome == Outcome("refused", None, (FAULT, FAULT))
    assert await store.get_message(refused.message_id) is None
    assert not await store.is_token_seen(refused.sender, refused.jti)
    corrected = message("b", idem_key=refused.idem_key, biz_key=refused.biz_key)
    assert (await store.accept(corrected)).kind == "accepted"


async def test_rules_that_raise_fail_their_own_message_alone(store: Store) -> None:
    def crash(ground: Ground, last: LastVersion | None) -> Verdict:
        raise ZeroDivisionError("ours")

    bad, good = message("a", judge=crash), message("b")
    failed, accepted = await asyncio.gather(store.accept(bad), store.accept(good), return_exceptions=True)
    assert isinstance(failed, ZeroDivisionError)
    assert isinstance(accepted, Outcome) and accepted.kind == "accepted"
    assert await store.get_message(bad.message_id) is None


async def test_what_the_database_refuses_fails_alone_too(store: Store) -> None:
    first = message("a")
    clash = message("b", message_id=first.message_id, judge=says(to("JS")))  # violates the unique id
    others = [message(f"c{number}", judge=says(to())) for number in range(5)]
    results = await asyncio.gather(
        store.accept(first), store.accept(clash), *map(store.accept, others), return_exceptions=True
    )
    kinds = [result.kind if isinstance(result, Outcome) else type(result).__name__ for result in results]
    assert kinds[1] in ("IntegrityError", "Broken") and not isinstance(results[1], StoreUnavailable)
    assert kinds[:1] + kinds[2:] == ["accepted"] * 6
    assert (await store.counts()).messages == 6
    assert (await store.counts()).by_receiver.keys() == {"CZ"}


async def test_equal_messages_in_one_batch_are_one(store: Store) -> None:
    first = message("a", judge=says(to()))
    copies = [replace(first, message_id=f"copy-{number}") for number in range(4)]
    outcomes = await asyncio.gather(*map(store.accept, [first, *copies]))
    assert [outcome.kind for outcome in outcomes] == ["accepted", *["replayed"] * 4]
    assert {outcome.message for outcome in outcomes} == {await store.get_message(first.message_id)}
    assert len(await store.deliveries(first.message_id)) == 1


async def test_another_key_for_the_same_business_content_is_a_duplicate_for_good(store: Store) -> None:
    first = message("a")
    accepted = await store.accept(first)
    second = message("a", biz_key=first.biz_key)
    assert await store.accept(second) == Outcome("duplicate", accepted.message)
    retry = replace(second, message_id="x", jti="afresh")
    assert await store.accept(retry) == Outcome("duplicate", accepted.message)
    other = message("b", idem_key=second.idem_key)
    assert (await store.accept(other)).kind == "key-conflict"
    found = await store.find_by_key(second.sender, second.idem_key)
    assert found is not None and found.id == first.message_id


async def test_versions_that_the_sender_gives(store: Store) -> None:
    key = "PA-versions"
    assert (await store.accept(message("v2", biz_key=key, biz_version=2))).kind == "accepted"
    assert (await store.accept(message("other", biz_key=key, biz_version=2))).kind == "version-conflict"
    assert (await store.accept(message("v2", biz_key=key, biz_version=2))).kind == "duplicate"
    assert (await store.accept(message("v1", biz_key=key, biz_version=1))).kind == "stale-version"
    assert (await store.accept(message("v4", biz_key=key, biz_version=4))).kind == "accepted"
    assert (await store.accept(message("v2", biz_key=key, biz_version=2))).kind == "duplicate"
    newest = await store.find_message("GGZY-ZPT", "3001", key)
    assert newest is not None and newest.biz_version == 4
    assert (await store.accept(message("x", biz_key=key, type="3002"))).kind == "accepted"


@pytest.mark.parametrize("together", [False, True])
async def test_versions_that_the_store_gives(store: Store, together: bool) -> None:
    seen: list[LastVersion | None] = []

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        seen.append(last)
        return Verdict()

    def sent(content: str, time: str):  # type: ignore[no-untyped-def]
        return message(
            content, biz_key="K", biz_version=0, given_version=False, sender_time=time, judge=judge
        )

    wanted = [
        (sent("a", "20260101120000"), "accepted"),
        (sent("a", "20260101120001"), "duplicate"),
        (sent("b", "20260101120000"), "stale-version"),  # other content, not newer
        (sent("b", "20260101120000000"), "stale-version"),  # the same moment, as a T17
        (sent("b", "20260101120000001"), "accepted"),  # a T17 one millisecond later
        (sent("c", "20260101120000000"), "stale-version"),
        (sent("b", "20250101120000"), "duplicate"),
        (sent("d", ""), "accepted"),  # no stamp at all: the order of coming
        (sent("d", ""), "duplicate"),
    ]
    if together:
        outcomes = await asyncio.gather(*(store.accept(arrival) for arrival, _ in wanted))
    else:
        outcomes = [await store.accept(arrival) for arrival, _ in wanted]
    assert [outcome.kind for outcome in outcomes] == [kind for _, kind in wanted]
    assert [last.version if last else 0 for last in seen] == [0, 1, 2]
    newest = await store.find_message("GGZY-ZPT", "3001", "K")
    assert newest is not None and (newest.biz_version, newest.body) == (3, b"d")


async def test_every_accepted_message_has_a_receipt_that_verifies(make_store: OpenStore) -> None:
    store = make_store()
    await store.open()
    arrivals = [message(f"m{number}") for number in range(37)]
    await accept_id(store, arrivals[0])
    await asyncio.gather(*map(store.accept, arrivals[1:20]))
    await store.close()
    store = make_store()
    await store.open()
    outcomes = await asyncio.gather(*map(store.accept, arrivals[20:]))
    indexes = []
    for arrival in arrivals:
        row = await store.get_message(arrival.message_id)
        assert row is not None
        verified = verify_receipt(make_receipt(row), verify, "receipt-key")
        assert (verified.message_id, verified.idem_key) == (arrival.message_id, arrival.idem_key)
        assert verified.accepted_at == row.accepted_at > 0
        indexes.append(verified.index)
    assert sorted(indexes) == list(range(37))
    last = outcomes[-1].message
    assert last is not None and make_receipt(last) == make_receipt(await store.get_message(last.id))  # type: ignore[arg-type]
    await store.close()


class _KeyAway(EvidenceLog):
    """Its key cannot be used the first two times."""

    fails = 2

    def seal_batch(self, frontier: Frontier, rows: Sequence[MessageRow]) -> SealedBatch:
        self.fails -= 1
        if self.fails >= 0:
            raise OSError("the key is away")
        return super().seal_batch(frontier, rows)


async def test_the_writer_survives_evidence_that_fails(make_store: OpenStore) -> None:
    store = make_store()
    store._evidence = _KeyAway("GW-1", sign, "receipt-key")  # type: ignore[attr-defined]
    await store.open()
    arrival = message("a")
    with pytest.raises(OSError, match="key is away"):
        await store.accept(arrival)
    assert await store.get_message(arrival.message_id) is None
    with pytest.raises(OSError, match="key is away"):
        await store.accept(arrival)
    assert (await store.accept(arrival)).kind == "accepted"
    await store.close()
