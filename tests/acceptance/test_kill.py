"""kill -9 between accept and delivery: everything acknowledged arrives after the restart, once."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.bench import endtoend
from gateway.schedule import Schedule

from .harness import ROOT, GatewayProcess

MESSAGES, KILLS = 90, 3


class Ledger(endtoend.Receiver):
    """The receiving platform: it appends every request before it decides anything."""

    def __init__(self, certs: Path):
        super().__init__(certs)
        self.contents: dict[bytes, set[str]] = defaultdict(set)
        self.requests = 0
        self.is_open = True

    async def take(self, request: web.Request) -> web.Response:
        self.requests += 1
        if not self.is_open:
            return web.Response(status=503, headers={"Retry-After": "1"})
        opened = self.client.open(await request.read())
        body = opened.payload.split(b'"Body":', 1)[1]
        self.contents[body].add(opened.claims.idem_key)
        return await super().take(request)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    endtoend.prepare(ROOT, tmp_path)
    return tmp_path


async def test_what_was_acknowledged_survives_kill_9_and_arrives_once(folder: Path) -> None:
    gateway = GatewayProcess(folder)
    assert (await gateway.command("certs", "init"))[0] == 0
    certs = folder / "var" / "certs"
    ledger = Ledger(certs)
    runner, port = await ledger.serve()
    gateway.environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    gateway.environ["GATEWAY_LEASE_S"] = "2"
    await gateway.start()
    before, awards = endtoend.payloads(ROOT, MESSAGES)
    acknowledged: dict[str, str] = {}
    try:
        async with aiohttp.ClientSession() as session:
            client = endtoend.make_client(endtoend.SENDER, certs, gateway.url, session)
            client.retry = Schedule(first_s=0.1, factor=1.5, most_s=1.0, attempts=1000)
            for number, data in before:
                await client.submit(
                    number, data, idem_key=endtoend._key(data), content_type="application/xml"
                )
            ledger.is_open = False
            queue = iter(awards)

            async def sender() -> None:
                for data in queue:
                    key = endtoend._key(data)
                    reply = await client.submit("2002", data, idem_key=key, content_type="application/xml")
                    acknowledged[key] = reply.message_id

            senders = [asyncio.create_task(sender()) for _ in range(8)]
            for kill in range(KILLS):
                goal = MESSAGES * (kill + 1) // (KILLS + 1)
                await _until(lambda goal=goal: len(acknowledged) >= goal)
                await gateway.kill()
                await gateway.start()
            await asyncio.gather(*senders)
            ledger.is_open = True
            await _until(lambda: len(ledger.contents) >= MESSAGES + len(before), 60)
            again = await client.submit(
                "2002", awards[0], idem_key=endtoend._key(awards[0]), content_type="application/xml"
            )
            assert again.replayed and again.message_id == acknowledged[endtoend._key(awards[0])]
    finally:
        await gateway.stop()
        await runner.cleanup()
    assert len(acknowledged) == MESSAGES
    assert len(set(acknowledged.values())) == MESSAGES
    assert len(ledger.contents) == MESSAGES + len(before), "lost"
    assert all(len(keys) == 1 for keys in ledger.contents.values()), "one content under two keys"


async def _until(reached: object, limit_s: float = 120) -> None:
    """Polls a condition of another process; bounded."""
    ends = time.monotonic() + limit_s
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < ends, "not reached in time"
        await asyncio.sleep(0.02)
