"""The sending platforms: many at a time, each with lines of its own, through the SDK and its own retry."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.client import PlatformClient, Refused
from gateway.errors import DeliveryError
from gateway.schedule import Schedule
from gateway.torture.contents import JSON, NUMBER, Content, lines, versions
from gateway.torture.ledger import Ledger
from gateway.torture.proxy import ReplyCutter

RETRY = Schedule(first_s=0.1, factor=1.5, most_s=0.5, attempts=60)
_VERSIONS, _AT_ONCE = 8, 4  # of a line; lines of a sender side by side
MOST_WAITING = 600  # acknowledged and not there yet: senders pause
_ASK_AGAIN = 0.02
_LARGE = 5 * 1024 * 1024


@dataclass(slots=True)
class Load:
    """What all senders share. `pending` counts the calls that wait for the gateway."""

    ledger: Ledger
    dice: random.Random
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    pending: int = 0
    files: dict[str, tuple[str, str]] = field(default_factory=dict)  # digest → (platform, SHA-256)
    repeats: int = 0

    @property
    def is_ahead(self) -> bool:
        """Does more wait to be delivered than is sensible?"""
        return len(self.ledger.acknowledged) - len(self.ledger.seen) > MOST_WAITING


async def send_lines(
    load: Load, client: PlatformClient, place: int, of: int, stem: int, cut: ReplyCutter | None
) -> None:
    """One sender: a few lines at a time, of each a version after the other, until told to stop."""
    codes = lines(client.node, place, of, stem)
    while True:
        several = [versions(client.node, line, _VERSIONS) for line in itertools.islice(codes, _AT_ONCE)]
        for content in itertools.chain.from_iterable(zip(*several, strict=True)):
            while load.is_ahead:
                if await wait_for(load.stop, 0.05):
                    return
            if load.stop.is_set():
                return
            await _send(load, client, content, cut)


async def _send(load: Load, client: PlatformClient, content: Content, cut: ReplyCutter | None) -> None:
    load.ledger.offered[content.mark] = content
    load.pending += 1
    try:
        payload, message_id, receipt = await _submit(client, content)
        load.ledger.acknowledged[content.mark] = (content, message_id)
        first = cut.cut.pop(content.key, None) if cut is not None else None
        if first is not None:
            _compare(load, content, _opened(client, first), payload)
        elif load.dice.random() < _ASK_AGAIN:
            load.repeats += 1
            again, _, _ = await _submit(client, content)
            _compare(load, content, payload, again)
        if not receipt:
            load.ledger.receipts_differ.append(f"{content.key} has no receipt")
    finally:
        load.pending -= 1


async def _submit(client: PlatformClient, content: Content) -> tuple[bytes, str, bool]:
    """(the reply as it was signed, the message's id, is there a receipt). Beyond the SDK's own retry it is
    only dated anew, as one does with what could not be sent for minutes."""
    while True:
        try:
            reply = await client.submit(
                NUMBER, content.payload(client.now()), idem_key=content.key, content_type=JSON
            )
        except DeliveryError:
            continue
        except Refused as refused:
            if refused.result != "20005":  # the clock of one of us
                raise
            await asyncio.sleep(0.2)
            continue
        return reply.payload, reply.message_id, bool(reply.receipt)


def _opened(client: PlatformClient, sealed: bytes) -> bytes:
    """A reply that was cut off, opened all the same."""
    return client.suite.unseal(sealed, client.identity, client.trust, client.now()).payload


def _compare(load: Load, content: Content, first: bytes, second: bytes) -> None:
    """The first reply again, byte for byte."""
    if first != second:
        before, after = json.loads(first), json.loads(second)
        names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        load.ledger.receipts_differ.append(f"{content.key}: {', '.join(sorted(names)) or 'bytes'}")


async def send_files(load: Load, client: PlatformClient) -> None:
    """Attachments of all sizes; what was acknowledged must be there at the end, byte for byte."""
    for number in itertools.count():
        if load.stop.is_set():
            return
        data = secrets.token_bytes(_LARGE if number % 4 == 1 else load.dice.randrange(1, 200_000))
        load.pending += 1
        try:
            digest = await client.upload(data)
            load.files[digest] = (client.node, hashlib.sha256(data).hexdigest())
        except DeliveryError:
            continue
        finally:
            load.pending -= 1
        await asyncio.sleep(0.3)


async def lost_files(load: Load, clients: Sequence[PlatformClient]) -> list[str]:
    """Those that the gateway gives back otherwise, or not at all."""
    wrong = []
    by_node = {client.node: client for client in clients}
    for digest, (node, expected) in load.files.items():
        found = hashlib.sha256()
        try:
            async for piece in by_node[node].download(digest):
                found.update(piece)
        except (DeliveryError, Refused) as error:
            wrong.append(f"{digest}: {error}")
            continue
        if found.hexdigest() != expected:
            wrong.append(f"{digest}: other bytes")
    return wrong


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Did it come?"""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
