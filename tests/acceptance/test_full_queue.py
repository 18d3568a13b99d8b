"""More than the disk takes: 503 with Retry-After before any work is done, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from gateway.store.gathering import MOST_WAITING
from tests.store.samples import message

from .running import running

JOSE = {"Content-Type": "application/jose", "Idempotency-Key": "k"}
# Enough to be taken for WS-Security; neither door could open it.
DATA = b"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
SOAP = {"Content-Type": 'application/soap+xml; charset="utf-8"'}


async def test_a_full_queue_is_told_before_a_seal_is_looked_at(tmp_path: Path) -> None:
    async with running(tmp_path) as there:
        disk = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
        disk.execute("BEGIN IMMEDIATE")
        with contextlib.closing(disk):
            waiting = []
            while not there.store.is_busy():
                waiting.append(asyncio.ensure_future(there.store.accept(message(f"{len(waiting)}"))))
                await asyncio.sleep(0)
            assert len(waiting) > MOST_WAITING - 100
            for path, headers in (("/v1/messages/3001", JOSE), ("/soap/v1", SOAP)):
                async with there.session.post(there.url + path, data=DATA, headers=headers) as said:
                    assert said.status == 503, await said.text()
                    assert int(said.headers["Retry-After"]) > 0
                    assert "90002" in await said.text()
        assert {outcome.kind for outcome in await asyncio.gather(*waiting)} == {"accepted"}
        async with there.session.post(f"{there.url}/v1/messages/3001", data=b"x", headers=JOSE) as said:
            assert said.status == 401
