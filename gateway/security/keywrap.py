"""Wrapping a JWE's content key for a certificate, and unwrapping it (RFC 7518 sections 4.3 and 4.6).

Two algorithms, each for one kind of key: ECDH-ES+A256KW on P-256, RSA-OAEP-256. A wrapped key that cannot
be opened yields a random key instead of an error (RFC 7516 section 11.5): the content then fails to
decrypt, and nobody outside can tell by the answer or by the time which of the two it was.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gateway.security import base64url
from gateway.security.signing import PrivateKey, PublicKey, is_ec_private, is_ec_public

ECDH = "ECDH-ES+A256KW"
OAEP = "RSA-OAEP-256"
KEY_BYTES = 32
_COORDINATE = 32
_ECDH = ec.ECDH()
_P256 = ec.SECP256R1()
_POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def algorithm_for(key: PublicKey, wanted: str | None) -> str:
    """The algorithm that fits the key; ValueError if `wanted` is another, or there is none."""
    if is_ec_public(key):
        fitting = ECDH
    elif isinstance(key, rsa.RSAPublicKey):
        fitting = OAEP
    else:
        raise ValueError("jose encrypts to EC and RSA certificates only")
    if wanted not in (None, fitting):
        raise ValueError(f"the receiver's certificate fits {fitting}, not {wanted}")
    return fitting


def wrap(key: PublicKey, content_key: bytes) -> tuple[dict[str, Any], bytes]:
    """(members to add to the JWE header, the wrapped key)."""
    if not is_ec_public(key):
        if isinstance(key, rsa.RSAPublicKey):
            return {}, key.encrypt(content_key, _OAEP)
        raise ValueError("jose encrypts to EC and RSA certificates only")
    ephemeral = ec.generate_private_key(_P256)
    point = ephemeral.public_key().public_bytes(*_POINT)
    x, y = (base64url.encode(point[a : a + _COORDINATE]).decode("ascii") for a in (1, 1 + _COORDINATE))
    kek = _derive(ephemeral.exchange(_ECDH, key), b"", b"")
    return {"epk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}}, aes_key_wrap(kek, content_key)


def unwrap(key: PrivateKey, header: dict[str, Any], wrapped: bytes) -> bytes:
    """The content key, or a random one if it cannot be opened. ValueError for a header that does not fit
    the key: that was to be seen without the key."""
    algorithm = header.get("alg")
    if algorithm == ECDH and is_ec_private(key):
        return _unwrap_ecdh(key, header, wrapped)
    if algorithm == OAEP and isinstance(key, rsa.RSAPrivateKey):
        return _unwrap_oaep(key, wrapped)
    raise ValueError("the key management algorithm is not the one of the receiver's key")


def _unwrap_oaep(key: rsa.RSAPrivateKey, wrapped: bytes) -> bytes:
    spare = os.urandom(KEY_BYTES)
    try:
        found = key.decrypt(wrapped, _OAEP)
    except ValueError:
        return spare
    return found if len(found) == KEY_BYTES else spare


def _unwrap_ecdh(key: ec.EllipticCurvePrivateKey, header: dict[str, Any], wrapped: bytes) -> bytes:
    shared = key.exchange(_ECDH, _read_epk(header.get("epk")))
    kek = _derive(shared, _party(header, "apu"), _party(header, "apv"))
    spare = os.urandom(KEY_BYTES)
    try:
        found = aes_key_unwrap(kek, wrapped)
    except (InvalidUnwrap, ValueError):
        return spare
    return found if len(found) == KEY_BYTES else spare


def _read_epk(epk: Any) -> ec.EllipticCurvePublicKey:
    """ValueError unless it is a public point of P-256 (cryptography checks that it is on the curve)."""
    if not isinstance(epk, dict) or epk.get("kty") != "EC" or epk.get("crv") != "P-256" or "d" in epk:
        raise ValueError("epk is not a public key on P-256")
    point = b"\x04" + _coordinate(epk.get("x")) + _coordinate(epk.get("y"))
    return ec.EllipticCurvePublicKey.from_encoded_point(_P256, point)


def _coordinate(text: Any) -> bytes:
    value = base64url.decode(text.encode("ascii")) if isinstance(text, str) else b""
    if len(value) != _COORDINATE:
        raise ValueError("a coordinate of epk is not 32 bytes")
    return value


def _party(header: dict[str, Any], name: str) -> bytes:
    text = header.get(name)
    if text is None:
        return b""
    if not isinstance(text, str) or len(text) > 1024:
        raise ValueError(f"{name} is not a short text")
    return base64url.decode(text.encode("ascii"))


def _derive(shared: bytes, apu: bytes, apv: bytes) -> bytes:
    """Concat KDF of RFC 7518 section 4.6.2 for 256 bits: one round of SHA-256."""
    info = b"".join((_sized(ECDH.encode()), _sized(apu), _sized(apv))) if apu or apv else _NOBODY
    return hashlib.sha256(b"\0\0\0\1" + shared + info + _BITS).digest()


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


_BITS = (KEY_BYTES * 8).to_bytes(4, "big")
_NOBODY = _sized(ECDH.encode()) + _sized(b"") + _sized(b"")  # neither party names itself
