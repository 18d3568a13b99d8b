"""End to end: a gateway process of its own, a sender and a receiver here, real HTTP between them.

Construction sends award results (DES XML, jose) and the general platform takes them (JSON, jose): parse,
map, validate, store, map, seal, send, read the answer. The gateway's CPU is what the kernel charged its
process from the first message to the last delivery; the sender seals beforehand, so that the two cores
measure the gateway and not the driver.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from gateway.bench.floor import cpu_seconds
from gateway.client import PlatformClient
from gateway.formats import formats
from gateway.message import GATEWAY_NODE, Claims, Head
from gateway.security.keys import load_certificate, load_identity
from gateway.security.suite import Peer, suites
from gateway.security.trust import Trust

SENDER, RECEIVER = "GGZY-JSGC", "GGZY-ZPT"
WINNERS = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run measured. CPU and times of the gateway's process alone."""

    messages: int
    wall_s: float
    cpu_s: float
    accept_ms: tuple[float, ...]
    rss_mib: float

    def percentile(self, share: float) -> float:
        ordered = sorted(self.accept_ms)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def prepare(root: Path, folder: Path) -> None:
    """A copy of the configuration in which construction has P-256 keys: the floor's own algorithms."""
    shutil.copytree(root / "config", folder / "config")
    for name in ("schemas", "mappings"):
        (folder / name).symlink_to(root / name)
    path = folder / "config" / "platforms" / "construction.yaml"
    text = re.sub(r"key_kind: \w+", "key_kind: ec", path.read_text(encoding="utf-8"))
    text = re.sub(r"algorithms: .*", "algorithms: {sign: ES256, encrypt: ECDH-ES+A256KW}", text)
    path.write_text(text, encoding="utf-8")


def payloads(root: Path, count: int) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    """(project, tender project, section), and `count` award results of about 4 KB and 130 values each."""
    before = [
        (number, _golden(root, name).encode("utf-8"))
        for number, name in (("2001", "ProjectSync"), ("2006", "TenderProjectSync"), ("2007", "SectionSync"))
    ]
    award = _golden(root, "AwardResultSync")
    award = _replace(
        award, "WIN_BIDDER_NAME", ";".join(f"上海市政养护工程第{n}有限公司" for n in range(1, WINNERS + 1))
    )
    award = _replace(award, "WIN_BIDDER_CODE", ";".join(_codes(WINNERS)))
    award = re.sub(r"<UNION_(NAME|CODE)>.*?</UNION_\1>", "", award)
    stem = secrets.token_hex(4)
    made = []
    for serial in range(count):
        text = _replace(award, "DATA_KEY", f"9120513{time.strftime('%Y%m%d')}{serial:07d}")
        text = _replace(text, "NOTICE_SERIAL", f"B{stem}{serial}")
        made.append(text.encode("utf-8"))
    return before, made


def _golden(root: Path, name: str) -> str:
    """The input of the first golden case that comes out well."""
    folder = root / "mappings" / "construction" / "cases" / f"{name}.in"
    for path in sorted(folder.glob("*.input.xml")):
        if path.with_name(path.name.replace(".input.xml", ".output.json")).exists():
            return path.read_text(encoding="utf-8-sig")
    raise FileNotFoundError(f"no golden case under {folder}")


def _replace(text: str, tag: str, value: str) -> str:
    filled, count = re.subn(rf"<{tag}>.*?</{tag}>", f"<{tag}>{value}</{tag}>", text, flags=re.S)
    return filled if count else text.replace("</CONTEXT>", f"<{tag}>{value}</{tag}></CONTEXT>")


def _codes(count: int) -> Sequence[str]:
    """Valid credit codes, made by the rule of GB 32100."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    made: list[str] = []
    serial = 0
    while len(made) < count:
        serial += 1
        body = f"MA{serial:06d}"
        weights = (3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(letter, 36) * weight for letter, weight in zip(body, weights, strict=True))
        organisation = body + "0123456789X0"[11 - total % 11]
        code = "91310000" + organisation
        total = sum(letters.index(letter) * pow(3, place, 31) for place, letter in enumerate(code))
        if "X" in organisation or any(letter not in letters for letter in code):
            continue
        made.append(code + letters[(31 - total % 31) % 31])
    return made


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


def make_client(node: str, certs: Path, url: str, session: aiohttp.ClientSession | None) -> PlatformClient:
    gateway = certs / GATEWAY_NODE / "ec"
    roots = [load_certificate(path.read_bytes()) for path in sorted(certs.glob("root-*.crt"))]
    files = [
        (certs / node / name).read_bytes() for name in ("sign.key", "sign.crt", "encrypt.key", "encrypt.crt")
    ]
    return PlatformClient(
        node=node,
        base_url=url,
        suite=suites.get("jose"),
        identity=load_identity(node, *files),
        gateway=Peer(GATEWAY_NODE, {}, load_certificate((gateway / "encrypt.crt").read_bytes())),
        trust=Trust({GATEWAY_NODE: [load_certificate((gateway / "sign.crt").read_bytes())]}, roots),
        session=session,  # type: ignore[arg-type]
    )


async def run(root: Path, folder: Path, count: int, concurrency: int = 24) -> Outcome:
    """`count` messages through a fresh gateway under `folder`."""
    prepare(root, folder)
    environ = {
        **os.environ,
        "GATEWAY_ROOT": str(folder),
        "GATEWAY_DATA_DIR": str(folder / "var"),
        "GATEWAY_PORT": "0",
    }
    making = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "certs", "init", env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    if await making.wait():
        raise RuntimeError("the keys could not be made")
    certs = folder / "var" / "certs"
    receiver = Receiver(certs)
    runner, port = await receiver.serve()
    environ["GATEWAY_URL_GGZY_ZPT"] = f"http://127.0.0.1:{port}/gateway/messages/{{type}}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--announce", "--log-level", "error", "--no-poll",
        env=environ, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[-1]
        return await _drive(root, certs, url, process.pid, receiver, count, concurrency)
    finally:
        process.terminate()
        await process.wait()
        await runner.cleanup()


async def _drive(
    root: Path, certs: Path, url: str, pid: int, receiver: Receiver, count: int, concurrency: int
) -> Outcome:
    before, awards = payloads(root, count + 200)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        client = make_client(SENDER, certs, url, session)
        for number, data in before:
            await client.submit(number, data, idem_key=_key(data), content_type="application/xml")
        await _send(client, session, url, awards[:200], concurrency)
        await _arrived(receiver, len(before) + 200)
        cpu, started = cpu_seconds(pid), time.perf_counter()
        took: list[float] = []
        for chunk in range(200, len(awards), 2000):
            took += await _send(client, session, url, awards[chunk : chunk + 2000], concurrency)
        await _arrived(receiver, len(before) + len(awards))
        wall = time.perf_counter() - started
        return Outcome(count, wall, cpu_seconds(pid) - cpu, tuple(took), peak_rss_mib(pid))


def _key(data: bytes) -> str:
    return formats.get("des").decode(data).head["IdemKey"]


async def _send(
    client: PlatformClient,
    session: aiohttp.ClientSession,
    url: str,
    listed: Sequence[bytes],
    concurrency: int,
) -> list[float]:
    """Milliseconds that each accept took. Sealed first, then sent."""
    sealed = [
        (key, client.seal(data, "2002", key, "application/xml")) for data in listed for key in (_key(data),)
    ]
    queue = iter(sealed)
    took: list[float] = []

    async def sender() -> None:
        for key, body in queue:
            started = time.perf_counter()
            headers = {"Content-Type": "application/jose", "Idempotency-Key": f'"{key}"'}
            async with session.post(f"{url}/v1/messages/2002", data=body, headers=headers) as response:
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
