"""Keys and certificates: the face of this room to the rest of the house, and its only file access.

Development keys live in one folder: `root-<kind>.crt` (and `.key`), `<node>/{sign,encrypt}.{key,crt}` and
`<node>/tls.{key,crt}` of each platform, `GW/<kind>/…` of the gateway, which talks to partners of every
kind, `GW/receipt.{key,crt}` for evidence, `tls/server.{key,crt}`. Keys are PKCS #8 in PEM, mode 0600.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gateway import clock
from gateway.message import GATEWAY_NODE
from gateway.security.authority import (
    Authority,
    Usage,
    issue,
    load_authority,
    make_authority,
    private_pem,
)
from gateway.security.certificate import Certificate, load_certificate
from gateway.security.identity import Identity, load_identity, load_private_key
from gateway.security.signing import Kind, PrivateKey

ALL_KINDS = "all"
_KINDS: tuple[Kind, ...] = ("rsa", "ec", "ed25519", "sm2")
# Ed25519 only signs: who has it is encrypted to on P-256, and both come from the EC root.
_ROOT_OF: dict[Kind, Kind] = {"rsa": "rsa", "ec": "ec", "ed25519": "ec", "sm2": "sm2"}
_ENCRYPTS_BY: dict[Kind, Kind] = {"rsa": "rsa", "ec": "ec", "ed25519": "ec", "sm2": "sm2"}
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def load_identity_from(node: str, place: Path) -> Identity:
    """The identity in a folder (`sign.key`, `sign.crt`, `encrypt.key`, `encrypt.crt`), or of the one pair
    `<place>.key`, `<place>.crt` for both. OSError or ValueError if it cannot be used."""
    if place.is_dir():
        names = ("sign.key", "sign.crt", "encrypt.key", "encrypt.crt")
        sign_key, sign_cert, decrypt_key, decrypt_cert = ((place / name).read_bytes() for name in names)
        return load_identity(node, sign_key, sign_cert, decrypt_key, decrypt_cert)
    key = place.with_name(place.name + ".key").read_bytes()
    certificate = place.with_name(place.name + ".crt").read_bytes()
    return load_identity(node, key, certificate, key, certificate)


def write_development_certificates(
    folder: Path, nodes: Mapping[str, str], *, at: datetime | None = None, days: int = 730
) -> None:
    """Makes what is missing for `nodes` (id → key kind; "all" makes a folder for each kind); what is there
    stays. Safe against several processes at once. ValueError for an unknown kind."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder):
        writer = _Writer(folder, at or clock.now(), days)
        for node, kind in nodes.items():
            if kind == ALL_KINDS:
                for one in _KINDS:
                    writer.write_pairs(folder / node / one, node, one)
            else:
                writer.write_pairs(folder / node, node, _check_kind(kind))
            writer.write(folder / node / "tls", node, "ec", "tls-client")
        writer.write(folder / GATEWAY_NODE / "receipt", f"{GATEWAY_NODE} receipts", "ec", "sign")
        writer.write(folder / "tls" / "server", "localhost", "ec", "tls-server", _LOCAL_HOSTS)
        for root in sorted(set(_ROOT_OF.values())):
            writer.root(root)


def write_key_pair(place: Path, key: PrivateKey, certificate: Certificate) -> None:
    """`<place>.key` (0600) and `<place>.crt`; the certificate comes last, so a half-written pair is seen."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(place.with_name(place.name + ".key"), private_pem(key), 0o600)
    _write(place.with_name(place.name + ".crt"), certificate.pem, 0o644)


class _Writer:
    def __init__(self, folder: Path, at: datetime, days: int) -> None:
        self.folder = folder
        self.at = at
        self.days = days
        self._roots: dict[Kind, Authority] = {}

    def root(self, kind: Kind) -> Authority:
        if kind not in self._roots:
            place = self.folder / f"root-{kind}"
            key, certificate = place.with_name(place.name + ".key"), place.with_name(place.name + ".crt")
            if certificate.exists():
                self._roots[kind] = load_authority(key.read_bytes(), certificate.read_bytes())
            else:
                self._roots[kind] = made = make_authority(kind, self.at)
                write_key_pair(place, made.key, made.certificate)
        return self._roots[kind]

    def write_pairs(self, place: Path, node: str, kind: Kind) -> None:
        self.write(place / "sign", node, kind, "sign")
        self.write(place / "encrypt", node, _ENCRYPTS_BY[kind], "encrypt")

    def write(self, place: Path, subject: str, kind: Kind, usage: Usage, hosts: Sequence[str] = ()) -> None:
        if place.with_name(place.name + ".crt").exists():
            return
        authority = self.root(_ROOT_OF[kind])
        key, certificate = issue(authority, subject, kind, usage, self.at, days=self.days, hosts=hosts)
        write_key_pair(place, key, certificate)


def _check_kind(kind: str) -> Kind:
    for known in _KINDS:
        if kind == known:
            return known
    raise ValueError(f"unknown key kind {kind!r}; there are: {', '.join(_KINDS)}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all: a reader never sees half a key."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
    fresh.replace(path)


__all__ = [
    "ALL_KINDS",
    "Authority",
    "Certificate",
    "Identity",
    "Kind",
    "PrivateKey",
    "issue",
    "load_authority",
    "load_certificate",
    "load_identity",
    "load_identity_from",
    "load_private_key",
    "make_authority",
    "write_development_certificates",
    "write_key_pair",
]
