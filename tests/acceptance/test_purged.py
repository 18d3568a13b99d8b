"""A retry of a message that was purged: the first reply again, over the wire, and its proof."""

from __future__ import annotations

from gateway import clock
from gateway.client import Refused
from gateway.store.months import Month
from gateway.store.records import record_digest

from .conftest import House

JSON = "application/json"


async def purge_all(house: House) -> int:
    store, month = house.gateway.store, Month.of(clock.now())
    held = {row.id: record_digest(record) for row, record in await store.month_records(month, "", 100)}
    return (await store.purge_batch(month, held)).purged


async def test_a_retry_of_a_purged_message_gets_its_first_reply(house: House) -> None:
    key, payload = house.message("1001", house.subject())
    first = await house.general.submit("1001", payload, idem_key=key, content_type=JSON, wait_s=30)
    assert first.settled == "delivered"
    first = await house.general.submit("1001", payload, idem_key=key, content_type=JSON)
    asked = [len(one.ledger.find("request", "1001")) for one in house.sandbox.platforms.values()]
    assert await purge_all(house) == 1 and (await house.gateway.store.counts()).messages == 0
    again = await house.general.submit("1001", payload, idem_key=key, content_type=JSON)
    assert again.payload == first.payload and again.receipt == first.receipt and again.receipt
    assert (await house.general.message(first.message_id))["State"] == "delivered"
    assert await house.general.receipt(first.message_id) == first.receipt
    assert asked == [len(one.ledger.find("request", "1001")) for one in house.sandbox.platforms.values()]


async def test_other_content_under_the_key_of_a_purged_message_is_refused(house: House) -> None:
    key, payload = house.message("1001", house.subject())
    await house.general.submit("1001", payload, idem_key=key, content_type=JSON, wait_s=30)
    assert await purge_all(house) == 1
    _, other = house.message("1001", house.subject("上海另一家养护有限公司"))
    try:
        await house.general.submit("1001", other, idem_key=key, content_type=JSON)
    except Refused as refused:
        assert refused.result == "90003"
    else:
        raise AssertionError("other content was taken under the key of a purged message")
