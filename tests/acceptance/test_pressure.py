"""At a limit new messages are sent away before any work is done, with the time to come again; then they are taken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.client import PlatformClient, Reply
from gateway.client.replies import Refused
from gateway.errors import DeliveryError, MessageError
from gateway.operating import LimitSettings
from gateway.pressure import Pressure
from gateway.schedule import Schedule
from gateway.settings import Settings
from gateway.standard import Standard

from .conftest import general_message
from .partners import ROOT
from .running import Running, running

GENERAL, SUB, CITY = "GGZY-ZPT", "GGZY-JSGC", "CZ-ZFPT-310000"
JOSE = {"Content-Type": "application/jose", "Idempotency-Key": "k"}
SOAP = {"Content-Type": 'application/soap+xml; charset="utf-8"'}
ONCE = Schedule(first_s=0.01, attempts=1)


@cache
def standard() -> Standard:
    return Standard.load(ROOT / "schemas")


def with_platform(node: str, **changes: Any) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        platform = settings.platforms[node].model_copy(update=changes)
        return replace(settings, platforms={**settings.platforms, node: platform})

    return change


def client(there: Running) -> PlatformClient:
    found = there.client(GENERAL)
    found.retry = ONCE
    return found


_serial = iter(range(10**6))


async def send(there: Running) -> Reply:
    """A subject of its own, once; DeliveryError where it is sent away."""
    name = f"上海第{next(_serial)}养护有限公司"
    record = {**standard().sample("1001"), "LegalName": name, "BasicAcctName": name}
    number = f"{next(_serial) + 1}"
    key, data = general_message(standard(), "1001", record, number)
    return await client(there).submit("1001", data, idem_key=key, content_type="application/json")


async def sent_away(there: Running) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(there)
    return caught.value


async def said(there: Running, path: str, headers: dict[str, str]) -> tuple[int, str, int]:
    """(status, code, Retry-After) of a call that nobody sealed: it must be sent away unread."""
    async with there.session.post(there.url + path, data=b"x", headers=headers) as answer:
        text = await answer.text()
        code = orjson.loads(text)["code"] if text.startswith("{") else text
        return answer.status, code, int(answer.headers.get("Retry-After", "0"))


async def test_a_backlog_sends_away_what_would_join_it_and_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path, change=with_platform(SUB, backlog=2)) as there:
        pressure = there.gateway.intake.pressure
        for _ in range(2):
            assert (await send(there)).status == 202
            await pressure.look()
        # 1001 of the general platform goes to every sub-platform: certain before the seal is looked at.
        assert pressure.full == {SUB}
        away = await sent_away(there)
        assert (away.status, away.retry_after_s) == (503, 15) and "receiver.backlog" not in str(away.answer)
        assert (await there.store.counts()).messages == 2
        assert await there.store.refusals() == []
        status, code, _ = await said(there, "/v1/messages/2001", JOSE)  # goes elsewhere: it is read
        assert (status, code) == (401, "seal.invalid")
        await give_up(there, SUB)
        await pressure.look()
        assert (await send(there)).status == 202


async def give_up(there: Running, receiver: str) -> None:
    """Nothing waits for it any more."""
    there.gateway.parts["delivery"].stop()
    await there.gateway.tasks[0]
    for delivery_id in range(1, 100):
        row = await there.store.delivery(delivery_id)
        if row is not None and row.receiver == receiver and row.state in ("ready", "waiting"):
            await there.store.resolve(delivery_id, "discard", "test", "room")


async def test_a_backlog_that_only_the_rules_know_of_is_told_with_the_time_too(tmp_path: Path) -> None:
    """Which treasuries a subject goes to depends on the coverage of the day: no route says it for certain."""
    async with running(tmp_path, change=with_platform(CITY, backlog=1)) as there:
        await send(there)
        await there.gateway.intake.pressure.look()
        assert there.gateway.intake.pressure.full == {CITY}
        away = await sent_away(there)
        assert (away.status, away.retry_after_s) == (503, 5)
        assert (await there.store.counts()).messages == 1 and await there.store.refusals() == []


async def test_a_platform_sends_as_fast_as_it_may_and_not_faster(tmp_path: Path) -> None:
    limits = LimitSettings(rate_per_s=0.5, burst=2)
    async with running(tmp_path, change=with_platform(GENERAL, limits=limits)) as there:
        assert [(await send(there)).status for _ in range(2)] == [202, 202]
        away = await sent_away(there)
        assert (away.status, away.retry_after_s) == (429, 2)
        assert await there.store.refusals() == []
        with pytest.raises((Refused, DeliveryError)) as caught:
            await client(there).progress({"page": "1"})  # its other calls count as well
        assert caught.value.status == 429
        with pytest.raises(Refused) as other:  # another platform has its own
            await there.client("GGZY-ZFCG").message("nothing")
        assert other.value.status == 404


async def test_limits_are_shared_by_the_processes() -> None:
    from .partners import settings

    own = with_platform(GENERAL, limits=LimitSettings(rate_per_s=8, burst=8, concurrency=8))(settings())
    own = replace(own, gateway=own.gateway.model_copy(update={"processes": 4}))
    pressure = Pressure(own, None, None)  # type: ignore[arg-type]
    platform = own.platforms[GENERAL]
    for _ in range(2):
        await pressure.check_rate(platform)
    with pytest.raises(MessageError, match="faster"):
        await pressure.check_rate(platform)
    with contextlib.ExitStack() as under_way:
        for _ in range(2):
            under_way.enter_context(pressure.sending(platform))
        with pytest.raises(MessageError, match="more at once"):
            under_way.enter_context(pressure.sending(platform))
    with pressure.sending(platform):
        pass


async def test_a_platform_has_no_more_under_way_than_it_may(tmp_path: Path) -> None:
    limits = LimitSettings(concurrency=2)
    async with running(tmp_path, change=with_platform(GENERAL, limits=limits)) as there:
        results = await asyncio.gather(*(send(there) for _ in range(12)), return_exceptions=True)
        good = [one for one in results if isinstance(one, Reply)]
        away = [one for one in results if isinstance(one, DeliveryError)]
        assert len(good) + len(away) == 12 and len(good) >= 2 and away
        assert {one.status for one in away} == {429}
        assert (await there.store.counts()).messages == len(good)
        assert (await send(there)).status == 202


async def test_bodies_that_are_received_at_once_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, GATEWAY_MAX_HELD_BYTES="1024") as there:
        pressure = there.gateway.intake.pressure
        with pressure.holding(1000, 8_000_000):
            assert await said(there, "/v1/messages/3001", {**JOSE}) == (401, "seal.invalid", 0)
            with pressure.holding(24, 8_000_000):
                assert await said(there, "/v1/messages/3001", JOSE) == (503, "gateway.crowded", 2)
        assert (await said(there, "/v1/messages/3001", JOSE))[0] == 401


# the disk
@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.getuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small disk needs the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@contextlib.asynccontextmanager
async def filled(place: Path, leave_bytes: int) -> AsyncIterator[None]:
    """The disk but for some bytes is somebody else's, for a while."""
    other = place / "other"
    free = os.statvfs(place)
    other.write_bytes(b"x" * max(free.f_bavail * free.f_frsize - leave_bytes, 0))
    try:
        yield
    finally:
        other.unlink()


async def test_a_disk_with_little_room_takes_nothing_new_and_then_again(small_disk: Path) -> None:
    async with running(small_disk, GATEWAY_MIN_FREE_BYTES=str(4 * 1024 * 1024)) as there:
        first = await send(there)
        async with filled(small_disk, 2 * 1024 * 1024):
            await there.gateway.intake.pressure.look()
            for path, headers in (("/v1/messages/3001", JOSE), ("/soap/v1", SOAP)):
                status, code, retry_after_s = await said(there, path, headers)
                assert status == 503 and "disk.low" in code and retry_after_s > 0
            assert (await sent_away(there)).status == 503
            with pytest.raises(DeliveryError):
                await client(there).upload(b"a file")
            # What was taken over goes on being delivered: there is room for that.
            assert await there.store.claim("w", 1, 1.0) is not None
        await there.gateway.intake.pressure.look()
        assert (await send(there)).status == 202
        assert await there.store.get_message(first.message_id) is not None


async def test_a_full_disk_refuses_cleanly_recovers_by_itself_and_loses_nothing(small_disk: Path) -> None:
    taken: list[str] = []
    async with running(small_disk, GATEWAY_MIN_FREE_BYTES="0") as there:
        taken += [(await send(there)).message_id for _ in range(5)]
        async with filled(small_disk, 0):
            away = 0
            for _ in range(60):
                try:
                    taken.append((await send(there)).message_id)
                except DeliveryError as error:
                    assert error.status == 503, error
                    away += 1
                if away == 5:
                    break
            assert away == 5
        taken += [(await send(there)).message_id for _ in range(5)]
        assert (await there.store.counts()).messages == len(taken)
    async with running(small_disk) as again:
        for message_id in taken:
            assert await again.store.get_message(message_id) is not None


async def test_the_metrics_tell_who_is_held_and_what_is_overdue(tmp_path: Path) -> None:
    async with running(tmp_path) as there:
        await there.store.pause_receiver(SUB, "li", "their weekend")
        await there.store.move_health(CITY, ("up",), "open", for_s=60)
        async with there.session.get(there.url + "/metrics") as answer:
            text = await answer.text()
    assert f'gateway_receiver_held{{receiver="{SUB}",state="paused"}} 1.0' in text
    assert f'gateway_receiver_held{{receiver="{CITY}",state="open"}} 1.0' in text
    assert "gateway_receipts_overdue 0.0" in text
