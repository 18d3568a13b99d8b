"""The whole story over a real gateway and the five sandbox platforms, in good weather and in bad."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway import app
from gateway.deadletters import find_all
from gateway.message import GATEWAY_NODE
from gateway.sandbox import NODES, Sandbox, start_platforms
from gateway.sandbox.ledger import APPLIED
from gateway.sandbox.leftovers import WHY, leave_some_work
from gateway.sandbox.people import new_company
from gateway.sandbox.place import AGREEMENTS, CITY, PROCUREMENT, PUDONG
from gateway.sandbox.stage import Step, settled
from gateway.sandbox.story import run_story
from gateway.security import keys
from gateway.settings import Platform, RetrySettings, load_settings
from gateway.store.contract import StuckFilter

ROOT = Path(__file__).parents[2]
# DECISIONS.md 16: every return and end case, beside the three that are paid to the end; and the end of the day.
CASES = 21
TREASURIES = (CITY, PUDONG)


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    kinds = {node: agreement.key_kind for node, agreement in AGREEMENTS.items()}
    keys.write_development_certificates(folder, {**kinds, GATEWAY_NODE: "all"})
    return folder


@dataclass
class Stage:
    sandbox: Sandbox
    gateway: app.Gateway
    steps: list[Step]


@asynccontextmanager
async def running(certs: Path, data: Path, store_url: str = "") -> AsyncIterator[Stage]:
    """Gateway and platforms on free ports; retries come quickly."""
    sandbox = await start_platforms(
        dict.fromkeys(NODES, 0), certs, data / "sandbox", schemas=ROOT / "schemas"
    )
    environ = {
        "GATEWAY_DATA_DIR": str(data),
        "GATEWAY_PORT": "0",
        "GATEWAY_CERTIFICATES": str(certs),
        "GATEWAY_STORE_URL": store_url,
    }
    settings = load_settings(ROOT, environ=environ, urls=sandbox.urls())
    quick = RetrySettings(first_s=0.05, factor=1.5, most_s=0.5, attempts=30)
    platforms = {node: _polled_quickly(platform) for node, platform in settings.platforms.items()}
    fast = settings.gateway.model_copy(update={"retry": quick})
    settings = replace(settings, gateway=fast, platforms=platforms)
    gateway = await app.start(settings)
    sandbox.set_gateway(gateway.url)
    try:
        yield Stage(sandbox, gateway, [])
    finally:
        await gateway.stop()
        await sandbox.stop()


def _polled_quickly(platform: Platform) -> Platform:
    if platform.poll is None:
        return platform
    return platform.model_copy(update={"poll": platform.poll.model_copy(update={"every_s": 0.1})})


async def play(stage: Stage) -> None:
    """Runs the story and holds it to what must come out of it."""
    result = await run_story(stage.sandbox, stage.steps.append)
    assert result.failures == []
    assert (result.steps_completed, result.cases) == (7, CASES)
    assert result.refused_as_expected >= 16
    effects = stage.sandbox.effects()
    assert (effects.duplicated, effects.lost) == (0, 0)
    assert {step.step for step in stage.steps} == set(range(1, 8))
    assert {step.suite for step in stage.steps} == {"jose", "wss", "gm"}


def check_lines_and_lanes(folder: Path) -> None:
    """The line of what belongs to an application is the application (its messages arrive in their order), of all else
    its own business key; payments go before cases, cases before the rest."""
    [path] = folder.rglob("gateway.db")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as link:
        rows = link.execute("SELECT type, application, biz_key, line, lane FROM delivery").fetchall()
    assert all(line == (application or key) for _, application, key, line, _ in rows)
    together = {type_ for type_, application, key, line, _ in rows if application and line != key}
    assert len(together) > 1, "messages of an application that have keys of their own"
    lanes = {type_: lane for type_, *_, lane in rows}
    assert (lanes["5001"], lanes["3001"], lanes["2002"]) == (0, 1, 2)


async def test_the_seven_steps_and_every_way_back_again_after_a_restart(certs: Path, tmp_path: Path) -> None:
    """What a demo leaves for its operators is not in the way of the next one."""
    for run in (1, 2):
        async with running(certs, tmp_path) as stage:
            await play(stage)
            assert stage.sandbox.effects().resends == 0
            store = stage.gateway.store
            expected = {"done"} if run == 1 else {"done", "dead"}
            assert {state for state, count in (await store.counts()).deliveries.items() if count} == expected
            check_lines_and_lanes(tmp_path)
            left = await leave_some_work(stage.sandbox)
            for _ in range(500):  # the receiver refused; that it did is recorded a moment later
                dead = await find_all(store, StuckFilter(), 100)
                if len(dead) >= run * left:
                    break
                await asyncio.sleep(0.02)
            assert len(dead) == run * left and all(WHY in one.last_text for one in dead)


async def test_nothing_is_lost_or_done_twice_in_bad_weather(certs: Path, tmp_path: Path) -> None:
    """Every platform fails in every way now and then, from the first message to the last."""
    async with running(certs, tmp_path) as stage:
        for platform in stage.sandbox.platforms.values():
            platform.trouble.delay_s = 0.1
            platform.trouble.order_every(4 if platform.node not in TREASURIES else 5)
        await play(stage)
        assert stage.sandbox.effects().resends > 20
        for platform in stage.sandbox.platforms.values():
            assert platform.trouble.met >= 5, platform.node


async def test_a_platform_that_is_down_gets_everything_when_it_is_back(certs: Path, tmp_path: Path) -> None:
    async with running(certs, tmp_path) as stage:
        sandbox, construction = stage.sandbox, stage.sandbox.construction
        company = new_company("上海浦江公路养护工程有限公司", "310115")
        await construction.close_server()
        await sandbox.portal.register(company)
        for node in (PROCUREMENT, *TREASURIES):
            await sandbox.get(node).ledger.wait_for(lambda entry: entry.kind == APPLIED, 20)
        assert construction.ledger.entries == []
        assert [node for node, _, _ in sandbox.effects().pending] == [construction.node]
        construction.place = replace(construction.place, port=construction.port)
        await construction.start()
        assert await settled(sandbox, 20) == []
        assert len(construction.ledger.find(APPLIED, "1001", company.code)) == 1
