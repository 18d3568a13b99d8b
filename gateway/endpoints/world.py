"""What the endpoints stand on: built once at the start, shared by every request."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from gateway.answers import Answers
from gateway.inbox import Inbox
from gateway.intake import Intake
from gateway.pressure import Pressure
from gateway.seat import Seat
from gateway.security.keys import Identity
from gateway.security.suite import Peer, suites
from gateway.security.trust import Trust
from gateway.settings import Settings
from gateway.standard import Standard
from gateway.store.blobs import Blobs
from gateway.store.contract import Store
from gateway.store.uploads import Uploads


@dataclass(slots=True)
class Draining:
    """Of a server that will stop. `begun`: each answer is the last on its connection. `is_told`: /readyz says so, for there
    will be nobody else here who accepts."""

    begun: bool = False
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class EndpointWorld:
    """`identities` are the gateway's by key kind, `peers` the platforms' by id, as receivers of seals."""

    settings: Settings
    store: Store
    intake: Intake
    trust: Trust
    identities: Mapping[str, Identity]
    peers: Mapping[str, Peer]
    blobs: Blobs
    uploads: Uploads
    standard: Standard
    answers: Answers
    pressure: Pressure
    inbox: Inbox
    seat: Seat
    draining: Draining = field(default_factory=Draining)


# Of a request: the header fields that a refusal of it says besides.
REFUSAL_HEADERS: web.RequestKey[Mapping[str, str]] = web.RequestKey("refusal-headers", Mapping[str, str])
WORLD: web.AppKey[EndpointWorld] = web.AppKey("endpoint-world", EndpointWorld)


@functools.cache
def suites_by_content_type() -> dict[str, str]:
    """Media type of a sealed body → suite."""
    return {suites.get(name).content_type: name for name in suites}
