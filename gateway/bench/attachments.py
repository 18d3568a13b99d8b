"""A large file through the gateway: uploaded by one platform, downloaded by another, over loopback.

The gateway is a process of its own; sender and receiver are the SDK, here. The time runs from the sender's call
(which takes the file's digest first) to the receiver's last verified byte. The memory is the gateway's peak over
both ways, above what it held when it had just started.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.bench.endtoend import SERVE, announced, launch, made_ready, make_client, peak_rss_mib
from gateway.client import PlatformClient

SIZE_MIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Way:
    """Who sends to whom, and by which digest the file is addressed: each suite's own."""

    suite: str
    kind: str
    sender: str
    receiver: str
    algorithm: Any


WAYS = (
    Way("jose", "ec", "GGZY-JSGC", "GGZY-ZPT", "sha-256"),
    Way("gm", "sm2", "CZ-ZFPT-310000", "CZ-ZFPT-310115", "sm3"),
)


@dataclass(frozen=True, slots=True)
class Carried:
    size_bytes: int
    upload_s: float
    download_s: float
    extra_rss_mib: float

    @property
    def mb_per_s(self) -> float:
        """Megabytes (10⁶) a second, both ways one after the other."""
        return self.size_bytes / 1e6 / (self.upload_s + self.download_s)


async def measure(root: Path, folder: Path, size_mib: int = SIZE_MIB) -> dict[str, float]:
    """attachment_mb_per_s and attachment_extra_rss_mib (jose), and the same of gm behind `_gm`; with the
    share of each way. Every suite has a gateway of its own under `folder`."""
    file = folder / "file"
    _fill(file, size_mib)
    figures: dict[str, float] = {}
    for way in WAYS:
        carried = await carry(root, folder / way.suite, file, way)
        end = "" if way.suite == "jose" else f"_{way.suite}"
        figures[f"attachment_mb_per_s{end}"] = round(carried.mb_per_s, 1)
        figures[f"attachment_upload_mb_per_s{end}"] = round(carried.size_bytes / 1e6 / carried.upload_s, 1)
        figures[f"attachment_download_mb_per_s{end}"] = round(
            carried.size_bytes / 1e6 / carried.download_s, 1
        )
        figures[f"attachment_extra_rss_mib{end}"] = round(carried.extra_rss_mib, 1)
    return figures


async def carry(root: Path, folder: Path, file: Path, way: Way) -> Carried:
    """The file through a fresh gateway under `folder`."""
    environ = await made_ready(root, folder)
    process = await launch(SERVE, environ)
    try:
        url = await announced(process)
        idle = _forget_peak(process.pid)
        async with aiohttp.ClientSession(read_bufsize=_MIB) as session:
            sender, receiver = (
                make_client(node, folder / "var" / "certs", url, session, kind=way.kind, suite=way.suite)
                for node in (way.sender, way.receiver)
            )
            started = time.perf_counter()
            digest = await sender.upload(file, receivers=[way.receiver], algorithm=way.algorithm)
            half = time.perf_counter()
            size = await _received(receiver, digest)  # the SDK holds it against the digest
            ended = time.perf_counter()
        return Carried(size, half - started, ended - half, peak_rss_mib(process.pid) - idle)
    finally:
        process.terminate()
        await process.wait()


async def _received(receiver: PlatformClient, digest: str) -> int:
    size = 0
    async for piece in receiver.download(digest):
        size += len(piece)
    return size


def _fill(file: Path, size_mib: int) -> None:
    with file.open("wb") as out:
        for _ in range(size_mib):
            out.write(secrets.token_bytes(_MIB))


def _forget_peak(pid: int) -> float:
    """MiB that the process holds now; its peak counts from here on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_rss_mib(pid)
