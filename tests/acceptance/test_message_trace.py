"""Every acknowledgement waits for the disk: a trace of the syscalls (promise 1). With nothing delivered meanwhile,
the only fdatasync between two replies is that of the commit which holds the message."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import aiohttp
import pytest

from gateway.bench import endtoend, material

from .harness import ROOT, GatewayProcess
from .tracing import ended_calls, place, tracer

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
MESSAGES = 5


async def test_the_wal_is_synced_before_each_reply(tmp_path: Path) -> None:
    endtoend.prepare(ROOT, tmp_path)
    trace = tmp_path / "trace"
    gateway = GatewayProcess(tmp_path, under=tracer(trace))
    assert (await gateway.command("certs", "init"))[0] == 0
    status, said = await gateway.command("platform", "pause", "--all", "--reason", "nothing is delivered")
    assert status == 0, said
    await gateway.start()
    before, awards = material.payloads(ROOT, MESSAGES)
    try:
        async with aiohttp.ClientSession() as session:
            client = endtoend.make_client(endtoend.SENDER, tmp_path / "var" / "certs", gateway.url, session)
            for number, data in [*before, *(("2002", one) for one in awards)]:
                key = material.key_of(data)
                await client.submit(number, data, idem_key=key, content_type="application/xml")
    finally:
        await gateway.stop()
    calls = ended_calls(trace.read_text(errors="replace"))
    first = place(calls, "fdatasync(", "gateway.db-wal>", "= 0")
    replies = [at for at, call in enumerate(calls) if '"HTTP/1.1 202' in call]
    assert len(replies) == len(before) + MESSAGES
    assert first < replies[0]
    for earlier, later in itertools.pairwise(replies):
        assert place(calls, "fdatasync(", "gateway.db-wal>", "= 0", after=earlier) < later
