"""Several workers on one port: replaced one by one nobody is refused; killed, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from gateway.bench import endtoend, material
from gateway.schedule import Schedule

from .harness import ROOT, GatewayProcess
from .test_kill import Ledger

ONCE = Schedule(attempts=1)
STUBBORN = Schedule(first_s=0.1, factor=1.5, most_s=1.0, attempts=1000)
READY = b"GET /readyz HTTP/1.1\r\nHost: gateway\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n"


async def until(reached: Callable[[], object], limit_s: float = 90) -> None:
    ends = time.monotonic() + limit_s
    while not reached():
        assert time.monotonic() < ends, "not reached in time"
        await asyncio.sleep(0.02)


async def ask(port: int, request: bytes = HEALTH) -> bytes:
    """A connection of its own; the status line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.readline()
    finally:
        writer.close()


async def accepted_by_worker(url: str) -> dict[str, float]:
    """As a scrape tells it, of whichever worker answers."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
        session.get(f"{url}/metrics") as answer,
    ):
        families = list(text_string_to_metric_families(await answer.text()))
    assert len({family.name for family in families}) == len(families), "a family is told twice"
    told = {family.name: family.samples for family in families}
    assert {sample.labels.get("worker") for sample in told["gateway_messages"]} == {None}, "of the store"
    found = {sample.labels["worker"]: 0.0 for sample in told["gateway_disk_free_bytes"]}
    for sample in told["gateway_intake"]:
        if sample.name == "gateway_intake_total" and sample.labels["result"] == "accepted":
            found[sample.labels["worker"]] += sample.value
    return found


async def test_workers_are_replaced_and_killed_under_load(tmp_path: Path) -> None:
    endtoend.prepare(ROOT, tmp_path)
    gateway = GatewayProcess(tmp_path, workers=2)
    assert (await gateway.command("certs", "init"))[0] == 0
    certs = tmp_path / "var" / "certs"
    ledger = Ledger(certs)
    runner, port = await ledger.serve()
    gateway.environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    gateway.environ |= {"GATEWAY_LEASE_S": "3", "GATEWAY_DRAIN_S": "10"}
    await gateway.start()
    before, awards = material.payloads(ROOT, 3000)
    accepted: list[bytes] = []
    calm = asyncio.Event()
    asked = 0

    async with aiohttp.ClientSession() as session:
        client = endtoend.make_client(endtoend.SENDER, certs, gateway.url, session)
        client.retry = ONCE
        for number, data in before:
            await client.submit(number, data, idem_key=material.key_of(data), content_type="application/xml")
        queue = iter(awards)

        async def send() -> None:
            while not calm.is_set():
                data = next(queue)
                key = material.key_of(data)
                await client.submit("2002", data, idem_key=key, content_type="application/xml")
                accepted.append(data)
                await asyncio.sleep(0.05)

        async def connect() -> None:
            nonlocal asked
            while not calm.is_set():
                assert await ask(gateway.port) == b"HTTP/1.1 200 OK\r\n"
                asked += 1
                await asyncio.sleep(0.005)

        try:
            assert gateway.process is not None
            for _ in range(6):  # some of them by either worker
                told = await accepted_by_worker(gateway.url)
                assert set(told) == {"1", "2"} and sum(told.values()) == len(before)
            load = [asyncio.create_task(one) for one in (send(), send(), connect(), connect())]
            old = gateway.children()
            assert len(old) == 2
            gateway.process.send_signal(signal.SIGUSR1)
            await until(lambda: not old & gateway.children() or any(task.done() for task in load))
            assert not any(task.done() for task in load), [task.exception() for task in load if task.done()]
            calm.set()
            await asyncio.gather(*load)
            assert asked > 100 and len(accepted) > 10
            assert set(await accepted_by_worker(gateway.url)) == {"1", "2"}

            calm.clear()
            client.retry = STUBBORN
            load = [asyncio.create_task(send()) for _ in range(4)]
            killed = min(gateway.children())
            await until(lambda: len(accepted) > 40)
            os.kill(killed, signal.SIGKILL)
            await until(lambda: len(gateway.children() - {killed}) == 2)
            calm.set()
            await asyncio.gather(*load)
            await until(lambda: len(ledger.contents) >= len(accepted) + len(before))
            assert await ask(gateway.port, READY) == b"HTTP/1.1 200 OK\r\n"
            gateway.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):  # they still accept, and say that they will not for long
                while await ask(gateway.port, READY) != b"HTTP/1.1 503 Service Unavailable\r\n":
                    pass
            leaving = gateway.children()
            for one in leaving:
                os.kill(one, signal.SIGTERM)  # as a supervisor does that tells the whole group
            async with asyncio.timeout(9):  # nobody waits for who is gone
                while gateway.process.returncode is None:
                    assert gateway.children() <= leaving, "started anew"
                    await asyncio.sleep(0.02)
        finally:
            await gateway.stop()
            await runner.cleanup()
    assert len(ledger.contents) == len(accepted) + len(before), "lost"
    assert all(len(keys) == 1 for keys in ledger.contents.values()), "one content under two keys"
    assert gateway.process.returncode == 0
