"""The suite jose: a compact JWE (RFC 7516) around a compact JWS (RFC 7515) around the payload's bytes.

Built on primitives: of an EC seal and unseal joserfc takes about twice the primitives' time (it stands as
the second opinion in the tests). Accepted is exactly what `seal` makes: one algorithm a key kind, the key
by its certificate's thumbprint. `crit`, `zip`, `b64` and keys or certificates inside the token are refused,
other members that are not known are ignored as the RFCs ask; duplicate members are refused.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.message import Claims
from gateway.security import base64url, keywrap, signing
from gateway.security.certificate import Certificate
from gateway.security.claimset import check_members, claims_as_members, read_claims, read_object
from gateway.security.identity import Identity, Recipients, as_identities
from gateway.security.signing import Kind
from gateway.security.suite import (
    MAX_PAYLOAD_BYTES,
    Peer,
    SealError,
    Unsealed,
    check_size,
    suites,
)
from gateway.security.trust import Trust

SIGNATURE_OF: dict[Kind, str] = {"ec": "ES256", "rsa": "RS256", "ed25519": "EdDSA"}
CONTENT_CIPHER = "A256GCM"
NESTED = "jose"
_REFUSED = frozenset({"crit", "zip", "b64", "jwk", "jku", "x5c", "x5u"})
_MAX_HEADER_CHARS = 4096
_MAX_CHARS = (MAX_PAYLOAD_BYTES + 8192) * 16 // 9 + 8192
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Jose:
    """ES256, RS256 or EdDSA by the signer's key; ECDH-ES+A256KW or RSA-OAEP-256 by the receiver's; A256GCM."""

    name = "jose"
    content_type = "application/jose"

    def seal(self, payload: bytes, claims: Claims, signer: Identity, peer: Peer) -> bytes:
        check_size(payload)
        token = _sign(payload, claims, signer, peer.algorithms.get("sign"))
        return _encrypt(token, peer)

    def unseal(self, data: bytes, recipient: Recipients, trust: Trust, at: datetime) -> Unsealed:
        try:
            token = _decrypt(data, recipient)
            return _verify(token, trust, at)
        except (ValueError, InvalidTag) as error:
            raise SealError(str(error) or type(error).__name__) from error


def _sign(payload: bytes, claims: Claims, signer: Identity, wanted: str | None) -> bytes:
    kind = signer.sign_cert.kind
    algorithm = SIGNATURE_OF.get(kind)
    if algorithm is None or wanted not in (None, algorithm):
        raise ValueError(f"a key of kind {kind} signs by {algorithm}, not by {wanted}")
    header = {"alg": algorithm, "kid": signer.sign_cert.thumbprint, **claims_as_members(claims)}
    check_members(header)
    signed = _write_header(header) + b"." + base64url.encode(payload)
    signature = signer.sign_text(signed)
    if kind == "ec":
        signature = signing.as_pair(signature)
    return signed + b"." + base64url.encode(signature)


def _encrypt(token: bytes, peer: Peer) -> bytes:
    key = peer.encrypt_cert.public_key
    algorithm = keywrap.algorithm_for(key, peer.algorithms.get("encrypt"))
    fresh = os.urandom(keywrap.KEY_BYTES + _NONCE_BYTES)
    content_key, nonce = fresh[: keywrap.KEY_BYTES], fresh[keywrap.KEY_BYTES :]
    more, wrapped = keywrap.wrap(key, content_key)
    kid = peer.encrypt_cert.thumbprint
    header = _write_header({"alg": algorithm, "enc": CONTENT_CIPHER, "kid": kid, "cty": NESTED, **more})
    sealed = AESGCM(content_key).encrypt(nonce, token, header)
    parts = (wrapped, nonce, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:])
    return b".".join((header, *map(base64url.encode, parts)))


def _decrypt(data: bytes, recipient: Recipients) -> bytes:
    if len(data) > _MAX_CHARS:
        raise ValueError("the token is too large")
    parts = data.split(b".", 5)
    if len(parts) != 5:
        raise ValueError("not a compact JWE")
    header = _read_header(parts[0])
    if header.get("enc") != CONTENT_CIPHER:
        raise ValueError("the content is not encrypted by A256GCM")
    identity = _find_recipient(header, recipient)
    wrapped, nonce, cipher, tag = map(base64url.decode, parts[1:])
    if len(nonce) != _NONCE_BYTES or len(tag) != _TAG_BYTES:
        raise ValueError("the nonce or tag has a wrong length")
    content_key = keywrap.unwrap(identity.decrypt_key, header, wrapped)
    return AESGCM(content_key).decrypt(nonce, cipher + tag, parts[0])


def _find_recipient(header: dict[str, Any], recipient: Recipients) -> Identity:
    """By `kid`, the thumbprint of the certificate that was encrypted to; a token without it is for the only
    identity there is."""
    identities = as_identities(recipient)
    kid = header.get("kid")
    if kid is None and len(identities) == 1:
        return identities[0]
    for identity in identities:
        if identity.decrypt_cert.thumbprint == kid:
            return identity
    raise ValueError("the token is encrypted to another certificate")


def _verify(token: bytes, trust: Trust, at: datetime) -> Unsealed:
    parts = token.split(b".", 3)
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    header = _read_header(parts[0])
    kid = header.get("kid")
    found = trust.find(kid) if isinstance(kid, str) else None
    if found is None:
        raise ValueError("the certificate that signed is not registered")
    certificate = found[1]
    signature = base64url.decode(parts[2])
    if not _is_signed(certificate, header.get("alg"), signature, parts[0] + b"." + parts[1]):
        raise ValueError("the signature does not hold")
    claims = read_claims(header)
    trust.check_signer(certificate, claims.sender, at)
    payload = base64url.decode(parts[1])
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError("the payload is too large")
    return Unsealed(payload, claims, certificate)


def _is_signed(certificate: Certificate, algorithm: Any, signature: bytes, signed: bytes) -> bool:
    """The algorithm is the key's, never the token's choice."""
    fitting = SIGNATURE_OF.get(certificate.kind)
    if fitting is None or algorithm != fitting:
        raise ValueError("the signature algorithm is not the one of the signer's key")
    if certificate.kind == "ec":
        signature = signing.from_pair(signature)
    return signing.is_signed(certificate.public_key, signature, signed)


def _write_header(header: dict[str, Any]) -> bytes:
    return base64url.encode(orjson.dumps(header))


def _read_header(text: bytes) -> dict[str, Any]:
    if len(text) > _MAX_HEADER_CHARS:
        raise ValueError("the header is too large")
    header = read_object(base64url.decode(text))
    if not _REFUSED.isdisjoint(header):
        raise ValueError(f"header members are refused: {sorted(_REFUSED.intersection(header))}")
    return header


jose = suites.add("jose", Jose())
