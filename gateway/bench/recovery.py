"""A gateway with a backlog of 100,000 is killed in the middle of delivering and started again: until when?

The gateway is a process of its own on SQLite, the receiver is here. The time runs from the kill to the first
delivery of the new process, whole: its start is in it, and nothing is taken off for the lease, which only what the
killed one held waits for. The bar is two seconds beside the lease, which is told too.
"""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

from gateway import clock
from gateway.bench.endtoend import SERVE, Receiver, announced, launch, made_ready
from gateway.bench.filling import Filler, Sqlite, count_in, grow_log
from gateway.bench.scale import store_model
from gateway.settings import load_settings

BACKLOG = 100_000
_DELIVERED_FIRST = 50
_PATIENCE_S = 120


async def measure_recovery(root: Path, folder: Path, backlog: int = BACKLOG) -> dict[str, float]:
    """recovery_s, and recovery_lease_s: how long a lease lasts by the configuration."""
    environ = await made_ready(root, folder)
    lease_s = load_settings(root).gateway.lease_s
    await _fill(root, folder, backlog)
    receiver = Receiver(folder / "var" / "certs")
    runner, port = await receiver.serve()
    environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    process = await launch(SERVE, environ)
    try:
        await announced(process)
        await _more(receiver, _DELIVERED_FIRST)
        process.send_signal(signal.SIGKILL)
        killed = time.perf_counter()
        await process.wait()
        process = await launch(SERVE, environ)
        await announced(process)
        await _more(receiver, 1)
        return {"recovery_s": round(time.perf_counter() - killed, 2), "recovery_lease_s": lease_s}
    finally:
        process.terminate()
        await process.wait()
        await runner.cleanup()


async def _fill(root: Path, folder: Path, backlog: int) -> None:
    path = folder / "var" / "gateway.db"
    model = await store_model(root, f"sqlite:///{path}", folder / "var", delivered=False)
    database = Sqlite(path)
    await Filler(database, model).fill(100, backlog, clock.now_ms() - backlog * 20 - 60_000)
    await count_in(database, {("", "accepted"): backlog, ("GGZY-ZPT", "ready"): backlog})
    await grow_log(database, backlog + 100)
    await database.close()


async def _more(receiver: Receiver, count: int) -> None:
    """Waits until so many more have come."""
    expected = len(receiver.keys) + count
    async with asyncio.timeout(_PATIENCE_S):
        while len(receiver.keys) < expected:
            receiver.changed.clear()
            await receiver.changed.wait()
