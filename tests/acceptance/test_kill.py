"""kill -9 between accept and delivery: everything acknowledged arrives after the restart, once."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.bench import endtoend, material
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
    before, awards = material.payloads(ROOT, MESSAGES)
    acknowledged: dict[str, str] = {}
    try:
        async with aiohttp.ClientSession() as session:
            client = endtoend.make_client(endtoend.SENDER, certs, gateway.url, session)
            client.retry = Schedule(first_s=0.1, factor=1.5, most_s=1.0, attempts=1000)
            for number, data in before:
                await client.submit(
                    number, data, idem_key=material.key_of(data), content_type="application/xml"
                )
            ledger.is_open = False
            queue = iter(awards)

            async def sender() -> None:
                for data in queue:
                    key = material.key_of(data)
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
                "2002", awards[0], idem_key=material.key_of(awards[0]), content_type="application/xml"
            )
            assert again.replayed and again.message_id == acknowledged[material.key_of(awards[0])]
    finally:
        await gateway.stop()
        await runner.cleanup()
    assert len(acknowledged) == MESSAGES
    assert len(set(acknowledged.values())) == MESSAGES
    assert len(ledger.contents) == MESSAGES + len(before), "lost"
    assert all(len(keys) == 1 for keys in ledger.contents.values()), "one content under two keys"


async def test_a_gateway_killed_after_the_effect_and_before_its_record_sends_the_same_again(
    folder: Path,
) -> None:
    """The receiver has it, the gateway does not know: after the restart the same form comes under the same key."""
    gateway = GatewayProcess(folder)
    assert (await gateway.command("certs", "init"))[0] == 0
    certs = folder / "var" / "certs"

    bodies: dict[str, set[bytes]] = defaultdict(set)

    class Deadly(Ledger):
        """Takes what it gets; the gateway dies before it hears of the first."""

        async def take(self, request: web.Request) -> web.Response:
            opened = self.client.open(await request.read())
            bodies[opened.claims.idem_key].add(opened.payload)
            answer = await super().take(request)
            if self.requests == 1:
                await gateway.kill()
            return answer

    ledger = Deadly(certs)
    runner, port = await ledger.serve()
    gateway.environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    gateway.environ["GATEWAY_LEASE_S"] = "1"
    await gateway.start()
    (number, data), *_ = material.payloads(ROOT, 1)[0]
    try:
        async with aiohttp.ClientSession() as session:
            client = endtoend.make_client(endtoend.SENDER, certs, gateway.url, session)
            client.retry = Schedule(first_s=0.1, factor=1.5, most_s=1.0, attempts=1000)
            key = material.key_of(data)
            sending = asyncio.create_task(
                client.submit(number, data, idem_key=key, content_type="application/xml")
            )
            await _until(lambda: gateway.process is not None and gateway.process.returncode is not None)
            await gateway.start()
            await sending
        await _until(lambda: ledger.requests >= 2, 30)
        status, said = "", ""
        while "delivered" not in said:
            status, said = await gateway.command("log", "search", "--json", "--type", number)
    finally:
        await gateway.stop()
        await runner.cleanup()
    assert status == 0 and ledger.requests == 2
    assert [len(forms) for forms in bodies.values()] == [1]
    assert all(len(keys) == 1 for keys in ledger.contents.values())


async def _until(reached: object, limit_s: float = 120) -> None:
    """Polls a condition of another process; bounded."""
    ends = time.monotonic() + limit_s
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < ends, "not reached in time"
        await asyncio.sleep(0.02)
