"""A retry of a message that was purged: the first reply again, over the wire, and its proof."""

from __future__ import annotations

import pytest

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
    with pytest.raises(Refused) as caught:
        await house.general.submit("1001", other, idem_key=key, content_type=JSON)
    assert caught.value.result == "90003"


async def test_a_retry_that_today_would_be_refused_gets_the_first_reply_all_the_same(house: House) -> None:
    """A code of it was switched off since: the very bytes are known by their digest alone."""
    key, payload = house.message("1001", {**house.subject(), "SubjectStatus": "2"})
    await house.general.submit("1001", payload, idem_key=key, content_type=JSON, wait_s=30)
    first = await house.general.submit("1001", payload, idem_key=key, content_type=JSON)
    assert await purge_all(house) == 1
    off = {"Code": "2", "NameZh": "暂停", "Enabled": "0", "ValidFrom": clock.d8()}
    change = {"TableId": "subject-status", "TableVersion": "v1", "FullFlag": "2", "Rows": {"Row": [off]}}
    number, body = house.message("9003", change)
    await house.general.submit("9003", body, idem_key=number, content_type=JSON)
    again = await house.general.submit("1001", payload, idem_key=key, content_type=JSON)
    assert again.payload == first.payload and again.receipt == first.receipt
    with pytest.raises(Refused) as caught:
        await house.general.submit("1001", payload + b" ", idem_key=key, content_type=JSON)
    assert caught.value.result == "30002"
