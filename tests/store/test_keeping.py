"""Reconciled days, and purging what an archive holds: the same on every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gateway import clock
from gateway.evidence import make_receipt, verify_receipt
from gateway.evidence.chain import check_chain
from gateway.store import Store
from gateway.store.contract import ReconciledDifference, Reconciliation, ReconciliationFilter
from gateway.store.months import Month
from gateway.store.purging import forget_unexpected
from gateway.store.records import record_digest
from gateway.store.statements import Statement
from gateway.store.steering_tables import business_receipt
from tests.store.samples import accept_id, claim_one, ended, message, says, to, verify

OLD = datetime(2023, 3, 14, 10, tzinfo=clock.SHANGHAI)
MARCH = Month.of(OLD)
DAY = Reconciliation("20261127", "CZ", "agreed", 2, 2, 0, 0, 0, 0, 0, "", 500, 2, 500, 2, 500)
DIFFERENCE = ReconciledDifference(
    1, "GGZY-ZPT", "amount", "SQ-1", "V-1", "", "", "20261127", 500, "20261127", 400
)


async def test_a_day_that_is_reconciled_again_alike_is_as_it_was(store: Store) -> None:
    assert await store.put_reconciliation(DAY, [DIFFERENCE])
    first = await store.reconciliation("20261127", "CZ")
    assert first is not None and first.changed_at > 0
    assert not await store.put_reconciliation(DAY, [DIFFERENCE])
    assert await store.reconciliation("20261127", "CZ") == first
    assert await store.reconciled_differences("20261127", "CZ") == [DIFFERENCE]


async def test_a_day_that_is_reconciled_otherwise_is_replaced_whole(store: Store) -> None:
    await store.put_reconciliation(DAY, [DIFFERENCE])
    assert await store.put_reconciliation(replace(DAY, state="different", matched=1), [])
    assert await store.reconciled_differences("20261127", "CZ") == []
    await store.put_reconciliation(replace(DAY, day="20261128"), [])
    assert [one.day for one in await store.reconciliations(limit=5)] == ["20261128", "20261127"]


def old_message(content: str, **changes: Any) -> Any:
    ms = int(OLD.timestamp() * 1000)
    return message(
        content, message_id=clock.first_id(ms)[:10] + clock.new_id()[10:], received_at=ms, **changes
    )


async def delivered(store: Store, content: str, **changes: Any) -> str:
    """A message of March, done."""
    id_ = await accept_id(store, old_message(content, judge=says(to("CZ", content)), **changes))
    assert await store.record(ended(await claim_one(store)))
    return id_


async def archived(store: Store) -> dict[str, str]:
    return {row.id: record_digest(record) for row, record in await store.month_records(MARCH, "", 100)}


async def test_a_record_holds_every_row_of_its_message(store: Store) -> None:
    id_ = await delivered(store, "one")
    ((row, record),) = await store.month_records(MARCH, "", 10)
    assert row.id == id_ == record["message"]["id"] and await store.oldest_month() == MARCH
    assert [one["state"] for one in record["deliveries"]] == ["done"]
    assert len(record["forms"]) == len(record["attempts"]) == 1 and record["attempts"][0]["code"] == ""
    assert [one["stage"] for one in record["events"]] == ["accepted", "delivered"]
    assert record["leaf"]["leaf_index"] == row.place.index if row.place else False
    assert await store.month_records(MARCH, id_, 10) == []


async def test_a_record_holds_the_headers_of_attempts_and_one_without_any_is_as_it_was_before(
    store: Store,
) -> None:
    await delivered(store, "one")
    await accept_id(store, old_message("two", judge=says(to("CZ", "two"))))
    assert await store.record(ended(await claim_one(store), headers='{"sent":{"a":"1"}}'))
    records = [record for _, record in await store.month_records(MARCH, "", 10)]
    assert [one.get("headers") for record in records for one in record["attempts"]] in (
        [None, '{"sent":{"a":"1"}}'], ['{"sent":{"a":"1"}}', None],
    )  # fmt: skip
    assert (await store.purge_batch(MARCH, await archived(store))).purged == 2


async def test_what_is_purged_leaves_its_key_its_first_reply_and_its_proof(store: Store) -> None:
    arrival = old_message("one", head=b'{"MsgNo":"3001","MsgId":"M-1"}')
    first = (await store.accept(arrival)).message
    assert first is not None
    kept = await accept_id(store, message("of today"))
    assert (await store.purge_batch(MARCH, await archived(store))).purged == 1
    await store.end_purge(MARCH)
    assert await store.month_records(MARCH, "", 10) == []
    assert (await store.counts()).messages == 1 and await store.get_message(kept) is not None
    again = await store.accept(replace(arrival, jti="another", message_id=clock.new_id()))
    assert again.kind == "replayed" and again.message is not None
    left = again.message
    assert (left.id, left.body, left.original) == (first.id, b"", b"") and left.head == b'{"MsgId":"M-1"}'
    assert make_receipt(left) == make_receipt(first)
    assert verify_receipt(make_receipt(left), verify, "receipt-key").message_id == first.id
    found = await store.find_by_key(arrival.sender, arrival.idem_key)
    assert found is not None and found.original_digest and found == await store.get_message(first.id)
    other = await store.accept(replace(message("other"), idem_key=arrival.idem_key))
    assert other.kind == "key-conflict"
    version = await store.accept(replace(message("one"), biz_key=arrival.biz_key))
    assert version.kind == "duplicate" and version.message == found


async def test_what_changed_since_it_was_archived_stays(store: Store) -> None:
    ids = [await delivered(store, "one"), await delivered(store, "two")]
    held = await archived(store)
    await store.note_event(ids[1], "resolved", {"why": "a person did something"})
    done = await store.purge_batch(MARCH, held)
    assert done.purged == 1 and done.changed == (ids[1],)
    left = await store.get_message(ids[1])
    assert left is not None and left.body == b"two" and await store.deliveries(ids[1])
    assert await store.deliveries(ids[0]) == []


async def test_business_receipts_go_with_their_messages(store: Store) -> None:
    def owing(biz_key: str, **changes: Any) -> Any:
        return message(type="4002", biz_key=biz_key, judge=says(to("CZ", biz_key)), **changes)

    def receipt(biz_key: str, **changes: Any) -> Any:
        return message(type="8002", sender="CZ", answers=("4002", biz_key, 1), **changes)

    ms = int(OLD.timestamp() * 1000)
    for biz_key, is_old in (("missing", True), ("answered", True), ("of today", False)):
        when = (
            {"message_id": clock.first_id(ms)[:10] + clock.new_id()[10:], "received_at": ms} if is_old else {}
        )
        await accept_id(store, owing(biz_key, **when))
        assert await store.record(ended(await claim_one(store), receipt_within_s=-1))
    await accept_id(store, receipt("answered"))
    await accept_id(store, receipt("of nothing"))
    assert len(await store.alarm_receipts()) == 2
    held = await archived(store)
    assert (await store.purge_batch(MARCH, held)).purged == 2
    assert [one.biz_key for one in await store.receipts_due(overdue=True)] == ["of today"]
    await store.end_purge(MARCH)
    assert await _owed(store) == ["of nothing", "of today"], "what came this month is not March's"
    await store._do(lambda work: forget_unexpected(work, clock.now_ms() + 1000))  # type: ignore[attr-defined]
    assert await _owed(store) == ["of today"]


async def _owed(store: Store) -> list[str]:
    rows = await store._reader.rows(Statement(select(business_receipt.c.biz_key).order_by("biz_key")), {})  # type: ignore[attr-defined]
    return [biz_key for (biz_key,) in rows]


async def test_a_batch_that_is_purged_twice_is_purged_once(store: Store) -> None:
    for content in ("one", "two"):
        await delivered(store, content)
    held = await archived(store)
    assert [(await store.purge_batch(MARCH, held)).purged for _ in range(2)] == [2, 0]
    counts = await store.counts()
    assert counts.messages == 0 and not any(counts.deliveries.values())


async def test_what_is_open_in_a_month_is_told(store: Store) -> None:
    await accept_id(store, old_message("open", judge=says(to("CZ", "open"))))
    await accept_id(store, old_message("parked", judge=says(note="parked late")))
    holds = await store.what_holds(MARCH)
    assert (holds.open_deliveries, holds.parked, holds.live_applications) == (1, 1, 0) and holds
    assert not await store.what_holds(MARCH.next)
    with pytest.raises(LookupError):
        await store.purge_batch(MARCH, await archived(store))
    assert len(await store.month_records(MARCH, "", 10)) == 2


async def test_months_are_read_and_written_alike() -> None:
    assert str(Month.parse("2026-12")) == "2026-12" and Month.parse("2026-12").next == Month.parse("2027-01")
    assert Month.of_id(Month.parse("2026-12").first_id) == Month.parse("2026-12")
    for wrong in ("2026-13", "26-01", "2026-1", "２０２６-01"):
        with pytest.raises(ValueError):
            Month.parse(wrong)


async def test_days_are_found_by_state_and_treasury_page_by_page(store: Store) -> None:
    days = [replace(DAY, day=day, treasury=node) for day in ("20261125", "20261126") for node in ("CZ", "PD")]
    for one in days:
        await store.put_reconciliation(
            replace(one, state="different" if one.treasury == "PD" else "agreed"), []
        )
    found = await store.reconciliations(10, ReconciliationFilter(state="different"))
    assert [(one.day, one.treasury) for one in found] == [("20261126", "PD"), ("20261125", "PD")]
    assert len(await store.reconciliations(10, ReconciliationFilter(treasury="CZ"))) == 2
    first = await store.reconciliations(3)
    rest = await store.reconciliations(
        3, ReconciliationFilter(before=f"{first[-1].day}/{first[-1].treasury}")
    )
    assert [(one.day, one.treasury) for one in [*first, *rest]] == [
        ("20261126", "CZ"), ("20261126", "PD"), ("20261125", "CZ"), ("20261125", "PD"),
    ]  # fmt: skip


async def test_checkpoints_are_read_with_what_joins_them(store: Store) -> None:
    for content in ("one", "two", "three"):
        await accept_id(store, message(content))
    ((log_id, size),) = [(one.log_id, one.size) for one in await store.evidence_logs()]
    newest = await store.checkpoints(log_id)
    assert (log_id, size) == ("GW-1", 3) and [row.size for row in newest] == [3, 2, 1]
    assert await store.checkpoints(log_id, before=3, limit=1) == [newest[1]]
    assert await store.find_checkpoint(log_id, 2) == newest[1]
    assert await store.find_checkpoint(log_id, 9) is None
    before, links = await store.chain_links(log_id, 2, 10)
    assert before == newest[2] and [link.checkpoint.size for link in links] == [2, 3]
    found = check_chain(log_id, before, links, {"receipt-key": verify})
    assert (found.checked, found.size, found.fault, found.root) == (2, 3, "", newest[0].root.hex())
    start, links = await store.chain_links(log_id, 0, 2)
    assert start is None and not check_chain(log_id, None, links, {"receipt-key": verify}).fault
