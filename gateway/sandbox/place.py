"""Where a sandbox platform stands: its keys, its files, its address, and how it talks to the gateway."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from gateway.client import PlatformClient
from gateway.message import GATEWAY_NODE
from gateway.schedule import Schedule
from gateway.security.keys import Identity, load_certificate, load_identity
from gateway.security.suite import Peer, suites
from gateway.security.trust import Trust

GENERAL, CONSTRUCTION, PROCUREMENT = "GGZY-ZPT", "GGZY-JSGC", "GGZY-ZFCG"
CITY, PUDONG = "CZ-ZFPT-310000", "CZ-ZFPT-310115"
NODES: tuple[str, ...] = (GENERAL, CONSTRUCTION, PROCUREMENT, CITY, PUDONG)
_SUBMIT = Schedule(first_s=0.2, factor=2.0, most_s=5.0, attempts=8)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a platform and the gateway agreed on: suite, kind of keys, algorithms."""

    suite: str
    key_kind: str
    algorithms: Mapping[str, str]


_JOSE_EC = Agreement("jose", "ec", {"sign": "ES256", "encrypt": "ECDH-ES+A256KW"})
_JOSE_RSA = Agreement("jose", "rsa", {"sign": "RS256", "encrypt": "RSA-OAEP-256"})
_WSS = Agreement("wss", "rsa", {"sign": "RSA-SHA256", "encrypt": "AES256-GCM"})
_GM = Agreement("gm", "sm2", {"sign": "SM2-SM3", "encrypt": "SM4-CBC"})
AGREEMENTS: dict[str, Agreement] = {
    GENERAL: _JOSE_EC,
    CONSTRUCTION: _JOSE_RSA,
    PROCUREMENT: _WSS,
    CITY: _GM,
    PUDONG: _GM,
}


@dataclass(frozen=True, slots=True)
class SandboxPlatform:
    """The configuration of one platform. `port` 0 takes a free one; `certs_dir` holds `<node>/` and `GW/`;
    `data_dir` gets the ledger and what the platform knows."""

    node: str
    port: int
    certs_dir: Path
    data_dir: Path
    gateway_url: str
    schemas: Path | None = None

    @property
    def agreement(self) -> Agreement:
        return AGREEMENTS[self.node]

    @property
    def schemas_dir(self) -> Path:
        return self.schemas or find_schemas()


def find_schemas() -> Path:
    """schemas/ of GATEWAY_ROOT, of the working folder or above, or beside the installed package."""
    named = os.environ.get("GATEWAY_ROOT")
    places = [Path(named)] if named else [Path.cwd(), *Path.cwd().parents, Path(__file__).parents[2]]
    for place in places:
        if (place / "schemas" / "standard" / "v1").is_dir():
            return place / "schemas"
    raise FileNotFoundError("no schemas/ here or above; set GATEWAY_ROOT")


def load_own_identity(place: SandboxPlatform) -> Identity:
    """The platform's own keys; OSError where they are missing."""
    folder = place.certs_dir / place.node
    files = [(folder / name).read_bytes() for name in ("sign.key", "sign.crt", "encrypt.key", "encrypt.crt")]
    return load_identity(place.node, *files)


def make_client(place: SandboxPlatform, session: aiohttp.ClientSession) -> PlatformClient:
    """The platform's side of the wire: it trusts the gateway's certificate for its kind of keys alone."""
    agreement = place.agreement
    gateway = place.certs_dir / GATEWAY_NODE / agreement.key_kind
    sign = load_certificate((gateway / "sign.crt").read_bytes())
    encrypt = load_certificate((gateway / "encrypt.crt").read_bytes())
    roots = [load_certificate(path.read_bytes()) for path in sorted(place.certs_dir.glob("root-*.crt"))]
    return PlatformClient(
        node=place.node,
        base_url=place.gateway_url,
        suite=suites.get(agreement.suite),
        identity=load_own_identity(place),
        gateway=Peer(GATEWAY_NODE, agreement.algorithms, encrypt),
        trust=Trust({GATEWAY_NODE: [sign]}, roots),
        session=session,
        retry=_SUBMIT,
    )
