"""X.509 certificates (RFC 5280; SM2 ones by GM/T 0015): read once, then used from cached key objects."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import core, keys, pem, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway import clock
from gateway.security import signing
from gateway.security.signing import Kind, PublicKey
from gateway.security.sm2 import CURVE_OID, Sm2PublicKey

SM2_WITH_SM3 = "1.2.156.10197.1.501"
keys.NamedCurve.register("sm2p256v1", CURVE_OID, 32)  # asn1crypto must know how long its keys are
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_SIGNED_BY: dict[str, Kind] = {
    **dict.fromkeys(_RSA_HASHES, "rsa"),
    "1.2.840.10045.4.3.2": "ec",
    "1.3.101.112": "ed25519",
    SM2_WITH_SM3: "sm2",
}
_UNDERSTOOD = {"basic_constraints", "key_usage", "extended_key_usage", "subject_alt_name"}
_TLS_ONLY = {"server_auth", "client_auth"}
_ENCRYPTING = {"key_encipherment", "data_encipherment", "key_agreement"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """`thumbprint` is base64url(SHA-256(der)) without padding (`x5t#S256` of RFC 7515), the name by which
    every suite calls it; `serial_hex` has no leading zeros; times are aware.

    `may_sign`: key usage allows signatures, and it is not for TLS alone. `issuer_and_serial` is the DER by
    which CMS structures name it. Two certificates are equal when their bytes are.
    """

    der: bytes = field(repr=False)
    kind: Kind = field(compare=False)
    subject: str = field(compare=False)
    issuer: str = field(compare=False)
    serial_hex: str = field(compare=False)
    thumbprint: str = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    public_key: PublicKey = field(compare=False, repr=False)
    may_sign: bool = field(compare=False)
    may_encrypt: bool = field(compare=False)
    is_authority: bool = field(compare=False)
    subject_name: bytes = field(compare=False, repr=False)
    issuer_name: bytes = field(compare=False, repr=False)
    issuer_and_serial: bytes = field(compare=False, repr=False)
    signed_part: bytes = field(compare=False, repr=False)
    signature: bytes = field(compare=False, repr=False)
    signature_oid: str = field(compare=False, repr=False)

    def is_valid_at(self, at: datetime) -> bool:
        return self.not_before <= at <= self.not_after

    def is_issued_by(self, authority: Certificate) -> bool:
        """Is it signed by `authority`, which must be a CA by that name and with a fitting key?"""
        if not authority.is_authority or self.issuer_name != authority.subject_name:
            return False
        if _SIGNED_BY.get(self.signature_oid) != authority.kind:
            return False
        key = authority.public_key
        if isinstance(key, rsa.RSAPublicKey):
            try:
                key.verify(
                    self.signature, self.signed_part, padding.PKCS1v15(), _RSA_HASHES[self.signature_oid]
                )
            except InvalidSignature:
                return False
            return True
        return signing.is_signed(key, self.signature, self.signed_part)

    def verify_text(self, text: bytes, signature: bytes) -> bool:
        """Does `signature`, made by `Identity.sign_text`, hold over `text`? What the evidence log signs."""
        return signing.is_signed(self.public_key, signature, text)

    @property
    def pem(self) -> bytes:
        return bytes(pem.armor("CERTIFICATE", self.der))


def load_certificate(pem_or_der: bytes) -> Certificate:
    """Reads one certificate (of a PEM chain the first). ValueError says what cannot be used: a weak or
    unknown key, an unknown critical extension, bytes that are no certificate."""
    try:
        der = pem.unarmor(pem_or_der)[2] if pem.detect(pem_or_der) else pem_or_der
        parsed = x509.Certificate.load(der, strict=True)
        return _read(bytes(der), parsed)
    except (TypeError, KeyError, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a usable X.509 certificate: {error}") from error


def _read(der: bytes, parsed: x509.Certificate) -> Certificate:
    tbs = parsed["tbs_certificate"]
    unknown = set(parsed.critical_extensions) - _UNDERSTOOD
    if unknown:
        raise ValueError(
            f"the certificate has critical extensions that are not understood: {sorted(unknown)}"
        )
    public_key = _read_public_key(tbs["subject_public_key_info"])
    usage = set(parsed.key_usage_value.native) if parsed.key_usage_value is not None else None
    extended = parsed.extended_key_usage_value
    tls_only = extended is not None and set(extended.native) <= _TLS_ONLY
    limits = parsed.basic_constraints_value
    authority = limits is not None and bool(limits["ca"].native)
    issuer, serial = tbs["issuer"].dump(), tbs["serial_number"].dump()
    body = issuer + serial
    return Certificate(
        der=der,
        kind=signing.kind_of(public_key),
        subject=str(parsed.subject.human_friendly),
        issuer=str(parsed.issuer.human_friendly),
        serial_hex=f"{parsed.serial_number:x}",
        thumbprint=thumbprint_of(der),
        # In the zone of `clock.now()`: times of one zone object compare without asking the zone.
        not_before=parsed.not_valid_before.astimezone(clock.SHANGHAI),
        not_after=parsed.not_valid_after.astimezone(clock.SHANGHAI),
        public_key=public_key,
        may_sign=(usage is None or bool(usage & {"digital_signature", "non_repudiation"})) and not tls_only,
        may_encrypt=(usage is None or bool(usage & _ENCRYPTING)) and not tls_only,
        is_authority=authority and (usage is None or "key_cert_sign" in usage),
        subject_name=tbs["subject"].dump(),
        issuer_name=issuer,
        issuer_and_serial=core.Sequence(contents=body).dump(),
        signed_part=tbs.dump(),
        signature=bytes(parsed["signature_value"].native),
        signature_oid=parsed["signature_algorithm"]["algorithm"].dotted,
    )


def thumbprint_of(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode("ascii")


def is_sm2(algorithm: keys.PublicKeyAlgorithm | keys.PrivateKeyAlgorithm) -> bool:
    """id-ecPublicKey with the curve sm2p256v1."""
    return algorithm["algorithm"].native == "ec" and is_sm2_curve(algorithm["parameters"])


def is_sm2_curve(parameters: keys.ECDomainParameters | core.Void) -> bool:
    curve = parameters.chosen if isinstance(parameters, keys.ECDomainParameters) else None
    return isinstance(curve, core.ObjectIdentifier) and curve.dotted == CURVE_OID


def _read_public_key(info: keys.PublicKeyInfo) -> PublicKey:
    if is_sm2(info["algorithm"]):
        point = bytes(info["public_key"].native)
        if len(point) != 65 or point[0] != 4:
            raise ValueError("an SM2 public key is an uncompressed point")
        return Sm2PublicKey(point[1:])
    key = serialization.load_der_public_key(info.dump())
    signing.kind_of(key)  # type: ignore[arg-type]  # refuses what no suite uses
    return key  # type: ignore[return-value]
