"""The whole story on PostgreSQL; kill -9 of one of two nodes on one database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from gateway.bench import endtoend, material
from gateway.store import open_store
from tests.postgres import clean_database, the_server

from .harness import ROOT, GatewayProcess
from .test_demo import certs, play, running
from .test_kill import Ledger
from .test_workers import STUBBORN, until

__all__ = ["certs"]  # a fixture
MESSAGES = 60


async def test_the_seven_steps_and_every_way_back(certs: Path, tmp_path: Path) -> None:
    url = await clean_database(the_server())
    async with running(certs, tmp_path, store_url=url) as stage:
        await play(stage)
        counts = await stage.gateway.store.counts()
        assert set(counts.deliveries) == {"done"}


async def test_a_node_that_is_killed_is_healed_by_the_other(tmp_path: Path) -> None:
    endtoend.prepare(ROOT, tmp_path)
    url = await clean_database(the_server())
    nodes = [GatewayProcess(tmp_path), GatewayProcess(tmp_path)]
    assert (await nodes[0].command("certs", "init"))[0] == 0
    certs = tmp_path / "var" / "certs"
    ledger = Ledger(certs)
    runner, port = await ledger.serve()
    for number, node in enumerate(nodes):
        node.environ |= {
            "GATEWAY_STORE_URL": url, "GATEWAY_LEASE_S": "2", "GATEWAY_NODE": f"n{number}",
            "GATEWAY_URL_GGZY_ZPT": f"http://127.0.0.1:{port}/gateway/messages/{{type}}",
        }  # fmt: skip
    await asyncio.gather(*(node.start() for node in nodes))
    before, awards = material.payloads(ROOT, MESSAGES)
    acknowledged: dict[str, str] = {}
    try:
        async with aiohttp.ClientSession() as session:
            clients = [endtoend.make_client(endtoend.SENDER, certs, node.url, session) for node in nodes]
            for client in clients:
                client.retry = STUBBORN
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
    finally:
        for node in nodes:
            await node.stop()
        await runner.cleanup()
    assert len(set(acknowledged.values())) == MESSAGES
    assert all(len(keys) == 1 for keys in ledger.contents.values()), "one content under two keys"
    store = open_store(url, tmp_path)
    await store.open()
    row = await store.get_message(next(iter(acknowledged.values())))
    await store.close()
    assert row is not None and row.place is not None and row.place.log_id in ("GW-n0-1", "GW-n1-1")
