"""Partners with real keys for the tests: a few platforms, the gateway, and strangers of every sort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.message import Claims
from gateway.security import keys
from gateway.security.authority import Usage
from gateway.security.identity import Identity
from gateway.security.keys import Authority, Certificate, Kind
from gateway.security.suite import Peer, Suite, Unsealed, suites
from gateway.security.trust import Trust

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
KIND_OF: dict[str, Kind] = {
    "P-EC": "ec", "P-RSA": "rsa", "P-ED": "ed25519", "P-SM2": "sm2", "Q-EC": "ec", "Q-RSA": "rsa", "Q-SM2": "sm2",
}  # fmt: skip
OTHER = {"P-EC": "Q-EC", "P-ED": "Q-EC", "P-RSA": "Q-RSA", "P-SM2": "Q-SM2"}


@dataclass(frozen=True)
class Case:
    """One way to seal: suite, platform, what the configuration says of algorithms."""

    suite: str
    node: str
    algorithms: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join((self.suite, self.node, *self.algorithms.values()))

    @property
    def kind(self) -> Kind:
        return KIND_OF[self.node]

    @property
    def with_suite(self) -> Suite:
        return suites.get(self.suite)


CASES = [
    Case("jose", "P-EC", {"sign": "ES256", "encrypt": "ECDH-ES+A256KW"}),
    Case("jose", "P-RSA", {"sign": "RS256", "encrypt": "RSA-OAEP-256"}),
    Case("jose", "P-ED"),
    Case("gm", "P-SM2", {"sign": "SM2-SM3", "encrypt": "SM4-CBC"}),
    Case("gm", "P-SM2", {"encrypt": "SM4-GCM"}),
    Case("wss", "P-RSA", {"sign": "RSA-SHA256", "encrypt": "AES256-GCM"}),
    Case("wss", "P-RSA", {"soap": "1.1"}),
]
PAYLOAD = (
    b'<PaymentApplication xmlns="urn:sh-ggzy-czzf:datastd:1.0"><PayAppNo>SQ-310000-1</PayAppNo>'
    + "<Name>上海公路养护 &amp; 工程</Name>".encode()
    + b"</PaymentApplication>"
)


@dataclass(frozen=True)
class Partners:
    """`gateway` holds its identities by key kind, `platforms` those of the platforms by id."""

    folder: Path
    roots: list[Certificate]
    authorities: dict[str, Authority]
    gateway: Mapping[str, Identity]
    platforms: dict[str, Identity]
    trust: Trust

    @classmethod
    def make(cls, folder: Path) -> Partners:
        keys.write_development_certificates(folder, {**KIND_OF, "GW": "all"}, at=NOW)
        roots, authorities = [], {}
        for kind in ("rsa", "ec", "sm2"):
            key, crt = (folder / f"root-{kind}.{end}" for end in ("key", "crt"))
            authorities[kind] = keys.load_authority(key.read_bytes(), crt.read_bytes())
            roots.append(authorities[kind].certificate)
        gateway: dict[str, Identity] = {
            kind: keys.load_identity_from("GW", folder / "GW" / kind) for kind in {*KIND_OF.values()}
        }
        platforms = {node: keys.load_identity_from(node, folder / node) for node in KIND_OF}
        trust = Trust({node: [one.sign_cert] for node, one in platforms.items()}, roots)
        return cls(folder, roots, authorities, gateway, platforms, trust)

    def issue(self, kind: Kind, *, usage: Usage = "sign", at: datetime = NOW, name: str = "X") -> Identity:
        """A new pair by a root that is trusted, registered to nobody."""
        root = self.authorities["ec" if kind == "ed25519" else kind]
        key, certificate = keys.issue(root, name, kind, usage, at)
        return Identity(name, key, certificate, key, certificate)

    def trusting(self, node: str, *more: Certificate, roots: list[Certificate] | None = None) -> Trust:
        """As the gateway's trust, with more certificates registered to `node`."""
        known = {name: [one.sign_cert] for name, one in self.platforms.items()}
        known[node] = [*known[node], *more]
        return Trust(known, self.roots if roots is None else roots)

    def seal(
        self,
        case: Case,
        payload: bytes = PAYLOAD,
        *,
        claims: Claims | None = None,
        signer: Identity | None = None,
        receiver: Identity | None = None,
    ) -> bytes:
        """As the platform of the case seals for the gateway."""
        signer = signer or self.platforms[case.node]
        receiver = receiver or self.gateway[case.kind]
        peer = Peer("GW", case.algorithms, receiver.decrypt_cert)
        return case.with_suite.seal(payload, claims or claims_of(case.node), signer, peer)

    def unseal(
        self,
        case: Case,
        data: bytes,
        *,
        trust: Trust | None = None,
        recipient: Identity | None = None,
        at: datetime = NOW,
    ) -> Unsealed:
        recipients = recipient or list(self.gateway.values())
        return case.with_suite.unseal(data, recipients, trust or self.trust, at)


def claims_of(sender: str, **changed: object) -> Claims:
    claims = Claims(
        sender=sender,
        receiver="GW",
        msg_type="3001",
        idem_key="k<1>&2",
        issued_at=int(NOW.timestamp()),
        jti="0123456789abcdef0123456789abcdef",
        content_type="application/xml",
    )
    return replace(claims, **changed)  # type: ignore[arg-type]


LATER = NOW + timedelta(days=3651)
