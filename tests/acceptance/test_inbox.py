"""Pull mode over real sockets: what is leased is sealed, comes in order, and is lost by nobody's mishap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.client import PlatformClient, Refused
from gateway.client.inbox import Failure, Leased
from gateway.connectorsettings import ConnectorSettings
from gateway.formats import formats
from gateway.inbox import Inbox
from gateway.message import DeliveryState
from gateway.outcomes import Outcomes
from gateway.security.suite import MAX_PAYLOAD_BYTES
from gateway.settings import RetrySettings, Settings
from gateway.store.contract import MessageFilter
from tests.store.samples import accept_id, message, says, to

from .partners import partner
from .running import Running, running
from .test_pressure import GENERAL, SUB, send, with_platform

LEASE_S = 1.0


def fetching(settings: Settings) -> Settings:
    own = with_platform(SUB, connector=ConnectorSettings(kind="inbox", lease_s=LEASE_S))(settings)
    quick = own.gateway.model_copy(update={"retry": RetrySettings(first_s=0.05, attempts=1000)})
    return replace(own, gateway=quick)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, change=fetching) as found:
        yield found


def sub(there: Running) -> PlatformClient:
    return there.client(SUB)


async def state(there: Running, one: Leased) -> DeliveryState:
    row = await there.store.delivery(one.id)
    assert row is not None
    return row.state


async def leased_again(client: PlatformClient) -> Leased:
    """The next lease that gives something."""
    async with asyncio.timeout(10):
        while not (found := await client.lease()):  # noqa: ASYNC110 - there is no event: it polls, as a platform does
            await asyncio.sleep(0.05)
    (one,) = found
    return one


async def test_a_line_comes_in_order_each_sealed_under_its_key(there: Running) -> None:
    client = sub(there)
    sent = [(await send(there)).message_id for _ in range(3)]  # one subject: one line
    seen = []
    for _ in range(3):
        (one,) = await client.lease()
        opened = client.open(one.sealed)
        assert (opened.claims.msg_type, opened.claims.idem_key) == ("1001", one.key)
        assert formats.get("des").decode(opened.payload).head["MsgId"]
        assert await client.lease() == []  # its followers wait
        told = await client.confirm([one])
        assert told.taken == (one.id,)
        row = await there.store.delivery(one.id)
        assert row is not None and (row.state, row.attempts) == (DeliveryState.DONE, 1)
        seen.append(row.message_id)
    assert seen == sent and await client.lease() == []


async def test_a_confirmation_that_comes_twice_answers_the_same_twice(there: Running) -> None:
    """The answer to the first was lost on the way."""
    client = sub(there)
    await send(there)
    (one,) = await client.lease()
    first = await client.confirm([one])
    assert await client.confirm([one]) == first and first.taken == (one.id,)
    assert len(await there.store.attempts(one.id)) == 1


async def test_a_confirmation_that_never_came_brings_the_delivery_again_under_its_key(there: Running) -> None:
    client = sub(there)
    await send(there)
    (one,) = await client.lease()
    assert await client.lease() == []
    again = await leased_again(client)
    assert (again.id, again.key, again.attempt) == (one.id, one.key, 2) and again.lease != one.lease
    late = await client.confirm([one])  # the lease is over: the late word changes nothing
    assert late.lost == (one.id,) and await state(there, one) is DeliveryState.LEASED
    assert (await client.confirm([again])).taken == (one.id,)
    assert (await client.confirm([one])).taken == (one.id,)  # and now it is so


async def test_three_leases_that_ran_out_quarantine_it_and_tell_its_sender(there: Running) -> None:
    client = sub(there)
    await send(there)
    for _ in range(3):
        one = await leased_again(client)
    async with asyncio.timeout(10):
        while await state(there, one) is not DeliveryState.DEAD:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    row = await there.store.delivery(one.id)
    assert row is not None and row.last_code == "delivery.quarantined"
    assert len(await there.store.search(MessageFilter(type="8002"))) == 1


async def test_what_failed_comes_again_with_its_reason_kept(there: Running) -> None:
    client = sub(there)
    await send(there)
    (one,) = await client.lease()
    failed = [Failure(one, "E42", "our disk is full")]
    assert (await client.confirm(failed=failed)).failed == (one.id,)
    assert (await client.confirm(failed=failed)).failed == (one.id,)
    again = await leased_again(client)
    assert again.id == one.id and (await client.confirm([again])).taken == (one.id,)
    attempts = await there.store.attempts(one.id)
    assert [(row.state, row.code, row.text) for row in attempts] == [
        ("ready", "receiver.E42", "our disk is full"), ("done", "", ""),
    ]  # fmt: skip


async def test_what_will_never_be_taken_is_a_dead_letter_and_its_sender_hears_of_it(there: Running) -> None:
    client = sub(there)
    await send(there)
    (one,) = await client.lease()
    told = await client.confirm(failed=[Failure(one, "30001", "no such code", final=True)])
    assert told.failed == (one.id,) and await state(there, one) is DeliveryState.DEAD
    (notice,) = await there.store.search(MessageFilter(type="8002"))
    assert [row.receiver for row in await there.store.deliveries(notice.id)] == [GENERAL]


async def test_what_cannot_be_sealed_keeps_nothing_else_from_the_platform(there: Running) -> None:
    large = b"x" * (MAX_PAYLOAD_BYTES + 1)
    bad = to(SUB, "large", rendered=large)
    bad_id = await accept_id(there.store, message("large", type="1001", judge=says(bad)))
    good_id = await accept_id(there.store, message("small", type="1001", judge=says(to(SUB, "small"))))
    client = sub(there)
    (one,) = await client.lease()
    assert (await client.confirm([one])).taken == (one.id,)
    (good,) = await there.store.deliveries(good_id)
    (dead,) = await there.store.deliveries(bad_id)
    assert (good.id, good.attempts) == (one.id, 1)
    assert (dead.state, dead.last_code) == (DeliveryState.DEAD, "delivery.form")


async def test_what_the_keys_do_not_fit_waits_until_they_do(there: Running) -> None:
    sent = await send(there)
    world = partner(SUB).world(there.session, "")
    unfit = replace(world, peer=replace(world.peer, algorithms={"encrypt": "none"}))
    outcomes = Outcomes(there.settings, there.gateway.translator.standard.catalogue, lambda *given: None)
    assert await Inbox(there.settings, there.store, outcomes, {SUB: unfit}).lease(world.platform, 1) == []
    (row,) = [one for one in await there.store.deliveries(sent.message_id) if one.receiver == SUB]
    assert (row.state, row.last_code) == (DeliveryState.READY, "delivery.configuration")
    assert (await leased_again(sub(there))).id == row.id


async def test_an_inbox_is_its_platforms_own(there: Running) -> None:
    await send(there)
    with pytest.raises(Refused) as caught:
        await there.client(GENERAL).lease()
    assert (caught.value.status, caught.value.code) == (403, "inbox.not-agreed")
    client = sub(there)
    (one,) = await client.lease()
    others = [
        row.id for row in await there.store.deliveries((await there.store.search(MessageFilter()))[0].id)
    ]
    foreign = replace(one, id=next(id_ for id_ in others if id_ != one.id))
    told = await client.confirm([one, foreign])
    assert (told.taken, told.unknown) == ((one.id,), (foreign.id,))


async def test_a_paused_inbox_gives_nothing_and_takes_confirmations(there: Running) -> None:
    client = sub(there)
    await send(there)
    await send(there)
    (one,) = await client.lease()
    await there.store.pause_receiver(SUB, "li", "their weekend")
    assert (await client.confirm([one])).taken == (one.id,)
    assert await client.lease() == []
    await there.store.resume_receiver(SUB, "li", "monday")
    assert len(await client.lease()) == 1


async def test_every_fault_of_a_confirmation_is_told_at_once(there: Running) -> None:
    with pytest.raises(Refused) as caught:
        await sub(there).call(
            "POST", "/v1/inbox/confirm",
            body=b'{"Taken":[{"Id":0,"Lease":""}],"Failed":[{"Id":1,"Lease":"x","Final":"yes"}],"Shoe":1}',
        )  # fmt: skip
    assert {one["path"] for one in caught.value.errors} == {
        "Taken[1]/Id", "Taken[1]/Lease", "Failed[1]/Code", "Failed[1]/Final", "Shoe",
    }  # fmt: skip
