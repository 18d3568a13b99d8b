"""End to end: a gateway process of its own, a sender and a receiver here, real HTTP between them.

Construction sends award results (DES XML, jose) and the general platform takes them (JSON, jose): parse,
map, validate, store, map, seal, send, read the answer. The gateway's CPU is what the kernel charged its
process from the first message to the last delivery. The floor is a bare server in the gateway's place
(bare.py); the two take turns, a slice each, so that both meet the same driver on the same machine.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from gateway.bench.floor import cpu_seconds
from gateway.bench.hop import NUMBER
from gateway.bench.material import key_of, payloads
from gateway.client import PlatformClient
from gateway.formats import formats
from gateway.message import GATEWAY_NODE, Claims, Head
from gateway.security.keys import load_certificate, load_identity_from
from gateway.security.suite import Peer, suites
from gateway.security.trust import Trust

SENDER, RECEIVER = "GGZY-JSGC", "GGZY-ZPT"
WARM_UP, SLICE = 200, 500
SERVE = (
    "gateway", "serve", "--announce", "--log-level", "error", "--no-poll", "--no-set-up-link",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run measured, of the gateway's process alone; `floor_cpu_s` of the bare server's, for as many
    messages."""

    messages: int
    wall_s: float
    cpu_s: float
    floor_cpu_s: float
    accept_ms: tuple[float, ...]
    rss_mib: float

    def percentile(self, share: float) -> float:
        ordered = sorted(self.accept_ms)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def prepare(root: Path, folder: Path) -> None:
    """A copy of the configuration, in a folder that may be missing, in which construction has P-256 keys: the floor's own algorithms."""
    shutil.copytree(root / "config", folder / "config")
    for name in ("schemas", "mappings"):
        (folder / name).symlink_to(root / name)
    path = folder / "config" / "platforms" / "construction.yaml"
    text = re.sub(r"key_kind: \w+", "key_kind: ec", path.read_text(encoding="utf-8"))
    text = re.sub(r"algorithms: .*", "algorithms: {sign: ES256, encrypt: ECDH-ES+A256KW}", text)
    path.write_text(text, encoding="utf-8")


class Receiver:
    """The general platform's end: answers every delivery with a sealed 8001, counts the keys."""

    def __init__(self, certs: Path):
        self.client = make_client(RECEIVER, certs, "http://127.0.0.1:9", None)
        self.keys: set[str] = set()
        self.repeats = 0
        self.changed = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        key = request.headers["Idempotency-Key"].strip('"')
        self.repeats += key in self.keys
        self.keys.add(key)
        self.changed.set()
        body = {
            "OriMsgNo": request.match_info["type"],
            "OriMsgId": key[:32],
            "Result": "00000",
            "Duplicate": "0",
        }
        moment = time.strftime("%Y%m%d%H%M%S")
        head = Head(
            "8001", key[:32], key[:32], RECEIVER, GATEWAY_NODE, "310000", moment[:4], "00",
            f"{body['OriMsgNo']}|{key[:32]}", "1", "1", key, "0" * 64, moment[:8], moment + "000",
        )  # fmt: skip
        payload = formats.get("standard-json").encode(body, head, {}, "")
        claims = Claims(
            RECEIVER, GATEWAY_NODE, "8001", key, int(time.time()), secrets.token_hex(16), "application/json"
        )
        sealed = self.client.seal_answer(payload, claims, "application/json")
        return web.Response(body=sealed, content_type="application/jose")

    async def serve(self) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_post("/gateway/messages/{type}", self.take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]


def make_client(
    node: str,
    certs: Path,
    url: str,
    session: aiohttp.ClientSession | None,
    *,
    kind: str = "ec",
    suite: str = "jose",
) -> PlatformClient:
    gateway = certs / GATEWAY_NODE / kind
    roots = [load_certificate(path.read_bytes()) for path in sorted(certs.glob("root-*.crt"))]
    return PlatformClient(
        node=node,
        base_url=url,
        suite=suites.get(suite),
        identity=load_identity_from(node, certs / node),
        gateway=Peer(GATEWAY_NODE, {}, load_certificate((gateway / "encrypt.crt").read_bytes())),
        trust=Trust({GATEWAY_NODE: [load_certificate((gateway / "sign.crt").read_bytes())]}, roots),
        session=session,  # type: ignore[arg-type]
    )


async def run(root: Path, folder: Path, count: int, concurrency: int = 24) -> Outcome:
    """`count` messages through a fresh gateway under `folder`, and as many through the bare server, in turns."""
    environ = await made_ready(root, folder)
    certs = folder / "var" / "certs"
    receiver = Receiver(certs)
    runner, port = await receiver.serve()
    to = f"http://127.0.0.1:{port}/gateway/messages/"
    environ["GATEWAY_URL_GGZY_ZPT"] = to + "{type}"
    started = [
        await launch(SERVE, environ),
        await launch(("gateway.bench.bare", str(root), str(folder), to), environ),
    ]
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            gateway, bare = [Hop(process, await announced(process), receiver, session) for process in started]
            return await _drive(root, certs, gateway, bare, count, concurrency)
    finally:
        for process in started:
            process.terminate()
            await process.wait()
        await runner.cleanup()


async def made_ready(root: Path, folder: Path) -> dict[str, str]:
    """The environment of a gateway under `folder`, whose configuration and keys are there."""
    await asyncio.to_thread(prepare, root, folder)
    environ = {
        **os.environ,
        "GATEWAY_ROOT": str(folder),
        "GATEWAY_DATA_DIR": str(folder / "var"),
        "GATEWAY_PORT": "0",
    }
    making = await launch(("gateway", "certs", "init"), environ)
    if await making.wait():
        raise RuntimeError("the keys could not be made")
    return environ


async def launch(words: Sequence[str], environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, env=environ, stdout=asyncio.subprocess.PIPE
    )


async def announced(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise RuntimeError("the process has no output to announce its address on")
    return (await process.stdout.readline()).decode().split()[-1]


@dataclass(slots=True)
class Hop:
    """A process between sender and receiver, and what it took so far."""

    process: asyncio.subprocess.Process
    url: str
    receiver: Receiver
    session: aiohttp.ClientSession
    cpu_s: float = 0.0
    wall_s: float = 0.0
    took_ms: list[float] = field(default_factory=list)

    async def carry(self, sealed: Sequence[tuple[str, bytes]], concurrency: int) -> None:
        """Sends the messages and waits until the receiver has them all."""
        expected = len(self.receiver.keys) + len(sealed)
        cpu, started = cpu_seconds(self.process.pid), time.perf_counter()
        self.took_ms += await _send(self.session, self.url, sealed, concurrency)
        await _arrived(self.receiver, expected)
        self.wall_s += time.perf_counter() - started
        self.cpu_s += cpu_seconds(self.process.pid) - cpu

    def forget(self) -> None:
        """What came until now was warming up."""
        self.cpu_s = self.wall_s = 0.0
        self.took_ms.clear()


async def _drive(root: Path, certs: Path, gateway: Hop, bare: Hop, count: int, concurrency: int) -> Outcome:
    before, awards = payloads(root, count + WARM_UP)
    client = make_client(SENDER, certs, gateway.url, gateway.session)
    for number, data in before:
        await client.submit(number, data, idem_key=key_of(data), content_type="application/xml")
    await _arrived(gateway.receiver, len(before))
    for first, last in [(0, WARM_UP), *_slices(WARM_UP, len(awards))]:
        if first == WARM_UP:
            gateway.forget()
            bare.forget()
        sealed = [
            (key, client.seal(data, NUMBER, key, "application/xml"))
            for data in awards[first:last]
            for key in (key_of(data),)
        ]
        await gateway.carry(sealed, concurrency)
        await bare.carry(sealed, concurrency)
    return Outcome(
        count,
        gateway.wall_s,
        gateway.cpu_s,
        bare.cpu_s,
        tuple(gateway.took_ms),
        peak_rss_mib(gateway.process.pid),
    )


def _slices(first: int, end: int) -> list[tuple[int, int]]:
    return [(one, min(one + SLICE, end)) for one in range(first, end, SLICE)]


async def _send(
    session: aiohttp.ClientSession, url: str, sealed: Sequence[tuple[str, bytes]], concurrency: int
) -> list[float]:
    """Milliseconds that each answer took."""
    queue = iter(sealed)
    took: list[float] = []

    async def sender() -> None:
        for key, body in queue:
            started = time.perf_counter()
            headers = {"Content-Type": "application/jose", "Idempotency-Key": f'"{key}"'}
            async with session.post(f"{url}/v1/messages/{NUMBER}", data=body, headers=headers) as response:
                answer = await response.read()
                if response.status != 202:
                    raise RuntimeError(f"refused with {response.status}: {answer[:200]!r}")
            took.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*(sender() for _ in range(concurrency)))
    return took


async def _arrived(receiver: Receiver, expected: int) -> None:
    async with asyncio.timeout(120):
        while len(receiver.keys) < expected:
            receiver.changed.clear()
            await receiver.changed.wait()


def peak_rss_mib(pid: int) -> float:
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match.group(1)) / 1024 if match else 0.0
