"""HTTP message signatures (RFC 9421) for calls without a sealed body, with Content-Digest (RFC 9530).

We cover "@method", "@authority", "@path", "@query", "content-digest", and of the header fields those that
change what a call means. That survives a proxy which ends TLS and keeps Host: the scheme, and with it
"@target-uri", would not, but a caller may cover "@target-uri" instead of the three. Exactly one signature
a call; `created` is at most 60 seconds old; the nonce is the caller's to use once (whoever verifies keeps
the memory); `keyid` is the certificate's thumbprint; the algorithm is the key's, never the call's choice.

A call that comes at the wrong time is told the right one: `created` of a signature over the answer's "@status", under the
call's own nonce. An answer to HEAD has no body that could be sealed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.security import signing, structured
from gateway.security.certificate import Certificate
from gateway.security.identity import Identity
from gateway.security.refusals import SealError, StaleCall
from gateway.security.signing import Kind
from gateway.security.structured import InnerList, Parameter
from gateway.security.trust import Trust

MAX_AGE_S = 60
LABEL = "gateway"
# Header fields that change what a call means: where they are sent, the signature must cover them.
MEANING = ("content-digest", "content-range", "idempotency-key", "on-behalf-of")
_ALSO_COVERED = ("content-type",)
_PSS = "rsa-pss-sha512"
_ALGORITHMS: dict[Kind, tuple[str, ...]] = {
    "ec": ("ecdsa-p256-sha256",),
    "rsa": ("rsa-v1_5-sha256", _PSS),
    "ed25519": ("ed25519",),
    "sm2": ("sm2-sm3",),  # private: RFC 9421 has no SM2; the signature is r || s as for ECDSA
}
_KNOWN = {"created", "expires", "nonce", "keyid", "alg", "tag"}
_MAX_NONCE_CHARS = 128
_DEFAULT_PORT = {"http": 80, "https": 443}
_FULL = padding.PSS(padding.MGF1(hashes.SHA512()), 64)


@dataclass(frozen=True, slots=True)
class VerifiedCall:
    """Who called. `content_digest` is the header's value, None if the call has none; the body that arrives
    must be checked against it (`has_digest`), and a body without it must be refused."""

    platform: str
    nonce: str
    created: int
    content_digest: str | None
    certificate: Certificate


def sign_request(
    method: str,
    target_uri: str,
    headers: Mapping[str, str],
    body: bytes | str,
    identity: Identity,
    created: int,
    nonce: str,
) -> dict[str, str]:
    """The header fields to add: Content-Digest, Signature-Input, Signature.

    `target_uri` is absolute, as it will be sent; `headers` are those that will be sent, by any case of
    name; `body` is the whole body, b"" for none, or the Content-Digest value of one that is streamed;
    `created` in seconds; `nonce` fresh for each call.
    """
    added = {}
    digest = content_digest(body) if isinstance(body, bytes) else body
    if digest:
        added["Content-Digest"] = digest
    fields = {**_fields(headers), **_fields(added)}
    covered: tuple[str, ...] = ("@method", "@authority", "@path", "@query")
    covered += tuple(name for name in (*MEANING, *_ALSO_COVERED) if name in fields)
    given = _given(covered, identity, created, nonce)
    return added | _signed(given, _signature_base(given, method, target_uri, fields), identity)


def sign_time(status: int, identity: Identity, created: int, nonce: str) -> dict[str, str]:
    """The header fields of an answer with this status that tell the caller `created`, our time in seconds."""
    given = _given(("@status",), identity, created, nonce)
    return _signed(given, _status_base(given, status), identity)


def read_time(
    status: int, headers: Mapping[str, str], trust: Trust, node: str, nonce: str, at: datetime
) -> int | None:
    """The time in seconds that `node` told the caller who used `nonce`; None where the answer tells none under a
    signature that holds. `at`: for the certificate's own dates."""
    try:
        given, signature = _read(_fields(headers))
        created, said_nonce, keyid = _read_parameters(given)
        found = trust.find(keyid)
        if found is None or found[0] != node or said_nonce != nonce or given.items != ("@status",):
            return None
        trust.check_signer(found[1], node, at)
        base = _status_base(given, status)
        return created if _is_signed(found[1], given.parameters.get("alg"), signature, base) else None
    except (ValueError, SealError):
        return None


def verify_request(
    method: str, target_uri: str, headers: Mapping[str, str], trust: Trust, at: datetime
) -> VerifiedCall:
    """The platform that signed this call. SealError (20001) if nobody can be told to have done so;
    StaleCall (20005) if it is more than 60 seconds old, or that far in the future, or expired.

    `target_uri` is absolute, as the server sees it. Still to be done by the caller: use up the nonce, and
    check the body against `content_digest`.
    """
    try:
        fields = _fields(headers)
        given, signature = _read(fields)
        created, nonce, keyid = _read_parameters(given)
        found = trust.find(keyid)
        if found is None:
            raise ValueError("the certificate that signed is not registered")
        platform, certificate = found
        _check_covered(given.items, fields)
        base = _signature_base(given, method, target_uri, fields)
        if not _is_signed(certificate, given.parameters.get("alg"), signature, base):
            raise ValueError("the signature does not hold")
    except ValueError as error:
        raise SealError(str(error)) from error
    trust.check_signer(certificate, platform, at)
    expires = given.parameters.get("expires", created + MAX_AGE_S)
    if abs(at.timestamp() - created) > MAX_AGE_S or at.timestamp() > int(expires):
        raise StaleCall(at, platform, nonce)
    return VerifiedCall(platform, nonce, created, fields.get("content-digest"), certificate)


def _given(covered: tuple[str, ...], identity: Identity, created: int, nonce: str) -> InnerList:
    certificate = identity.sign_cert
    parameters: dict[str, Parameter] = {
        "created": created,
        "nonce": nonce,
        "keyid": certificate.thumbprint,
        "alg": _ALGORITHMS[certificate.kind][0],
    }
    return InnerList(covered, parameters, structured.write_list(covered, parameters))


def _signed(given: InnerList, base: bytes, identity: Identity) -> dict[str, str]:
    signature = identity.sign_text(base)
    if identity.sign_cert.kind in ("ec", "sm2"):
        signature = signing.as_pair(signature)
    return {
        "Signature-Input": f"{LABEL}={given.text}",
        "Signature": f"{LABEL}={structured.write_bytes(signature)}",
    }


def _status_base(given: InnerList, status: int) -> bytes:
    return f'"@status": {status}\n"@signature-params": {given.text}'.encode()


def content_digest(body: bytes) -> str:
    """The Content-Digest of a body by SHA-256 (RFC 9530); "" for an empty one."""
    if not body:
        return ""
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii") + ":"


def has_digest(value: str | None, body: bytes) -> bool:
    """Is `body` what the Content-Digest says? Only sha-256 counts; an empty body may go without."""
    if not value:
        return not body
    try:
        named = structured.read_byte_sequences(value)
    except ValueError:
        return False
    return named.get("sha-256") == hashlib.sha256(body).digest()


def _fields(headers: Mapping[str, str]) -> dict[str, str]:
    """By lower-case name; several of one name are joined as RFC 9421 section 2.1 says."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        name, value = name.lower(), value.strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _read(fields: Mapping[str, str]) -> tuple[InnerList, bytes]:
    if "signature" not in fields or "signature-input" not in fields:
        raise ValueError("the call is not signed")
    inputs = structured.read_lists(fields["signature-input"])
    signatures = structured.read_byte_sequences(fields["signature"])
    if len(inputs) != 1 or inputs.keys() != signatures.keys():
        raise ValueError("exactly one signature with its input is accepted")
    (label,) = inputs
    return inputs[label], signatures[label]


def _read_parameters(given: InnerList) -> tuple[int, str, str]:
    """(created, nonce, keyid)."""
    parameters = given.parameters
    created, nonce, keyid = (parameters.get(name) for name in ("created", "nonce", "keyid"))
    if parameters.keys() - _KNOWN:
        raise ValueError("a signature parameter is not known")
    if not isinstance(created, int) or not isinstance(parameters.get("expires", 0), int):
        raise ValueError("created and expires are times in seconds")
    if not isinstance(nonce, str) or not 0 < len(nonce) <= _MAX_NONCE_CHARS:
        raise ValueError("a nonce of 1 to 128 characters is needed")
    if not isinstance(keyid, str):
        raise ValueError("keyid is missing")
    return created, nonce, keyid


def _check_covered(items: tuple[str, ...], fields: Mapping[str, str]) -> None:
    covered = set(items)
    if len(covered) != len(items):
        raise ValueError("a component is covered twice")
    whole = "@target-uri" in covered or {"@authority", "@path", "@query"} <= covered
    if "@method" not in covered or not whole:
        raise ValueError("method and target must be covered")
    for name in MEANING:
        if name in fields and name not in covered:
            raise ValueError(f"{name} is sent but not covered")


def _signature_base(given: InnerList, method: str, target_uri: str, fields: Mapping[str, str]) -> bytes:
    """RFC 9421 section 2.5. ValueError for a component that is not known or not there."""
    target = urlsplit(target_uri)
    lines = []
    for name in given.items:
        if name == "@method":
            value = method
        elif name == "@target-uri":
            value = target_uri
        elif name in _DERIVED:
            value = _DERIVED[name](target)
        elif name in fields and not name.startswith("@"):
            value = fields[name]
        else:
            raise ValueError(f"the component {name} is covered, but it is not there or not known")
        if "\n" in value or "\r" in value:
            raise ValueError("a component spans several lines")
        lines.append(f'"{name}": {value}')
    lines.append(f'"@signature-params": {given.text}')
    return "\n".join(lines).encode("utf-8")


def _authority(target: SplitResult) -> str:
    """Host and port, lower case, without the scheme's default port (RFC 9421 section 2.2.3)."""
    host = (target.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = target.port
    return host if port in (None, _DEFAULT_PORT.get(target.scheme.lower())) else f"{host}:{port}"


_DERIVED: dict[str, Callable[[SplitResult], str]] = {
    "@authority": _authority,
    "@path": lambda target: target.path or "/",
    "@query": lambda target: "?" + target.query,
}


def _is_signed(certificate: Certificate, algorithm: Parameter | None, signature: bytes, base: bytes) -> bool:
    fitting = _ALGORITHMS[certificate.kind]
    if algorithm is not None and algorithm not in fitting:
        raise ValueError("the algorithm is not one of the signer's key")
    key = certificate.public_key
    if algorithm == _PSS and isinstance(key, rsa.RSAPublicKey):
        try:
            key.verify(signature, base, _FULL, hashes.SHA512())
        except InvalidSignature:
            return False
        return True
    if certificate.kind in ("ec", "sm2"):
        signature = signing.from_pair(signature)
    return signing.is_signed(key, signature, base)
