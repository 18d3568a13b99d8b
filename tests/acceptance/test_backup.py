"""Backup of a running gateway, kill -9, restore: paused; then each content once at the receiver, under its old key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.bench import endtoend, material

from .harness import ROOT, GatewayProcess
from .test_kill import Ledger, _until

MESSAGES = 24


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    endtoend.prepare(ROOT, tmp_path)
    return tmp_path


async def last_line(gateway: GatewayProcess, *words: str, status: int = 0) -> dict[str, Any]:
    code, out = await gateway.command(*words, "--json")
    assert code == status, out
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


async def test_what_a_backup_holds_goes_on_after_a_restore_without_a_second_effect(folder: Path) -> None:
    gateway = GatewayProcess(folder)
    assert (await gateway.command("certs", "init"))[0] == 0
    certs = folder / "var" / "certs"
    gateway.environ["GATEWAY_CERTIFICATES"] = str(certs)
    ledger = Ledger(certs)
    runner, port = await ledger.serve()
    gateway.environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    await gateway.start()
    before, awards = material.payloads(ROOT, MESSAGES)
    try:
        async with aiohttp.ClientSession() as session:
            client = endtoend.make_client(endtoend.SENDER, certs, gateway.url, session)

            async def send(number: str, data: bytes) -> None:
                key = material.key_of(data)
                await client.submit(number, data, idem_key=key, content_type="application/xml")

            for number, data in before:
                await send(number, data)
            await _until(lambda: len(ledger.contents) == len(before))
            # So that the backup holds deliveries that are not done.
            await last_line(gateway, "platform", "pause", "GGZY-ZPT", "--reason", "test")
            await asyncio.gather(*(send("2002", data) for data in awards[: MESSAGES // 2]))
            backing = asyncio.create_task(last_line(gateway, "backup", "--to", str(folder / "backups")))
            await asyncio.gather(*(send("2002", data) for data in awards[MESSAGES // 2 :]))
            made = await backing
            assert (
                made["messages"] >= len(before) + MESSAGES // 2
                and made["evidence_leaves"] == made["messages"]
            )
            # And now all of it takes effect, beyond what the backup knows.
            await last_line(gateway, "platform", "resume", "GGZY-ZPT", "--reason", "test")
            await _until(lambda: len(ledger.contents) == len(before) + MESSAGES)
            await gateway.kill()
            effects = {content: set(keys) for content, keys in ledger.contents.items()}

            gateway.environ["GATEWAY_DATA_DIR"] = str(folder / "new")
            assert (await last_line(gateway, "restore", made["place"], "--check"))["restored"] == 0
            restored = await last_line(gateway, "restore", made["place"])
            assert (restored["restored"], restored["paused"], restored["messages"]) == (
                1,
                1,
                made["messages"],
            )
            again = await gateway.command("restore", made["place"])
            assert again[0] == 1 and "there already" in again[1]
            asked = ledger.requests
            await gateway.start()
            replayed = await client.submit(
                "2002", awards[0], idem_key=material.key_of(awards[0]), content_type="application/xml"
            )
            assert replayed.message_id and ledger.requests == asked, "it was sent while it was paused"
            for whom in ("GGZY-ZPT", "--all"):
                await last_line(gateway, "platform", "resume", whom, "--reason", "looked at")
            await _until(lambda: ledger.requests >= asked + MESSAGES // 2)
            settled = await client.submit(
                "2002",
                awards[0],
                idem_key=material.key_of(awards[0]),
                content_type="application/xml",
                wait_s=30,
            )
            assert settled.message_id == replayed.message_id
            assert {content: set(keys) for content, keys in ledger.contents.items()} == effects
            assert all(len(keys) == 1 for keys in effects.values())
    finally:
        await gateway.stop()
        await runner.cleanup()
