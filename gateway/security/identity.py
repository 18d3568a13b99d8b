"""Who we are when we seal and unseal: a node with its private keys and dual certificates."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from asn1crypto import keys, pem
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from gateway.security import signing
from gateway.security.certificate import Certificate, is_sm2, is_sm2_curve, load_certificate
from gateway.security.signing import PrivateKey
from gateway.security.sm2 import Sm2PrivateKey, Sm2PublicKey


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """One for signing, one for being encrypted to (GM/T 0015 asks for two); both may be the same pair."""

    node: str
    sign_key: PrivateKey = field(repr=False)
    sign_cert: Certificate
    decrypt_key: PrivateKey = field(repr=False)
    decrypt_cert: Certificate

    def sign_text(self, text: bytes) -> bytes:
        """A signature by the signing key: DER ECDSA P-256 with SHA-256 for an EC key (`verify_text`)."""
        return signing.sign(self.sign_key, text)


# Whom a sealed message may be for: one identity, or several (key kinds, or old and new during rotation).
Recipients = Identity | Sequence[Identity]


def as_identities(recipients: Recipients) -> Sequence[Identity]:
    return (recipients,) if isinstance(recipients, Identity) else recipients


def load_identity(
    node: str, sign_key_pem: bytes, sign_cert_pem: bytes, decrypt_key_pem: bytes, decrypt_cert_pem: bytes
) -> Identity:
    """ValueError where a key cannot be read or does not fit its certificate."""
    sign_cert, decrypt_cert = load_certificate(sign_cert_pem), load_certificate(decrypt_cert_pem)
    sign_key, decrypt_key = load_private_key(sign_key_pem), load_private_key(decrypt_key_pem)
    if not signing.is_pair(sign_key, sign_cert.public_key):
        raise ValueError(f"the signing key of {node} does not fit its certificate")
    if not signing.is_pair(decrypt_key, decrypt_cert.public_key):
        raise ValueError(f"the decryption key of {node} does not fit its certificate")
    return Identity(node, sign_key, sign_cert, decrypt_key, decrypt_cert)


def load_private_key(pem_or_der: bytes) -> PrivateKey:
    """A PKCS #8 or SEC 1 key, not encrypted; ValueError if it cannot be used."""
    try:
        der = pem.unarmor(pem_or_der)[2] if pem.detect(pem_or_der) else pem_or_der
        inner = _find_sm2(der)
        if inner is not None:
            return _read_sm2(inner)
        loaded = serialization.load_der_private_key(der, None)
    except (TypeError, KeyError, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a usable private key: {error}") from error
    signing.kind_of(loaded)  # type: ignore[arg-type]  # refuses what no suite uses
    return loaded  # type: ignore[return-value]


def _find_sm2(der: bytes) -> keys.ECPrivateKey | None:
    """The key on sm2p256v1 inside PKCS #8, or as SEC 1 writes it; None for any other key."""
    with contextlib.suppress(ValueError):  # not PKCS #8
        info = keys.PrivateKeyInfo.load(der, strict=True)
        return info["private_key"].parsed if is_sm2(info["private_key_algorithm"]) else None
    with contextlib.suppress(ValueError):  # whatever it is, cryptography will say
        inner = keys.ECPrivateKey.load(der, strict=True)
        return inner if is_sm2_curve(inner["parameters"]) else None
    return None


def _read_sm2(inner: keys.ECPrivateKey) -> Sm2PrivateKey:
    public = inner["public_key"].native
    if public is None:
        raise ValueError("an SM2 private key must carry its public key")
    secret = int(inner["private_key"].native).to_bytes(32, "big")
    return Sm2PrivateKey(secret, Sm2PublicKey(bytes(public)[1:]))
