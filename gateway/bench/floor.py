"""The floor of a hop: every primitive that the wire needs, called directly, back to back, in one process.

One HTTP receive and one send; parse; XSD; two maps; two seals and two unseals (message in and out, the
reply, the receiver's answer); three durable writes (accept, claim, outcome) at batch 32. CPU seconds of
this process, thread and children left out. Nothing of the gateway's own pipeline runs here; maps are the
compiled functions themselves.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from lxml import etree

BATCH = 32
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Part:
    """One primitive: CPU microseconds for one message."""

    name: str
    cpu_us: float


def cpu_us(work: Callable[[], object], rounds: int) -> float:
    """CPU microseconds of one call: the best of three series, which is what the primitive costs."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time_ns()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time_ns() - started) / rounds / 1000)
    return best


def seal_pair_us(payload: bytes) -> tuple[float, float]:
    """(seal, unseal) by ES256, ECDH-ES+A256KW and A256GCM, straight on the library."""
    signer, receiver = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    receiver_public, signer_public = receiver.public_key(), signer.public_key()

    def seal() -> tuple[bytes, ec.EllipticCurvePublicKey, bytes, bytes, bytes]:
        signature = signer.sign(payload, ec.ECDSA(hashes.SHA256()))
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        shared = ephemeral.exchange(ec.ECDH(), receiver_public)
        wrap = ConcatKDFHash(hashes.SHA256(), 32, b"").derive(shared)
        content_key, nonce = os.urandom(32), os.urandom(12)
        wrapped = aes_key_wrap(wrap, content_key)
        return (
            signature,
            ephemeral.public_key(),
            wrapped,
            nonce,
            AESGCM(content_key).encrypt(nonce, payload, b""),
        )

    sealed = seal()

    def unseal() -> None:
        signature, ephemeral, wrapped, nonce, text = sealed
        shared = receiver.exchange(ec.ECDH(), ephemeral)
        content_key = aes_key_unwrap(ConcatKDFHash(hashes.SHA256(), 32, b"").derive(shared), wrapped)
        plain = AESGCM(content_key).decrypt(nonce, text, b"")
        signer_public.verify(signature, plain, ec.ECDSA(hashes.SHA256()))

    return cpu_us(seal, 300), cpu_us(unseal, 300)


def durable_writes_us(row: bytes) -> float:
    """Three durable writes of one message (a row of its size, a claim, an outcome) at batch 32."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("create table m (id integer primary key, key text unique, body blob, state text)")
        serial = iter(range(1, 1_000_000))

        def batch() -> None:
            ids = [next(serial) for _ in range(BATCH)]
            connection.execute("begin immediate")
            connection.executemany(
                "insert into m values (?, ?, ?, 'ready')", [(i, f"k{i}", row) for i in ids]
            )
            connection.execute("commit")
            for state in ("leased", "done"):
                connection.execute("begin immediate")
                connection.executemany("update m set state = ? where id = ?", [(state, i) for i in ids])
                connection.execute("commit")

        spent = cpu_us(batch, 20) / BATCH
        connection.close()
        return spent


async def http_us(body: bytes, reply: bytes, count: int = 4000) -> tuple[float, float]:
    """(receive, send): CPU of a bare server for one request, and of a bare client for one, each in a
    process of its own, as gateway and partner are: what it costs to wake the other side is part of both."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.bench.echo", str(len(reply)), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        port = int((await child.stdout.readline()).decode())
        url = f"http://127.0.0.1:{port}/"
        await _client(url, body, 200)
        started = cpu_seconds(child.pid)
        send = await _client(url, body, count)
        return (cpu_seconds(child.pid) - started) / count * 1e6, send
    finally:
        child.terminate()
        await child.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time that the kernel charged a process; to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def echo_server(reply: bytes) -> tuple[web.AppRunner, int]:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=reply)

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1]


async def _client(url: str, body: bytes, count: int) -> float:
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            async with session.post(url, data=body) as response:
                await response.read()

        for _ in range(50):
            await one()
        started = time.process_time_ns()
        for _ in range(0, count, 16):
            await asyncio.gather(*(one() for _ in range(16)))
        done = (count + 15) // 16 * 16
        return (time.process_time_ns() - started) / done / 1000


def parse_us(data: bytes) -> float:
    return cpu_us(lambda: etree.fromstring(data), 500)


def validate_us(schema: etree.XMLSchema, body: bytes) -> float:
    tree = etree.fromstring(body)
    return cpu_us(lambda: schema.validate(tree), 500)
