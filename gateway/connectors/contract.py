"""What every connector promises: how a platform is reached, and what is known of the outcome.

Design rules. A connector sends the stored form, sealed afresh, under the same delivery key on every
attempt. It never decides what a business answer means; it says only what happened on the wire: an
authentic answer (`Answer`), or a `DeliveryError` that tells apart what certainly had no effect, what may
have had one (`unknown`), and what the receiver refused for good (`permanent`). A refusal counts as final
only when the receiver's seal is on it: a proxy in between must not be able to kill a delivery.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from gateway.connectors.heads import Heads
from gateway.logins import NO_LOGIN, Login
from gateway.registry import Registry
from gateway.security.keys import Identity
from gateway.security.suite import Peer, Suite
from gateway.security.trust import Trust
from gateway.settings import Platform

MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileRef:
    """A stored attachment that travels along: digest ("sm3:<hex>"), file name, size in bytes."""

    digest: str
    name: str
    size: int


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Parcel:
    """One attempt: `payload` is the form in the receiver's own encoding, not yet sealed. `heads`: noted by the
    connector as they travel, of the last exchange where there are more; where it has none they stay empty."""

    type: str
    delivery_key: str
    payload: bytes
    files: Sequence[FileRef]
    attempt: int
    traceparent: str = ""
    heads: Heads = field(default_factory=Heads, compare=False)


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Answer:
    """What the receiver said, unsealed, in its own form. `already`: it says that it had this one. `accepted`: the
    transport has taken it over for good, and no word of the receiver comes with that (a folder, a broker)."""

    payload: bytes
    status: int
    already: bool = False
    accepted: bool = False


class Connector(Protocol):
    """`knows_keys`: the receiver recognises the delivery key, so sending twice has one effect."""

    knows_keys: bool

    def can_ask(self, number: str) -> bool:
        """Can `ask` tell whether a parcel of this message type arrived?"""
        ...

    async def send(self, parcel: Parcel) -> Answer:
        """The authentic answer; DeliveryError with `unknown`, `permanent`, `retry_after_s`."""
        ...

    async def ask(self, parcel: Parcel) -> Answer | None:
        """After an unknown outcome, where `can_ask`: the answer if it arrived, None if it certainly did not."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ConnectorWorld:
    """What a connector is made of. `identity` is the gateway's for the platform's key kind, `peer` the
    platform as receiver of seals; `content_type` names the payload's media type in the seal;
    `read_file` streams a stored attachment's plain bytes by digest."""

    platform: Platform
    suite: Suite
    identity: Identity
    peer: Peer
    trust: Trust
    session: aiohttp.ClientSession
    read_file: Callable[[str], AsyncIterator[bytes]]
    content_type: str = "application/octet-stream"
    login: Login = NO_LOGIN


connectors: Registry[Callable[[ConnectorWorld], Connector]] = Registry("connector")
