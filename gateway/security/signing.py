"""Signing and verifying with any kind of key, and the key types that the suites know.

The forms here are the certificates' own: RSA PKCS #1 v1.5 with SHA-256, ECDSA P-256 with SHA-256 (DER),
Ed25519, SM2 with SM3 (DER). JOSE and HTTP signatures write a pair (r, s) as 64 plain bytes instead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from typing_extensions import TypeIs

from gateway.security.sm2 import Sm2PrivateKey, Sm2PublicKey

Kind = Literal["rsa", "ec", "ed25519", "sm2"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | Sm2PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | Sm2PrivateKey
PAIR_BYTES = 64
_ECDSA = ec.ECDSA(hashes.SHA256())
_PKCS1 = padding.PKCS1v15()
_SHA256 = hashes.SHA256()


@lru_cache(maxsize=16)
def _is_a(kind: type, wanted: type) -> bool:
    """cryptography's key types are abstract classes, which Python asks slowly: each class is asked once."""
    return issubclass(kind, wanted)


def is_ec_private(key: object) -> TypeIs[ec.EllipticCurvePrivateKey]:
    return _is_a(type(key), ec.EllipticCurvePrivateKey)  # type: ignore[arg-type]


def is_ec_public(key: object) -> TypeIs[ec.EllipticCurvePublicKey]:
    return _is_a(type(key), ec.EllipticCurvePublicKey)  # type: ignore[arg-type]


def sign(key: PrivateKey, data: bytes) -> bytes:
    """The signature over `data`, in the form of the key's kind."""
    if is_ec_private(key):
        return key.sign(data, _ECDSA)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, _PKCS1, _SHA256)
    return key.sign(data)


def is_signed(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Does the signature over `data` hold?"""
    if isinstance(key, Sm2PublicKey):
        return key.is_signed(signature, data)
    try:
        if is_ec_public(key):
            key.verify(signature, data, _ECDSA)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, _PKCS1, _SHA256)
        else:
            key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def as_pair(signature: bytes) -> bytes:
    """DER SEQUENCE{r, s} → r || s, 32 bytes each (RFC 7518 section 3.4); ValueError if it is not that."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def from_pair(pair: bytes) -> bytes:
    """r || s, 32 bytes each → DER; ValueError for any other length."""
    if len(pair) != PAIR_BYTES:
        raise ValueError("the signature is not 64 bytes")
    return encode_dss_signature(int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big"))


def kind_of(key: PublicKey | PrivateKey) -> Kind:
    """ValueError for keys that are too weak or of a curve that no suite uses."""
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        if not 2048 <= key.key_size <= 8192:
            raise ValueError(f"an RSA key has 2048 to 8192 bits, this one {key.key_size}")
        return "rsa"
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError(f"an EC key is on P-256, this one on {key.curve.name}")
        return "ec"
    if isinstance(key, ed25519.Ed25519PublicKey | ed25519.Ed25519PrivateKey):
        return "ed25519"
    return "sm2"


def public_key_of(key: PrivateKey) -> PublicKey:
    return key.public_key if isinstance(key, Sm2PrivateKey) else key.public_key()


def is_pair(private: PrivateKey, public: PublicKey) -> bool:
    """Do the two belong together? Keys of different kinds do not."""
    if kind_of(private) != kind_of(public):
        return False
    return is_signed(public, sign(private, b"pair"), b"pair")
