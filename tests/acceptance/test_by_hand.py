"""A message by hand: `gateway send` submits it, `gateway log tail` shows it, `gateway sandbox` takes it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.bench import material
from gateway.message import DeliveryState
from gateway.store import open_store

from .harness import ROOT, START_S, GatewayProcess, free_port

SENDER, RECEIVER = "GGZY-JSGC", "GGZY-ZPT"


@pytest.fixture
async def gateway(copy: Path) -> AsyncIterator[GatewayProcess]:
    """Running; nobody listens at its receiver's port yet."""
    place = f"http://127.0.0.1:{free_port()}/gateway/messages/{{type}}"
    process = GatewayProcess(copy, {RECEIVER: place})
    assert (await process.command("certs", "init"))[0] == 0
    await process.start()
    yield process
    await process.stop()


@pytest.fixture
def messages(tmp_path: Path) -> dict[str, Path]:
    """By type, as construction writes them; and "wrong", which is none."""
    told = {**dict(material.payloads(ROOT, 0)[0]), "wrong": b"<no-message/>"}
    for name, data in told.items():
        (tmp_path / f"{name}.xml").write_bytes(data)
    return {name: tmp_path / f"{name}.xml" for name in told}


async def send(gateway: GatewayProcess, number: str, file: Path, *words: str) -> tuple[int, dict[str, Any]]:
    status, out = await gateway.command("send", SENDER, number, str(file), *words, "--json")
    assert "Traceback" not in out, out
    return status, json.loads(out.splitlines()[-1])


@asynccontextmanager
async def running(gateway: GatewayProcess, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words,
        env=gateway.environ, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def line_with(process: asyncio.subprocess.Process, part: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        async for line in process.stdout:
            if part in line.decode():
                return line.decode()
    raise AssertionError(f"ended without {part!r}")


async def test_a_message_is_sent_once_and_a_wrong_one_is_refused(
    gateway: GatewayProcess, messages: dict[str, Path]
) -> None:
    status, said = await send(gateway, "2001", messages["2001"])
    assert status == 0 and said == {"accepted": True, "message_id": said["message_id"], "replayed": False}
    assert await send(gateway, "2001", messages["2001"]) == (0, {**said, "replayed": True})
    status, shown = await gateway.command("log", "show", said["message_id"], "--json")
    row = json.loads(shown.splitlines()[-1])
    assert status == 0 and (row["sender"], row["type"]) == (SENDER, "2001")
    status, refused = await send(
        gateway, "2001", messages["wrong"], "--key", "another-key-of-the-same-sender"
    )
    assert status == 1 and refused["accepted"] is False and 400 <= refused["status"] < 500


async def test_tail_tells_what_arrives_while_it_runs(
    gateway: GatewayProcess, messages: dict[str, Path]
) -> None:
    _, before = await send(gateway, "2001", messages["2001"])
    async with running(gateway, "log", "tail") as tail:
        assert SENDER in await line_with(tail, before["message_id"])
        status, fresh = await send(gateway, "2006", messages["2006"])
        assert status == 0
        assert f"  2006  {SENDER} " in await line_with(tail, fresh["message_id"])


async def test_one_sandbox_platform_takes_what_the_gateway_delivers_and_ends_by_sigterm(
    gateway: GatewayProcess, messages: dict[str, Path]
) -> None:
    async with running(gateway, "sandbox", RECEIVER) as platform:
        assert (
            await line_with(platform, "listens on port") == f"{RECEIVER} listens on port {port_of(gateway)}\n"
        )
        _, said = await send(gateway, "2001", messages["2001"])
        await delivered(gateway, said["message_id"])
        platform.terminate()
        out, _ = await asyncio.wait_for(platform.communicate(), START_S)
        assert (platform.returncode, out) == (0, b"")


def port_of(gateway: GatewayProcess) -> int:
    url = gateway.environ["GATEWAY_URL_GGZY_ZPT"]
    return int(url.split(":")[2].split("/")[0])


async def delivered(gateway: GatewayProcess, message: str) -> None:
    folder = gateway.folder / "var"
    store = open_store(f"sqlite:///{folder / 'gateway.db'}", folder)
    await store.open()
    try:
        async with asyncio.timeout(START_S):
            while True:
                states = {one.receiver: one.state for one in await store.deliveries(message)}
                if states.get(RECEIVER) == DeliveryState.DONE:
                    return
                await asyncio.sleep(0.05)
    finally:
        await store.close()
