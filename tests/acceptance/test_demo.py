"""The whole story over a real gateway and the five sandbox platforms, in good weather and in bad."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway import app
from gateway.message import GATEWAY_NODE
from gateway.sandbox import NODES, Sandbox, start_platforms
from gateway.sandbox.ledger import APPLIED, REQUEST
from gateway.sandbox.place import AGREEMENTS
from gateway.sandbox.stage import Step
from gateway.sandbox.story import run_story
from gateway.security import keys
from gateway.settings import RetrySettings, load_settings

ROOT = Path(__file__).parents[2]
# DECISIONS.md 16: every return and end case, beside the three that are paid to the end.
CASES = 20


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
async def running(certs: Path, data: Path) -> AsyncIterator[Stage]:
    """Gateway and platforms on free ports; retries come quickly."""
    sandbox = await start_platforms(
        dict.fromkeys(NODES, 0), certs, data / "sandbox", schemas=ROOT / "schemas"
    )
    environ = {"GATEWAY_DATA_DIR": str(data), "GATEWAY_PORT": "0", "GATEWAY_CERTIFICATES": str(certs)}
    settings = load_settings(ROOT, environ=environ, urls=sandbox.urls())
    quick = RetrySettings(first_s=0.05, factor=1.5, most_s=0.5, attempts=30)
    settings = replace(settings, gateway=settings.gateway.model_copy(update={"retry": quick}))
    gateway = await app.start(settings)
    sandbox.set_gateway(gateway.url)
    try:
        yield Stage(sandbox, gateway, [])
    finally:
        await gateway.stop()
        await sandbox.stop()


async def play(stage: Stage) -> None:
    """Runs the story and holds it to what must come out of it."""
    result = await run_story(stage.sandbox, stage.steps.append)
    assert result.failures == []
    assert (result.steps_completed, result.cases) == (7, CASES)
    assert result.refused_as_expected >= 15
    effects = stage.sandbox.effects()
    assert (effects.duplicated, effects.lost) == (0, 0)
    assert {step.step for step in stage.steps} == set(range(1, 8))
    assert {step.suite for step in stage.steps} == {"jose", "wss", "gm"}


async def test_the_seven_steps_and_every_way_back(certs: Path, tmp_path: Path) -> None:
    async with running(certs, tmp_path) as stage:
        await play(stage)
        assert stage.sandbox.effects().resends == 0
        counts = stage.gateway.store.counts()
        assert set(counts.deliveries) == {"done"}


async def test_a_second_run_goes_on_with_the_same_data(certs: Path, tmp_path: Path) -> None:
    for _ in range(2):
        async with running(certs, tmp_path) as stage:
            await play(stage)
            await play(stage)


async def test_nothing_is_lost_or_done_twice_in_bad_weather(certs: Path, tmp_path: Path) -> None:
    """Every platform fails in every way now and then, from the first message to the last."""
    async with running(certs, tmp_path) as stage:
        for platform in stage.sandbox.platforms.values():
            platform.trouble.delay_s = 0.2
        weather = asyncio.create_task(_storm(stage.sandbox))
        try:
            await play(stage)
        finally:
            weather.cancel()
            await asyncio.gather(weather, return_exceptions=True)
            for platform in stage.sandbox.platforms.values():
                platform.trouble.end()
        effects = stage.sandbox.effects()
        assert effects.resends > 20
        for platform in stage.sandbox.platforms.values():
            assert platform.trouble.met > 3, platform.node


async def _storm(sandbox: Sandbox) -> None:
    kinds = ("500", "reset", "garbage", "503", "twice", "late", "reset-first")
    turn = 0
    while True:
        for platform in sandbox.platforms.values():
            platform.trouble.order(kinds[turn % len(kinds)])
            turn += 1
        await asyncio.sleep(0.15)


async def test_a_platform_that_is_down_gets_everything_when_it_is_back(certs: Path, tmp_path: Path) -> None:
    async with running(certs, tmp_path) as stage:
        sandbox = stage.sandbox
        construction = sandbox.construction
        await construction.close_server()
        telling = asyncio.create_task(run_story(sandbox, stage.steps.append))
        await asyncio.wait_for(_seen(stage, "1001"), 20)
        assert not construction.ledger.find(REQUEST, "1001")
        construction.place = replace(construction.place, port=construction.port)
        await construction.start()
        result = await telling
        assert result.failures == []
        assert construction.ledger.find(APPLIED, "1001")
        assert sandbox.effects().lost == 0


async def _seen(stage: Stage, number: str) -> None:
    """Until another sub-platform has the type that the one that is down misses."""
    await stage.sandbox.procurement.ledger.wait_for(
        lambda entry: entry.kind == APPLIED and entry.type == number, 20
    )
