"""Backup of a running gateway, its end, restore: paused; then each content once at the receiver, under its old key."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import aiohttp

from gateway import app
from gateway.bench import endtoend, material
from gateway.cli.place import ensure_certificates
from gateway.keeping.backup import make_backup
from gateway.keeping.manifest import Certificates
from gateway.keeping.restore import restore_backup
from gateway.keyring import load_keyring
from gateway.settings import load_settings

from .harness import ROOT
from .test_kill import Ledger, _until

MESSAGES, RECEIVER = 24, "GGZY-ZPT"


async def test_what_a_backup_holds_goes_on_after_a_restore_without_a_second_effect(tmp_path: Path) -> None:
    endtoend.prepare(ROOT, tmp_path)
    environ = {
        "GATEWAY_PORT": "0",
        "GATEWAY_DATA_DIR": str(tmp_path / "var"),
        "GATEWAY_CERTIFICATES": str(tmp_path / "certs"),
    }
    ensure_certificates(
        load_settings(
            tmp_path, environ={**environ, "GATEWAY_CERTIFICATES": "", "GATEWAY_DATA_DIR": str(tmp_path)}
        )
    )
    ledger = Ledger(tmp_path / "certs")
    runner, port = await ledger.serve()
    urls = {RECEIVER: f"http://127.0.0.1:{port}/gateway/messages/{{type}}"}
    settings = load_settings(tmp_path, environ=environ, urls=urls)
    gateway = await app.start(settings, poll=False)
    before, awards = material.payloads(ROOT, MESSAGES)
    try:
        async with aiohttp.ClientSession() as session:
            client = endtoend.make_client(endtoend.SENDER, tmp_path / "certs", gateway.url, session)

            async def send(number: str, data: bytes) -> str:
                key = material.key_of(data)
                reply = await client.submit(number, data, idem_key=key, content_type="application/xml")
                return reply.message_id

            for number, data in before:
                await send(number, data)
            await _until(lambda: len(ledger.contents) == len(before))
            # So that the backup holds deliveries that are not done.
            await gateway.store.pause_receiver(RECEIVER, "test", "test")
            ids = await asyncio.gather(*(send("2002", data) for data in awards[: MESSAGES // 2]))
            receipt = load_keyring(settings).receipt
            backing = asyncio.create_task(
                make_backup(settings.store_url, app.open_blobs(settings), tmp_path / "backups", receipt)
            )
            await asyncio.gather(*(send("2002", data) for data in awards[MESSAGES // 2 :]))
            made = await backing
            assert made.snapshot.rows["message"] >= len(before) + MESSAGES // 2
            # And now all of it takes effect, beyond what the backup knows.
            await gateway.store.resume_receiver(RECEIVER, "test", "test")
            await _until(lambda: len(ledger.contents) == len(before) + MESSAGES)
            await gateway.stop()
            shutil.rmtree(tmp_path / "var")
            effects = {content: set(keys) for content, keys in ledger.contents.items()}

            await restore_backup(
                made.place,
                settings.store_url,
                settings.data_dir,
                app.open_blobs(settings),
                Certificates([receipt.sign_cert]),
            )
            asked = ledger.requests
            gateway = await app.start(settings, poll=False)
            client.base_url = gateway.url
            assert await send("2002", awards[0]) == ids[0]
            assert {row.receiver for row in await gateway.store.pauses()} == {RECEIVER, "*"}
            assert ledger.requests == asked, "it was sent while it was paused"
            for whom in (RECEIVER, "*"):
                await gateway.store.resume_receiver(whom, "test", "looked at")
            settled = [await gateway.store.wait_settled(id_, 60) for id_ in ids]
            assert [row.state for row in settled if row is not None] == ["delivered"] * len(ids)
            # All but what a worker had in hand before it saw the first pause.
            assert ledger.requests > asked + MESSAGES // 4, "nothing was sent after it was resumed"
            assert {content: set(keys) for content, keys in ledger.contents.items()} == effects
            assert all(len(keys) == 1 for keys in effects.values())
    finally:
        await gateway.stop()
        await runner.cleanup()
