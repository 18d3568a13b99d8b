"""A receiver that keeps failing: the line is held, the sender hears of it, a person lets it go again."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import app
from gateway.arrivals import make_delivery_key
from gateway.bench import material
from gateway.formats import formats
from gateway.message import DeliveryState, MessageState
from gateway.sandbox import start_all
from gateway.sandbox.ledger import APPLIED
from gateway.sandbox.people import new_company
from gateway.settings import RetrySettings, load_settings
from gateway.store.contract import MessageFilter

from .conftest import House
from .harness import ROOT


@pytest.fixture
async def impatient(tmp_path: Path, certs: Path) -> AsyncIterator[House]:
    """A gateway that gives up after two attempts."""
    sandbox = await start_all(certs, tmp_path / "sandbox", schemas=ROOT / "schemas")
    environ = {
        "GATEWAY_PORT": "0",
        "GATEWAY_DATA_DIR": str(tmp_path / "var"),
        "GATEWAY_CERTIFICATES": str(certs),
    }
    settings = load_settings(ROOT, environ=environ, urls=sandbox.urls())
    quick = settings.gateway.model_copy(update={"retry": RetrySettings(first_s=0.05, attempts=2)})
    gateway = await app.start(replace(settings, gateway=quick), poll=False)
    sandbox.set_gateway(gateway.url)
    house = House(gateway, sandbox, environ)
    yield house
    await house.gateway.stop()
    await sandbox.stop()


async def until(reached: Callable[[], Awaitable[object]], limit_s: float = 30) -> None:
    ends = time.monotonic() + limit_s
    while not await reached():
        assert time.monotonic() < ends, "not reached in time"
        await asyncio.sleep(0.02)


async def submit_project(house: House) -> str:
    number, data = material.payloads(ROOT, 1)[0][0]
    key = formats.get("des").decode(data).head["IdemKey"]
    client = house.sandbox.construction.client
    reply = await client.submit(number, data, idem_key=key, content_type="application/xml")
    return reply.message_id


async def test_a_delivery_that_gave_up_is_told_to_its_sender_and_can_be_replayed(impatient: House) -> None:
    store, general = impatient.gateway.store, impatient.sandbox.general
    general.trouble.order("500", 2)
    message = await submit_project(impatient)
    await until(store.dead_letters)
    dead = (await store.dead_letters())[0]
    assert (dead.receiver, dead.state, dead.attempts) == ("GGZY-ZPT", DeliveryState.DEAD, 2)
    for tried in await store.attempts(dead.id):
        headers = json.loads(tried.headers)
        assert headers["sent"]["idempotency-key"] == dead.delivery_key and headers["answered"]["date"]
    stuck = await store.get_message(message)
    assert stuck is not None and stuck.state is MessageState.STUCK
    notices = await store.search(MessageFilter(type="8002"))
    assert [(notice.sender, notice.transport) for notice in notices] == [("GW", "gateway")]
    told = impatient.sandbox.construction.ledger
    await told.wait_for(lambda entry: entry.type == "8002", 20)

    key = dead.delivery_key
    await store.resolve(dead.id, "replay", "operator", "receiver is back")
    await store.wait_settled(message, 30)
    assert (await store.get_message(message)).state is MessageState.DELIVERED  # type: ignore[union-attr]
    assert (await store.deliveries(message))[0].delivery_key == key
    assert not await store.dead_letters()


async def test_a_refused_delivery_is_sent_as_a_new_effect_from_the_command_line(impatient: House) -> None:
    store, general = impatient.gateway.store, impatient.sandbox.general
    general.refuses = lambda arrived: "not today"  # type: ignore[method-assign]
    await submit_project(impatient)
    await until(store.dead_letters)
    dead = (await store.dead_letters())[0]
    del general.refuses  # type: ignore[method-assign]
    words = (
        "replay", str(dead.id), "--action", "new-effect", "--reason", "they mended their table", "--json"
    )  # fmt: skip
    status, said = await command(impatient, *words)
    assert (status, json.loads(said.splitlines()[-1])["state"]) == (0, "ready")
    await general.ledger.wait_for(lambda one: one.kind == APPLIED and one.type == "2001", 20)
    (row,) = await store.deliveries(dead.message_id)
    assert row.effect_no == 2
    assert row.delivery_key == make_delivery_key(
        "GGZY-JSGC",
        (await store.get_message(row.message_id)).idem_key,
        "GGZY-ZPT",
        2,  # type: ignore[union-attr]
    )
    (audit,) = [one.detail for one in await store.events(dead.message_id) if one.stage == "resolved"]
    assert (audit["action"], audit["effect_no"], audit["mapping"]) == ("new-effect", 2, "standard")


async def command(house: House, *words: str) -> tuple[int, str]:
    """`gateway WORDS…` beside the running gateway; exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, cwd=ROOT, env={**os.environ, **house.environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_quarantined_delivery_is_told_to_its_sender(impatient: House) -> None:
    """Three workers in a row die over it; the sender hears of it by the next one that lives."""
    store, construction = impatient.gateway.store, impatient.sandbox.construction
    impatient.gateway.parts["delivery"].stop()
    await impatient.gateway.tasks[0]
    await submit_project(impatient)
    for _ in range(3):
        assert len(await store.claim("dies", 1, -1.0)) == 1
    await impatient.restart()
    entry = await construction.ledger.wait_for(lambda one: one.type == "8002" and one.kind == APPLIED, 20)
    assert entry.body["ERRORS"]["ERROR"]["PATH"].endswith("delivery.quarantined")
    assert entry.body["BIZ_VERSION"] == "1"


async def test_a_receivers_odd_words_do_not_crash_the_attempt(impatient: House) -> None:
    """U+0000 is legal in JSON, and neither in XML nor in every database."""
    store, construction = impatient.gateway.store, impatient.sandbox.construction
    construction.refuses = lambda arrived: "no\x00\x1b[31m\uffff"  # type: ignore[method-assign]
    await impatient.sandbox.portal.register(new_company("上海浦江公路养护工程有限公司", "310115"))
    await until(store.dead_letters)
    dead = (await store.dead_letters())[0]
    assert (dead.receiver, dead.attempts, dead.crashes) == (construction.node, 1, 0)
    assert dead.last_text.startswith("no") and dead.last_text.isprintable()
    assert await store.search(MessageFilter(type="8002"))
