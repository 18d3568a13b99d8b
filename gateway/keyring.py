"""The gateway's keys, its partners' certificates, and the evidence log that is signed with one of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import ConfigError, Finding
from gateway.evidence import EvidenceLog
from gateway.logins import Login
from gateway.message import GATEWAY_NODE
from gateway.security import keys
from gateway.security.suite import Peer
from gateway.security.trust import Trust
from gateway.settings import Platform, Settings


@dataclass(slots=True)
class Keyring:
    """The gateway's identities by key kind, its partners' certificates, whom it seals for, and how it logs in where."""

    identities: dict[str, keys.Identity]
    peers: dict[str, Peer]
    trust: Trust
    receipt: keys.Identity
    logins: Mapping[str, Login] = field(default_factory=dict)  # by platform; read where it is connected to

    def of(self, platform: Platform) -> keys.Identity:
        return self.identities[platform.key_kind]


def load_keyring(settings: Settings) -> Keyring:
    """Reads every key and certificate; ConfigError with all that are missing or unusable."""
    folder = settings.certs_dir
    findings: list[Finding] = []
    identities: dict[str, keys.Identity] = {}
    certificates: dict[str, list[keys.Certificate]] = {}
    peers: dict[str, Peer] = {}
    kinds = sorted({platform.key_kind for platform in settings.platforms.values()})
    for kind in kinds:
        try:
            identities[kind] = keys.load_identity_from(GATEWAY_NODE, folder / GATEWAY_NODE / kind)
        except (OSError, ValueError) as error:
            findings.append(_missing(folder / GATEWAY_NODE / kind, error))
    for platform in settings.platforms.values():
        place = folder / platform.id
        try:
            sign = keys.load_certificate((place / "sign.crt").read_bytes())
            encrypt = keys.load_certificate((place / "encrypt.crt").read_bytes())
            more = [keys.load_certificate(Path(name).read_bytes()) for name in platform.certificates]
            tls = place / "tls.crt"
            if tls.exists():
                more.append(keys.load_certificate(tls.read_bytes()))
        except (OSError, ValueError) as error:
            findings.append(_missing(place, error))
            continue
        certificates[platform.id] = [sign, *more]
        peers[platform.id] = Peer(platform.id, platform.algorithms, encrypt)
    if findings:
        raise ConfigError(findings)
    roots = [keys.load_certificate(path.read_bytes()) for path in sorted(folder.glob("root-*.crt"))]
    receipt = keys.load_identity_from(GATEWAY_NODE, folder / GATEWAY_NODE / "receipt")
    return Keyring(identities, peers, Trust(certificates, roots), receipt)


def _missing(place: Path, error: Exception) -> Finding:
    return Finding(str(place), 0, 0, "certificates", str(error), "config.certificate")


def node_name(settings: Settings) -> str:
    """This machine's, among those that share a database."""
    return settings.gateway.node or os.uname().nodename


def make_evidence(settings: Settings, keyring: Keyring, writer: str) -> EvidenceLog:
    """The log that a writer's evidence goes into; where it stands is in the store. Each writer has its own:
    on one file their numbers tell them apart, on a database that several nodes share the nodes' names too."""
    node = "" if settings.store_url.startswith("sqlite") else node_name(settings)
    log_id = "-".join(part for part in (GATEWAY_NODE, node, writer) if part)
    return EvidenceLog(log_id, keyring.receipt.sign_text, keyring.receipt.sign_cert.thumbprint)
