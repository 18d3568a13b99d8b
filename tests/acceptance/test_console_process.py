"""The console in a process of its own, beside a gateway that has none, on one store."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.bench import endtoend, operators
from gateway.console.sessions import FIELD
from gateway.store import open_store

from .harness import ROOT, GatewayProcess

RECEIVER = "GGZY-ZPT"


async def test_what_is_done_there_holds_for_the_gateway(tmp_path: Path) -> None:
    environ = await endtoend.made_ready(ROOT, tmp_path)
    environ |= {"GATEWAY_CONSOLE_PORT": "0", "GATEWAY_CONSOLE_SECOND_FACTOR": "false"}
    gateway = GatewayProcess(tmp_path)
    gateway.words.append("--no-console")
    await gateway.start()
    console = await endtoend.launch(operators.CONSOLE, environ)
    try:
        async with operators.signed_in(tmp_path / "var", await endtoend.announced(console)) as pages:
            async with pages.session.get(gateway.url + "/console/") as answer:
                assert answer.status == 404
            async with pages.session.get(gateway.url + "/healthz") as answer:
                assert answer.status == 200
            async with pages.session.get(f"{pages.url}/console/platforms") as answer:
                page = await answer.text()
            assert "/console/platforms/reload" not in page
            await _press(pages, page, f"/console/platforms/{RECEIVER}/pause")
        store = open_store(f"sqlite:///{tmp_path / 'var' / 'gateway.db'}", tmp_path / "var")
        await store.open()
        assert RECEIVER in {one.receiver for one in await store.pauses()}
        await store.close()
    finally:
        console.terminate()
        assert await console.wait() == 0
        await gateway.stop()


async def _press(pages: operators.Pages, page: str, path: str) -> None:
    token = re.search(rf'name="{FIELD}" value="([^"]+)"', page)
    assert token is not None
    filled = {FIELD: token[1], "reason": "对方维护"}
    async with pages.session.post(pages.url + path, data=filled) as answer:
        assert answer.status == 200, await answer.text()


async def test_what_operators_cost_is_measured_in_turns(tmp_path: Path) -> None:
    figures = await operators.measure(ROOT, tmp_path, rounds=1, slice_=100)
    assert figures["pages_opened"] >= 1 and figures["page_p95_ms"] > 0
    assert figures["messages_per_s_alone"] > 0 and figures["messages_per_s_beside_operators"] > 0


async def test_a_page_that_is_not_shown_ends_the_measurement() -> None:
    runner = web.AppRunner(web.Application())  # it has no page at all
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(RuntimeError, match="404"):
            await asyncio.wait_for(operators.Pages(session, url).keep_opening(0.01), 5)
    await runner.cleanup()
