"""The reply waits for the disk: a trace of the syscalls, as killing a process cannot show it (promise 1)."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from pathlib import Path

import aiohttp
import pytest

from gateway.bench import endtoend

from .harness import ROOT, GatewayProcess
from .tracing import ended_calls, place, tracer

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
MIB = 1024 * 1024


async def test_file_folder_and_row_are_synced_before_the_reply(tmp_path: Path) -> None:
    endtoend.prepare(ROOT, tmp_path)
    trace = tmp_path / "trace"
    gateway = GatewayProcess(tmp_path, under=tracer(trace))
    assert (await gateway.command("certs", "init"))[0] == 0
    await gateway.start()
    data = secrets.token_bytes(5 * MIB)  # two parts: one waits among the uploads, one goes to its last place
    try:
        async with aiohttp.ClientSession() as session:
            certs = tmp_path / "var" / "certs"
            client = endtoend.make_client(endtoend.RECEIVER, certs, gateway.url, session)
            await client.upload(data)
    finally:
        await gateway.stop()
    calls = ended_calls(trace.read_text(errors="replace"))
    value = hashlib.new("sm3", data).hexdigest()
    first = place(calls, "fsync(", "/incoming/", f"/{0:015}>", "= 0")
    moved = place(calls, "rename", "/incoming/", f"/{0:015}", f"/files/sm3/{value[:2]}/{value}/", after=first)
    last = place(calls, "fsync(", f"/{value}/", f"/{4 * MIB + over(calls, value):015}>", "= 0")
    folder = place_of_folder(calls, value, after=max(moved, last))
    row = place(calls, "fdatasync(", "gateway.db-wal>", "= 0", after=folder)
    place(calls, '"HTTP/1.1 201', after=row)
    assert [call for call in calls[:row] if '"HTTP/1.1 201' in call] == []


def test_a_call_that_was_interrupted_reads_as_one_that_was_not() -> None:
    written = (
        '7 fsync(29</files/aa> <unfinished ...>\n8 write(1</log>, "x", 1) = 1\n7 <... fsync resumed>) = 0'
    )
    assert ended_calls(written) == ['write(1</log>, "x", 1) = 1', "fsync(29</files/aa>) = 0"]


def over(calls: list[str], value: str) -> int:
    """By how much the first part is larger than 4 MiB: parts are cut where pieces end."""
    names = {name for call in calls for name in re.findall(rf"/{value}/\w+/(\d{{15}})>", call)}
    return max(map(int, names)) - 4 * MIB


def place_of_folder(calls: list[str], value: str, after: int) -> int:
    for index, call in enumerate(calls):
        if index > after and re.search(rf"fsync\(\d+<[^>]*/{value}/\w{{26}}>\).*= 0", call):
            return index
    raise AssertionError("the folder was not synced after its last entry")
