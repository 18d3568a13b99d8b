"""Arrivals to measure the store with: award results of construction, read, mapped and checked as intake does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import clock
from gateway.arrivals import ArrivalMaker, Submission
from gateway.bench.endtoend import SENDER
from gateway.bench.hop import NUMBER
from gateway.bench.material import key_of, payloads
from gateway.evidence import EvidenceLog
from gateway.mapping import load_mappings
from gateway.message import GATEWAY_NODE, Claims
from gateway.routing import Routes
from gateway.settings import load_settings
from gateway.standard import Standard
from gateway.store import Store
from gateway.store.contract import Arrival, Outcome
from gateway.translate import Translator

MEDIA_TYPE = "application/xml"
WINNERS = 3  # as awards have them: a message is 2.3 KB as it came


class Awards:
    """Makes arrivals that wait for nothing but the store: their rules and renderings run in its transaction. Keys are
    digests, as DES has them; tokens begin with their time, as the SDK makes them."""

    def __init__(self, root: Path, store: Store):
        settings = load_settings(root)
        self._root = root
        self._sender = settings.platforms[SENDER]
        standard = Standard.load(root / "schemas")
        self._translator = Translator(
            standard, load_mappings(root / "mappings", standard), settings.platforms
        )
        routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
        self._maker = ArrivalMaker(settings, store, self._translator, routes)

    async def begin(self, stores: Sequence[Store]) -> None:
        """Stores the project, the tender project and the section that every award belongs to."""
        before, _ = payloads(self._root, 0)
        for number, data in before:
            arrival = await self._arrival(number, data)
            for store in stores:
                accepted(await store.accept(arrival))

    async def make(self, count: int, after: int = 0) -> list[Arrival]:
        """The next ones after the first `after`."""
        awards = payloads(self._root, after + count, WINNERS)[1]
        return [await self._arrival(NUMBER, data) for data in awards[after:]]

    async def _arrival(self, number: str, data: bytes) -> Arrival:
        key = key_of(data)
        claims = Claims(SENDER, GATEWAY_NODE, number, key, int(time.time()), clock.new_id(), MEDIA_TYPE)
        submission = Submission(self._sender, number, key, data, claims, "thumbprint" * 4, "jose", "rest")
        read = self._translator.read(self._sender, number, self._translator.parse(self._sender, data))
        return (await self._maker.draft(submission, read, time.perf_counter_ns())).arrival()


def new_log(log_id: str) -> EvidenceLog:
    """An evidence log with a fresh P-256 key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return EvidenceLog(log_id, lambda text: key.sign(text, ec.ECDSA(hashes.SHA256())), "bench")


def accepted(outcome: Outcome) -> str:
    """The message's id; RuntimeError where it was not accepted."""
    if outcome.kind != "accepted" or outcome.message is None:
        raise RuntimeError(f"the benchmark's message was not accepted: {outcome.kind} {outcome.faults}")
    return outcome.message.id


async def accept_all(store: Store, arrivals: Sequence[Arrival], at_once: int = 64) -> None:
    """Through the store's own writer, so many in flight at a time."""
    queue = iter(arrivals)

    async def sender() -> None:
        for arrival in queue:
            accepted(await store.accept(arrival))

    await asyncio.gather(*(sender() for _ in range(at_once)))
