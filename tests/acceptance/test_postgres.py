"""The whole story on PostgreSQL; kill -9 of one of two nodes on one database."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.bench import endtoend, material
from gateway.client import PlatformClient
from gateway.schedule import Schedule
from gateway.store import open_store
from tests.postgres import clean_database, the_server

from .harness import ROOT, GatewayProcess
from .test_demo import certs, play, running
from .test_kill import Ledger
from .test_workers import ONCE, STUBBORN, until

__all__ = ["certs"]  # a fixture
MESSAGES = 60


async def test_the_seven_steps_and_every_way_back(certs: Path, tmp_path: Path) -> None:
    url = await clean_database(the_server())
    async with running(certs, tmp_path, store_url=url) as stage:
        await play(stage)
        counts = await stage.gateway.store.counts()
        assert set(counts.deliveries) == {"done"}


@dataclass
class Pair:
    """Two nodes on one database, a receiver with its ledger, and a client of each node."""

    url: str
    nodes: list[GatewayProcess]
    clients: list[PlatformClient]
    ledger: Ledger


@contextlib.asynccontextmanager
async def pair(folder: Path, retry: Schedule, **environ: str) -> AsyncIterator[Pair]:
    endtoend.prepare(ROOT, folder)
    url = await clean_database(the_server())
    nodes = [GatewayProcess(folder), GatewayProcess(folder)]
    assert (await nodes[0].command("certs", "init"))[0] == 0
    certs = folder / "var" / "certs"
    ledger = Ledger(certs)
    runner, port = await ledger.serve()
    for number, node in enumerate(nodes):
        node.environ |= {
            "GATEWAY_STORE_URL": url, "GATEWAY_LEASE_S": "2", "GATEWAY_NODE": f"n{number}",
            "GATEWAY_URL_GGZY_ZPT": f"http://127.0.0.1:{port}/gateway/messages/{{type}}", **environ,
        }  # fmt: skip
    try:
        await asyncio.gather(*(node.start() for node in nodes))
        async with aiohttp.ClientSession() as session:
            clients = [endtoend.make_client(endtoend.SENDER, certs, node.url, session) for node in nodes]
            for client in clients:
                client.retry = retry
            yield Pair(url, nodes, clients, ledger)
    finally:
        for node in nodes:
            await node.stop()
        await runner.cleanup()


async def test_a_node_that_is_killed_is_healed_by_the_other(tmp_path: Path) -> None:
    before, awards = material.payloads(ROOT, MESSAGES)
    acknowledged: dict[str, str] = {}
    async with pair(tmp_path, STUBBORN) as there:
        nodes, clients, ledger = there.nodes, there.clients, there.ledger
        for number, data in before:
            key = material.key_of(data)
            await clients[0].submit(number, data, idem_key=key, content_type="application/xml")
        queue = iter(enumerate(awards))

        async def send() -> None:
            for number, data in queue:
                key = material.key_of(data)
                client = clients[number % 2]
                reply = await client.submit("2002", data, idem_key=key, content_type="application/xml")
                acknowledged[key] = reply.message_id

        senders = [asyncio.create_task(send()) for _ in range(6)]
        await until(lambda: len(acknowledged) >= MESSAGES // 3)
        await nodes[0].kill()
        await nodes[0].start()
        await asyncio.gather(*senders)
        await until(lambda: len(ledger.contents) >= MESSAGES + len(before))
    assert len(set(acknowledged.values())) == MESSAGES
    assert all(len(keys) == 1 for keys in ledger.contents.values()), "one content under two keys"
    store = open_store(there.url, tmp_path)
    await store.open()
    row = await store.get_message(next(iter(acknowledged.values())))
    await store.close()
    assert row is not None and row.place is not None and row.place.log_id in ("GW-n0-1", "GW-n1-1")


@dataclass
class Balancer:
    """Asks each node whether it is ready, and knows which of them said so last."""

    urls: list[str]
    ready: set[int] = field(default_factory=set)
    told: list[list[int]] = field(
        default_factory=lambda: [[], []]
    )  # of each node, as it changed; 0: no answer

    async def watch(self) -> None:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
            asyncio.TaskGroup() as group,
        ):
            for number in range(len(self.urls)):
                group.create_task(self._ask(session, number))

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> None:
        while True:
            try:
                async with session.get(f"{self.urls[number]}/readyz") as answer:
                    status = answer.status
            except aiohttp.ClientError:
                status = 0
            (self.ready.add if status == 200 else self.ready.discard)(number)
            if self.told[number][-1:] != [status]:
                self.told[number].append(status)
            await asyncio.sleep(0.1)


async def test_a_node_that_is_stopped_and_started_again_refuses_nobody_who_asks_whether_it_is_ready(
    tmp_path: Path,
) -> None:
    """Senders try once: whatever is refused or lost ends the test."""
    before, awards = material.payloads(ROOT, 3000)
    by: list[int] = []  # the node that accepted, of each message
    calm = asyncio.Event()
    async with pair(tmp_path, ONCE, GATEWAY_DRAIN_S="1.5") as there:
        first = there.nodes[0]
        balancer = Balancer([node.url for node in there.nodes])

        async def submit(node: int, number: str, data: bytes) -> None:
            key = material.key_of(data)
            await there.clients[node].submit(number, data, idem_key=key, content_type="application/xml")
            by.append(node)

        async def send() -> None:
            while not calm.is_set():
                node = sorted(balancer.ready)[len(by) % len(balancer.ready)]
                await submit(node, "2002", awards.pop())
                await asyncio.sleep(0.02)

        for number, data in before:
            await submit(1, number, data)
        watching = asyncio.create_task(balancer.watch())
        await until(lambda: len(balancer.ready) == 2)
        load = [asyncio.create_task(send()) for _ in range(4)]

        def goes_on(reached: Callable[[], object]) -> Callable[[], object]:
            return lambda: reached() or any(task.done() for task in load)

        await until(goes_on(lambda: by.count(0) > 5))
        assert first.process is not None
        first.process.send_signal(signal.SIGTERM)
        await until(goes_on(lambda: first.process is None or first.process.returncode is not None))
        assert first.process.returncode == 0
        count = len(by)
        await until(goes_on(lambda: len(by) > count + 5))
        await first.start()
        count = by.count(0)
        await until(goes_on(lambda: by.count(0) > count + 5))
        calm.set()
        await asyncio.gather(*load)
        assert balancer.told == [[200, 503, 0, 200], [200]]
        await until(lambda: len(there.ledger.contents) >= len(by))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert len(there.ledger.contents) == len(by), "lost"
    assert all(len(keys) == 1 for keys in there.ledger.contents.values()), "one content under two keys"
