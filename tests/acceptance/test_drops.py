"""Platforms that exchange files with a whole gateway: each message once, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import orjson
import pytest

from gateway.bench import material
from gateway.connectors import Answer, Parcel, open_folders
from gateway.connectors.drop import DropConnector, file_name, make
from gateway.connectorsettings import ConnectorSettings, DropSettings
from gateway.dropped import FolderPoller
from gateway.errors import DeliveryError
from gateway.message import DeliveryState
from gateway.receiving import Later, Receiving, Taken
from gateway.security.suite import Unsealed
from gateway.settings import RetrySettings, Settings
from gateway.store import Store, open_store
from gateway.store.contract import DeliveryRow, MessageFilter
from gateway.turns import Turn

from .harness import GatewayProcess
from .partners import ROOT, certificates, parcel, partner
from .partners import settings as partner_settings
from .running import Running, running
from .test_pressure import GENERAL, SUB, send

WSS = "GGZY-ZFCG"
EVERY_S = 0.05
KEEP_S = DropSettings().keep_s


def by_files(folder: Path, node: str = SUB) -> Callable[[Settings], Settings]:
    """A platform, else construction, exchanges files below `folder`."""
    drop = ConnectorSettings(kind="file", url=f"file://{folder}", drop=DropSettings(every_s=EVERY_S))

    def change(settings: Settings) -> Settings:
        platform = settings.platforms[node].model_copy(update={"connector": drop})
        own = settings.gateway.model_copy(update={"retry": RetrySettings(first_s=0.05, attempts=1000)})
        others = {
            node: one.model_copy(update={"poll": None})
            for node, one in settings.platforms.items()
            if one.poll
        }
        return replace(settings, gateway=own, platforms={**settings.platforms, **others, node: platform})

    return change


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "exchange"
    folder.mkdir()
    return folder


@contextlib.asynccontextmanager
async def exchanging(tmp_path: Path, place: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "data", change=by_files(place), poll=True) as there:
        yield there


def project() -> tuple[str, bytes, str]:
    """(type, a project as the construction platform writes it, its key)."""
    (number, data), *_ = material.payloads(ROOT, 1)[0]
    return number, data, material.key_of(data)


def sealed(number: str, data: bytes, key: str, **changes: object) -> bytes:
    return partner(SUB).seal(data, key, msg_type=number, content_type="application/xml", **changes)  # type: ignore[arg-type]


def drop(place: Path, name: str, data: bytes) -> None:
    """As a platform does it: under a name that nobody takes, then under its own."""
    folder = place / "in"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.part").write_bytes(data)
    (folder / f"{name}.part").rename(folder / name)


async def until(reached: Callable[[], object], limit_s: float = 15) -> None:
    async with asyncio.timeout(limit_s):
        while not reached():  # noqa: ASYNC110 - a folder tells nobody
            await asyncio.sleep(0.02)


async def ended(there: Running, delivery_id: int) -> DeliveryRow:
    """The delivery, once an attempt at it has ended."""
    async with asyncio.timeout(15):
        while True:
            row = await there.store.delivery(delivery_id)
            if row is not None and (row.last_code or row.state is DeliveryState.DONE):
                return row
            await asyncio.sleep(0.02)


def names(folder: Path) -> list[str]:
    """Of the files there that are whole; hidden ones are being written."""
    if not folder.exists():
        return []
    return sorted(one.name for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))


def answer(place: Path, name: str) -> tuple[Unsealed, dict[str, object]]:
    opened = partner(SUB).open((place / "in/answers" / name).read_bytes())
    return opened, orjson.loads(opened.payload)


async def test_a_message_reaches_the_folder_sealed_under_its_key(tmp_path: Path, place: Path) -> None:
    async with exchanging(tmp_path, place) as there:
        sent = await send(there)
        await until(lambda: names(place / "out"))
        (name,) = names(place / "out")
        opened = partner(SUB).open((place / "out" / name).read_bytes())
        assert name == f"1001-{opened.claims.idem_key}.jose"
        (row,) = [one for one in await there.store.deliveries(sent.message_id) if one.receiver == SUB]
        assert row.delivery_key == opened.claims.idem_key
        assert (await ended(there, row.id)).state is DeliveryState.DONE
        shutil.rmtree(place / "out")  # somebody laid the place out anew
        await send(there)
        await until(lambda: names(place / "out"))


async def test_a_dropped_message_is_accepted_and_its_receipt_comes_back(tmp_path: Path, place: Path) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place) as there:
        drop(place, "0001.jose", sealed(number, data, key))
        await until(lambda: names(place / "in/done"))
        row = await there.store.find_by_key(SUB, key)
        assert row is not None and (row.type, row.transport) == (number, "file")
        opened, said = answer(place, "0001.jose")
        assert opened.claims.idem_key == key
        assert said["STATUS"] and said["Message"]["Id"] == row.id  # type: ignore[index]
        assert said["Receipt"] and names(place / "in") == []


async def test_the_same_twice_takes_effect_once_and_gets_the_same_answer(tmp_path: Path, place: Path) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place) as there:
        for count, name in enumerate(("a.jose", "b.jose", "a.jose"), 1):
            drop(place, name, sealed(number, data, key))
            await until(lambda count=count: len(names(place / "in/done")) == count)  # type: ignore[misc]
        assert answer(place, "a.jose")[1] == answer(place, "b.jose")[1]
        assert len(await there.store.search(MessageFilter(type=number))) == 1
        assert len({(place / "in/done" / name).read_bytes() for name in names(place / "in/done")}) == 3


async def test_what_is_refused_is_told_sealed_and_moved_aside(tmp_path: Path, place: Path) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place) as there:
        drop(place, "1.jose", sealed("2002", data, key))  # another type than the form says
        await until(lambda: names(place / "in/refused"))
        opened, said = answer(place, "1.jose")
        assert opened.claims.idem_key == key and said["errors"]
        drop(place, "2.jose", sealed(number, data, key))  # a refusal binds nothing
        await until(lambda: names(place / "in/done"))
        assert await there.store.find_by_key(SUB, key) is not None


async def test_what_nobody_can_be_sure_of_is_refused_without_a_seal_and_kept_in_the_log(
    tmp_path: Path, place: Path
) -> None:
    number, data, key = project()
    anothers = partner(GENERAL).seal(data, key, msg_type=number)
    async with exchanging(tmp_path, place) as there:
        largest = there.settings.gateway.max_body_bytes
        cases = {"1": b"", "2": b"nonsense", "3": anothers, "4": b"x" * (largest + 2)}
        for name, content in cases.items():
            drop(place, name, content)
        await until(lambda: len(names(place / "in/refused")) == len(cases))
        told = {name: orjson.loads((place / "in/answers" / name).read_bytes()) for name in cases}
        assert [told[name]["code"] for name in cases] == [*["seal.invalid"] * 3, "http.too-large"]
        assert len(await there.store.refusals()) == len(cases)
        assert await there.store.find_by_key(GENERAL, key) is None


async def test_a_platform_that_speaks_wss_gets_its_answer_as_soap(tmp_path: Path, place: Path) -> None:
    sub = partner(WSS)
    async with running(tmp_path / "data", change=by_files(place, WSS), poll=True) as there:
        drop(place, "1.xml", sub.seal(b"<A/>", "k", msg_type="2006", content_type="application/xml"))
        await until(lambda: names(place / "in/refused"))
        said = sub.open((place / "in/answers/1.xml").read_bytes())
        assert said.claims.idem_key == "k" and b"Fault" in said.payload
        assert len(await there.store.refusals()) == 1


async def test_an_old_seal_is_taken_as_long_as_files_may_lie(tmp_path: Path, place: Path) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place):
        drop(place, "1", sealed(number, data, key, age_s=8 * 86_400))
        drop(place, "2", sealed(number, data, key, age_s=-3600))  # from the future
        drop(place, "3", sealed(number, data, key, age_s=6 * 86_400))
        await until(lambda: names(place / "in/done"))
        assert (names(place / "in/refused"), names(place / "in/done")) == (["1", "2"], ["3"])


async def test_unfinished_hidden_and_linked_files_are_left_alone(tmp_path: Path, place: Path) -> None:
    number, data, key = project()
    whole = tmp_path / "whole"
    whole.write_bytes(sealed(number, data, key))
    async with exchanging(tmp_path, place) as there:
        await until((place / "in/done").is_dir)
        for name in ("a.tmp", "b.part", ".c"):
            (place / "in" / name).write_bytes(whole.read_bytes())
        (place / "in/d").symlink_to(whole)
        drop(place, "e", b"nonsense")
        await until(lambda: names(place / "in/refused"))
        assert names(place / "in") == ["a.tmp", "b.part", "d"] and (place / "in/.c").exists()
        assert await there.store.find_by_key(SUB, key) is None


async def test_a_busy_gateway_leaves_files_where_they_are_and_takes_them_later(
    tmp_path: Path, place: Path
) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place) as there:
        await until((place / "in/done").is_dir)
        pressure = there.gateway.intake.pressure
        pressure._held_bytes = there.settings.gateway.max_held_bytes
        drop(place, "1", sealed(number, data, key))
        await until(lambda: names(place / "in/taking"))
        assert await there.store.refusals() == [] and names(place / "in/answers") == []
        pressure._held_bytes = 0
        await until(lambda: names(place / "in/done"))


class Counter:
    """Takes what comes, and says "later" to the first one as often as it is told to."""

    def __init__(self, settings: Settings, busy: int = 0):
        self.intake = SimpleNamespace(settings=settings)
        self.busy = busy
        self.taken: list[str] = []

    async def take(self, data: bytes, name: str, traceparent: str = "") -> Taken | Later:
        if self.busy and not self.taken:
            self.busy -= 1
            return Later(0.01, "store.busy")
        self.taken.append(name)
        return Taken(True, data, "text/plain")


@contextlib.asynccontextmanager
async def taking(place: Path, counter: Counter) -> AsyncIterator[FolderPoller]:
    own = partner(SUB)
    settings = ConnectorSettings(kind="file", url=f"file://{place}", drop=DropSettings(every_s=EVERY_S))
    platform = own.platform.model_copy(update={"connector": settings})
    world = replace(own.world(None, ""), platform=platform)  # type: ignore[arg-type]
    store = open_store(f"sqlite:///{place.parent / 'x.db'}", place.parent)
    await store.open()
    turn = Turn(store, "files", "n1", place.parent)
    poller = FolderPoller(platform, settings.drop, open_folders(world), cast(Receiving, counter), turn)
    try:
        yield poller
    finally:
        await turn.give_back()
        await store.close()


async def test_what_is_held_is_not_passed_by_what_is_dropped_later(place: Path) -> None:
    drop(place, "5", b"5")
    drop(place, "6", b"6")
    counter = Counter(partner_settings(), busy=2)
    async with taking(place, counter) as poller:
        await poller._round()
        drop(place, "4", b"4")
        for _ in range(2):
            await poller._round()
    assert counter.taken == ["5", "4", "6"]


async def test_what_was_claimed_and_left_is_taken_first_in_the_order_of_names(place: Path) -> None:
    counter = Counter(partner_settings())
    async with taking(place, counter) as poller:
        drop(place, "1", b"1")
        for claimed in ("b~2", "a~3", "c~1"):
            (place / "in/taking").mkdir(exist_ok=True)
            (place / "in/taking" / claimed).write_bytes(b"")
        await poller._round()
    assert counter.taken == ["1", "2", "3", "1"]


async def test_the_answer_to_an_earlier_file_of_the_name_is_kept_beside_the_newest(place: Path) -> None:
    counter = Counter(partner_settings())
    async with taking(place, counter) as poller:
        for content in (b"1", b"2", b"2"):
            drop(place, "a", content)
            await poller._round()
    told = {one.read_bytes(): one.name for one in (place / "in/answers").iterdir()}
    assert told == {b"1": f"a.{hashlib.sha256(b'1').hexdigest()[:16]}", b"2": "a"}


async def test_what_was_settled_long_ago_is_cleared_away(place: Path) -> None:
    counter = Counter(partner_settings())
    async with taking(place, counter) as poller:
        await poller._round()
        for folder in ("done", "refused", "answers"):
            for name, age_s in (("old", KEEP_S + 60), ("young", KEEP_S - 60)):
                path = place / "in" / folder / name
                path.write_bytes(b"")
                os.utime(path, (time.time() - age_s,) * 2)
        poller._cleared_s = 0.0  # an hour later
        await poller._round()
        assert [names(place / "in" / folder) for folder in ("done", "refused", "answers")] == [["young"]] * 3


async def test_a_file_that_was_old_when_it_was_dropped_is_kept_from_its_settling_on(place: Path) -> None:
    async with taking(place, Counter(partner_settings())) as poller:
        drop(place, "a", b"a")
        os.utime(place / "in/a", (1, 1))
        await poller._round()
        poller._cleared_s = 0.0  # an hour later
        await poller._round()
    assert names(place / "in/done") == ["a"]


async def test_a_pause_holds_for_files_as_for_calls(tmp_path: Path, place: Path) -> None:
    async with exchanging(tmp_path, place) as there:
        await there.store.pause_receiver(SUB, "li", "their folder is moved")
        await there.gateway.parts["delivery"].steering.look()  # type: ignore[attr-defined]
        steering = there.gateway.parts["delivery"].steering  # type: ignore[attr-defined]
        await until(lambda: SUB in steering.held)
        await send(there)
        await asyncio.sleep(0.3)
        assert names(place / "out") == []
        await there.store.resume_receiver(SUB, "li", "done")
        await until(lambda: names(place / "out"))


async def test_what_is_for_a_place_that_is_gone_arrives_when_it_is_back(tmp_path: Path, place: Path) -> None:
    away = tmp_path / "away"
    os.rename(place, away)  # noqa: PTH104 - of two folders of the test, at once
    async with exchanging(tmp_path, place) as there:
        sent = await send(there)
        (row,) = [one for one in await there.store.deliveries(sent.message_id) if one.receiver == SUB]
        now = await ended(there, row.id)
        assert now.last_code == "delivery.folder" and now.state is not DeliveryState.DEAD
        os.rename(away, place)  # noqa: PTH104
        await until(lambda: names(place / "out"))


def lay_down(root: Path, changes: dict[str, tuple[str, str]]) -> None:
    """Changes lines of config files: name → (how the line begins, the new line)."""
    for name, (begin, line) in changes.items():
        path = root / "config" / name
        text, count = re.subn(rf"^{begin}.*(?:\n +.*)*", line, path.read_text(encoding="utf-8"), flags=re.M)
        assert count == 1
        path.write_text(text, encoding="utf-8")


async def test_kill_9_after_the_commit_and_after_the_file_leaves_one_message_and_one_file(
    copy: Path, place: Path
) -> None:
    """Construction drops, the general platform fetches; the gateway dies where a second time could double."""
    kind = "connector: {{kind: file, url: 'file://{0}/{1}', drop: {{every_s: 0.05}}}}"
    lay_down(
        copy,
        {
            "platforms/construction.yaml": ("connector:", kind.format(place, "construction")),
            "platforms/general.yaml": ("connector:", kind.format(place, "general")),
            "gateway.yaml": ("retry:", "retry: {first_s: 0.3, factor: 1, attempts: 1000}"),
        },
    )
    gateway = GatewayProcess(copy, poll=True)
    gateway.environ |= {"GATEWAY_LEASE_S": "1", "GATEWAY_CERTIFICATES": str(certificates())}
    number, data, key = project()
    drop(place / "construction", "p", sealed(number, data, key))
    # The general platform's folder comes later: until then nothing can be delivered. A note is laid before the file.
    deaths = {"drop.taken:1": place / "later", "drop.named:2": place / "general"}
    try:
        for failpoint, folder in deaths.items():
            folder.mkdir()
            gateway.environ["GATEWAY_FAILPOINT"] = failpoint
            await gateway.start()
            assert gateway.process is not None
            async with asyncio.timeout(60):
                assert await gateway.process.wait() == -signal.SIGKILL
        assert len(names(place / "general/out")) == 1
        del gateway.environ["GATEWAY_FAILPOINT"]
        await gateway.start()
        await until(lambda: names(place / "construction/in/done") == ["p"], 60)
        async with opened(copy / "var") as store:
            (row,) = await store.search(MessageFilter(type=number))
            async with asyncio.timeout(60):
                while (await store.deliveries(row.id))[0].state is not DeliveryState.DONE:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    finally:
        await gateway.stop()
    assert answer(place / "construction", "p")[1]["Message"]["Id"] == row.id  # type: ignore[index]
    (name,) = names(place / "general/out")
    told = partner(GENERAL).open((place / "general/out" / name).read_bytes())
    assert name == f"{number}-{told.claims.idem_key}.jose"


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """The store of a gateway that runs in another process, to look into."""
    store = open_store(f"sqlite:///{folder / 'gateway.db'}", folder)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


# What a delivery does with what lies in the folder already.
@pytest.fixture
async def connector(place: Path) -> AsyncIterator[DropConnector]:
    own = partner(SUB)
    settings = ConnectorSettings(kind="file", url=f"file://{place}")
    world = own.world(None, "")  # type: ignore[arg-type]
    platform = own.platform.model_copy(update={"connector": settings})
    made = make(replace(world, platform=platform))
    assert isinstance(made, DropConnector)
    yield made
    await made.close()


def fresh() -> Parcel:
    return parcel("3001", secrets.token_bytes(20))


async def test_a_repeat_is_the_same_file_wherever_the_platform_put_it(
    connector: DropConnector, place: Path
) -> None:
    one = fresh()
    assert await connector.send(one) == Answer(b"", 0, accepted=True)
    name = file_name(connector.world, one)
    first = (place / "out" / name).read_bytes()
    for folder in ("", "done", "failed"):
        (place / "out" / folder / name).write_bytes(first)
        assert (await connector.send(one)).already
        (place / "out" / folder / name).unlink()
    assert (await connector.send(one)).accepted  # gone without a trace: the platform knows the name again
    assert (place / "out" / name).read_bytes() != first


@pytest.mark.parametrize("content", [b"", b"something else"])
async def test_another_content_under_the_name_is_final_and_stays(
    connector: DropConnector, place: Path, content: bytes
) -> None:
    one = fresh()
    name = file_name(connector.world, one)
    (place / "out").mkdir()
    (place / "out" / name).write_bytes(content)
    with pytest.raises(DeliveryError) as caught:
        await connector.send(one)
    assert (caught.value.code, caught.value.permanent) == ("delivery.key-taken", True)
    assert (place / "out" / name).read_bytes() == content


async def test_a_link_under_the_name_is_final_and_not_followed(connector: DropConnector, place: Path) -> None:
    one = fresh()
    (place / "target").write_bytes(b"t")
    (place / "out").mkdir()
    (place / "out" / file_name(connector.world, one)).symlink_to(place / "target")
    with pytest.raises(DeliveryError) as caught:
        await connector.send(one)
    assert caught.value.permanent and (place / "target").read_bytes() == b"t"


async def test_two_who_deliver_the_same_at_once_leave_one_file(connector: DropConnector, place: Path) -> None:
    one = fresh()
    said = await asyncio.gather(*(connector.send(one) for _ in range(8)))
    assert len(names(place / "out")) == 1 and all(word.already or word.accepted for word in said)
    assert partner(SUB).open((place / "out" / names(place / "out")[0]).read_bytes()).payload == one.payload
