"""A small certificate authority for development: a root of each kind, and leaves by it. Not for production.

X.509 v3 by asn1crypto for every kind alike, so that SM2 certificates (id-ecPublicKey with the curve
1.2.156.10197.1.301, signed by 1.2.156.10197.1.501) are made as RSA and EC ones are.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from asn1crypto import algos, core, keys, pem, x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.security import signing, sm2
from gateway.security.certificate import SM2_WITH_SM3, Certificate, load_certificate
from gateway.security.identity import load_private_key
from gateway.security.signing import Kind, PrivateKey

Usage = Literal["sign", "encrypt", "tls-server", "tls-client"]
_EC_PUBLIC_KEY = "1.2.840.10045.2.1"
_KEY_USAGE: dict[str, set[str]] = {
    "root": {"key_cert_sign", "crl_sign"},
    "sign": {"digital_signature", "non_repudiation"},
    "encrypt": {"key_encipherment", "data_encipherment", "key_agreement"},
    "tls-server": {"digital_signature"},
    "tls-client": {"digital_signature"},
}
_EXTENDED = {"tls-server": "server_auth", "tls-client": "client_auth"}
_SIGNATURE_OID: dict[str, str] = {
    "rsa": "1.2.840.113549.1.1.11",
    "ec": "1.2.840.10045.4.3.2",
    "ed25519": "1.3.101.112",
    "sm2": SM2_WITH_SM3,
}
# A little before now: the clock of the machine that verifies may be behind.
_BACKDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA: its key and its own certificate."""

    key: PrivateKey
    certificate: Certificate

    @property
    def key_pem(self) -> bytes:
        return private_pem(self.key)


def make_authority(kind: Kind, at: datetime, *, name: str = "", days: int = 3650) -> Authority:
    """A self-signed root of `kind`, valid from a day before `at`."""
    key = make_key(kind)
    subject = _name(name or f"Gateway development root ({kind})")
    tbs = _tbs(subject, subject, signing.public_key_of(key), key, "root", at, days)
    return Authority(key, load_certificate(_sign(tbs, key)))


def load_authority(key_pem: bytes, certificate_pem: bytes) -> Authority:
    """ValueError if the two do not fit."""
    key, certificate = load_private_key(key_pem), load_certificate(certificate_pem)
    if not signing.is_pair(key, certificate.public_key):
        raise ValueError("the authority's key does not fit its certificate")
    return Authority(key, certificate)


def issue(
    authority: Authority,
    subject: str,
    kind: Kind,
    usage: Usage,
    at: datetime,
    *,
    days: int = 730,
    hosts: Sequence[str] = (),
) -> tuple[PrivateKey, Certificate]:
    """A new key of `kind` and its certificate by `authority`; CN = `subject`; `hosts` are DNS names or
    IP addresses (TLS servers)."""
    key = make_key(kind)
    issuer = x509.Name.load(authority.certificate.subject_name)
    public = signing.public_key_of(key)
    tbs = _tbs(_name(subject), issuer, public, authority.key, usage, at, days, hosts)
    return key, load_certificate(_sign(tbs, authority.key))


def make_key(kind: Kind) -> PrivateKey:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return sm2.generate()


def private_pem(key: PrivateKey) -> bytes:
    """PKCS #8, not encrypted."""
    if isinstance(key, sm2.Sm2PrivateKey):
        inner = keys.ECPrivateKey(
            {
                "version": 1,
                "private_key": int.from_bytes(key.secret, "big"),
                "public_key": b"\x04" + key.public_key.point,
            }
        )
        info = keys.PrivateKeyInfo(
            {"version": 0, "private_key_algorithm": _sm2_algorithm(), "private_key": inner}
        )
        return bytes(pem.armor("PRIVATE KEY", info.dump()))
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _sm2_algorithm() -> dict[str, Any]:
    return {"algorithm": _EC_PUBLIC_KEY, "parameters": keys.ECDomainParameters("named", sm2.CURVE_OID)}


def _public_info(key: signing.PublicKey) -> keys.PublicKeyInfo:
    if isinstance(key, sm2.Sm2PublicKey):
        return keys.PublicKeyInfo({"algorithm": _sm2_algorithm(), "public_key": b"\x04" + key.point})
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return keys.PublicKeyInfo.load(der)


def _name(common_name: str) -> x509.Name:
    return x509.Name.build({"organization_name": "Gateway development", "common_name": common_name})


def _signature_algorithm(kind: Kind) -> algos.SignedDigestAlgorithm:
    algorithm: dict[str, Any] = {"algorithm": _SIGNATURE_OID[kind]}
    if kind == "rsa":
        algorithm["parameters"] = core.Null()
    return algos.SignedDigestAlgorithm(algorithm)


def _tbs(
    subject: x509.Name,
    issuer: x509.Name,
    public: signing.PublicKey,
    signer: PrivateKey,
    usage: str,
    at: datetime,
    days: int,
    hosts: Sequence[str] = (),
) -> x509.TbsCertificate:
    first = at.replace(microsecond=0) - _BACKDATED
    return x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": secrets.randbits(126) | 1 << 126,
            "signature": _signature_algorithm(signing.kind_of(signer)),
            "issuer": issuer,
            "validity": {"not_before": _time(first), "not_after": _time(first + timedelta(days=days))},
            "subject": subject,
            "subject_public_key_info": _public_info(public),
            "extensions": _extensions(public, signer, usage, hosts),
        }
    )


def _extensions(
    public: signing.PublicKey, signer: PrivateKey, usage: str, hosts: Sequence[str]
) -> list[dict[str, Any]]:
    limits: dict[str, Any] = {"ca": True, "path_len_constraint": 0} if usage == "root" else {"ca": False}
    found: list[dict[str, Any]] = [
        {"extn_id": "basic_constraints", "critical": True, "extn_value": limits},
        {"extn_id": "key_usage", "critical": True, "extn_value": _KEY_USAGE[usage]},
        {"extn_id": "key_identifier", "extn_value": _key_id(public)},
        {
            "extn_id": "authority_key_identifier",
            "extn_value": {"key_identifier": _key_id(signing.public_key_of(signer))},
        },
    ]
    if usage in _EXTENDED:
        found.append({"extn_id": "extended_key_usage", "extn_value": [_EXTENDED[usage]]})
    if hosts:
        names = [_host(host) for host in hosts]
        found.append({"extn_id": "subject_alt_name", "extn_value": names})
    return found


def _key_id(public: signing.PublicKey) -> bytes:
    return hashlib.sha256(_public_info(public).dump()).digest()[:20]


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.GeneralName("ip_address", str(ipaddress.ip_address(host)))
    except ValueError:
        return x509.GeneralName("dns_name", host)


def _time(moment: datetime) -> x509.Time:
    return x509.Time("utc_time" if moment.year < 2050 else "general_time", moment)


def _sign(tbs: x509.TbsCertificate, key: PrivateKey) -> bytes:
    return bytes(
        x509.Certificate(
            {
                "tbs_certificate": tbs,
                "signature_algorithm": _signature_algorithm(signing.kind_of(key)),
                "signature_value": signing.sign(key, tbs.dump()),
            }
        ).dump()
    )
