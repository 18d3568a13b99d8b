"""The structures of GB/T 35275 (GM/T 0010) as DER: signedData and envelopedData, and RFC 5083's envelope.

    ContentInfo     SEQUENCE { contentType, [0] content }
    SignedData      SEQUENCE { version, SET digestAlgorithms, ContentInfo, [0] certificates?, [1] crls?,
                               SET { SignerInfo } }
    SignerInfo      SEQUENCE { version, IssuerAndSerialNumber, digestAlgorithm, [0] attributes,
                               signatureAlgorithm, OCTET STRING signature, [1] unsigned attributes? }
    EnvelopedData   SEQUENCE { version, SET { RecipientInfo }, EncryptedContentInfo }
    RecipientInfo   SEQUENCE { version, IssuerAndSerialNumber, keyAlgorithm, OCTET STRING key }
    EncryptedContentInfo  SEQUENCE { contentType, cipher, [0] OCTET STRING }

Written is one signer with its certificate and one recipient. Read is what others write too: several
recipients, no certificate, either of two usual object identifiers. Nothing here decrypts or verifies.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.security import der
from gateway.security.der import Reader, write, write_oid

DATA = write_oid("1.2.156.10197.6.1.4.2.1")
SIGNED_DATA = write_oid("1.2.156.10197.6.1.4.2.2")
ENVELOPED_DATA = write_oid("1.2.156.10197.6.1.4.2.3")
AUTH_ENVELOPED_DATA = write_oid("1.2.840.113549.1.9.16.1.23")  # RFC 5083: GB/T 35275 has none of its own
SM3 = write_oid("1.2.156.10197.1.401")
SM2_WITH_SM3 = write_oid("1.2.156.10197.1.501")
SM2_SIGN = write_oid("1.2.156.10197.1.301.1")
SM2 = write_oid("1.2.156.10197.1.301")
SM2_ENCRYPT = write_oid("1.2.156.10197.1.301.3")
SM4 = write_oid("1.2.156.10197.1.104")
SM4_CBC = write_oid("1.2.156.10197.1.104.2")
SM4_GCM = write_oid("1.2.156.10197.1.104.8")
CONTENT_TYPE = write_oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = write_oid("1.2.840.113549.1.9.4")
SIGNING_TIME = write_oid("1.2.840.113549.1.9.5")
# The attribute with the claims, under the arc of UUIDs (ITU-T X.667), which needs no registration:
# 7c0a5f4e-2d1b-4c6e-9f38-6b7d10e2a491.
CLAIMS = write_oid("2.25.164878127468583766917223695240399070353")

_SM3_ALGORITHM = write(der.SEQUENCE, SM3)
_SIGNATURE_ALGORITHM = write(der.SEQUENCE, SM2_WITH_SM3)
_KEY_ALGORITHM = write(der.SEQUENCE, SM2_ENCRYPT)
_VERSION_0 = der.write_integer(0)
_VERSION_1 = der.write_integer(1)
_GCM_TAG_SIZE = der.write_integer(16)
_TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as read. `keys` are (IssuerAndSerialNumber, encrypted key); `parameter` is the IV or
    nonce; `cipher` is the ciphertext, of GCM with the tag behind; `is_gcm` which of the two it is;
    `content_type` the object identifier of what is inside."""

    keys: tuple[tuple[bytes, bytes], ...]
    is_gcm: bool
    parameter: bytes
    cipher: bytes
    content_type: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A signedData as read. `certificate` is the one inside, b"" if none; `signed_part` the bytes that the
    signature covers: the attributes as a SET. `size` is the length of the whole structure."""

    content: bytes
    certificate: bytes
    issuer_and_serial: bytes
    attributes: dict[bytes, bytes]
    signed_part: bytes
    signature: bytes
    size: int


def write_attributes(values: dict[bytes, bytes]) -> bytes:
    """The SET of signed attributes; keys are DER object identifiers, values DER."""
    return der.write_set([write(der.SEQUENCE, oid, write(der.SET, value)) for oid, value in values.items()])


def write_signed(
    content: bytes, certificate: bytes, issuer_and_serial: bytes, attributes: bytes, signature: bytes
) -> bytes:
    """A ContentInfo with signedData."""
    signer = write(
        der.SEQUENCE, _VERSION_1, issuer_and_serial, _SM3_ALGORITHM,
        bytes((der.CONTEXT_0_BUILT,)) + attributes[1:], _SIGNATURE_ALGORITHM, write(der.OCTETS, signature),
    )  # fmt: skip
    inner = write(der.SEQUENCE, DATA, write(der.CONTEXT_0_BUILT, write(der.OCTETS, content)))
    signed = write(
        der.SEQUENCE, _VERSION_1, write(der.SET, _SM3_ALGORITHM), inner,
        write(der.CONTEXT_0_BUILT, certificate), write(der.SET, signer),
    )  # fmt: skip
    return write(der.SEQUENCE, SIGNED_DATA, write(der.CONTEXT_0_BUILT, signed))


def write_envelope(issuer_and_serial: bytes, key: bytes, iv: bytes, cipher: bytes) -> bytes:
    """A ContentInfo with envelopedData: SM4-CBC around data."""
    algorithm = write(der.SEQUENCE, SM4_CBC, write(der.OCTETS, iv))
    inner = write(der.SEQUENCE, DATA, algorithm, write(der.CONTEXT_0, cipher))
    enveloped = write(der.SEQUENCE, _VERSION_1, _recipients(_VERSION_1, issuer_and_serial, key), inner)
    return write(der.SEQUENCE, ENVELOPED_DATA, write(der.CONTEXT_0_BUILT, enveloped))


def write_auth_envelope(issuer_and_serial: bytes, key: bytes, nonce: bytes, cipher: bytes) -> bytes:
    """A ContentInfo with authEnvelopedData: SM4-GCM; `cipher` has its tag behind."""
    parameters = write(der.SEQUENCE, write(der.OCTETS, nonce), _GCM_TAG_SIZE)
    algorithm = write(der.SEQUENCE, SM4_GCM, parameters)
    inner = write(der.SEQUENCE, DATA, algorithm, write(der.CONTEXT_0, cipher[:-_TAG_BYTES]))
    recipients = _recipients(_VERSION_0, issuer_and_serial, key)
    enveloped = write(der.SEQUENCE, _VERSION_0, recipients, inner, write(der.OCTETS, cipher[-_TAG_BYTES:]))
    return write(der.SEQUENCE, AUTH_ENVELOPED_DATA, write(der.CONTEXT_0_BUILT, enveloped))


def _recipients(version: bytes, issuer_and_serial: bytes, key: bytes) -> bytes:
    recipient = write(der.SEQUENCE, version, issuer_and_serial, _KEY_ALGORITHM, write(der.OCTETS, key))
    return write(der.SET, recipient)


def read_envelope(data: bytes) -> Envelope:
    """ValueError if it is neither of the two envelopes."""
    outer = Reader(data)
    info = outer.enter(der.SEQUENCE)
    outer.finish()
    kind = info.element(der.OID)
    if kind not in (ENVELOPED_DATA, AUTH_ENVELOPED_DATA):
        raise ValueError("not an envelope")
    wrapped = info.enter(der.CONTEXT_0_BUILT)
    info.finish()
    body = wrapped.enter(der.SEQUENCE)
    wrapped.finish()
    body.small_integer()
    keys = _read_recipients(body.enter(der.SET))
    inner = body.enter(der.SEQUENCE)
    content_type, algorithm = inner.element(der.OID), inner.enter(der.SEQUENCE)
    cipher = inner.contents(der.CONTEXT_0)
    inner.finish()
    is_gcm = kind == AUTH_ENVELOPED_DATA
    parameter = _read_gcm(algorithm) if is_gcm else _read_cbc(algorithm)
    if is_gcm:
        tag = body.contents(der.OCTETS)
        if len(tag) != _TAG_BYTES:
            raise ValueError("the tag is not 16 bytes")
        cipher += tag
    body.finish()
    return Envelope(keys, is_gcm, parameter, cipher, content_type)


def _read_recipients(infos: Reader) -> tuple[tuple[bytes, bytes], ...]:
    keys = []
    while infos.peek() != -1:
        info = infos.enter(der.SEQUENCE)
        info.small_integer()
        issuer_and_serial = info.element(der.SEQUENCE)
        algorithm = info.enter(der.SEQUENCE)
        fits = algorithm.element(der.OID) in (SM2_ENCRYPT, SM2)
        key = info.contents(der.OCTETS)
        info.finish()
        if fits:
            keys.append((issuer_and_serial, key))
    return tuple(keys)


def _read_cbc(algorithm: Reader) -> bytes:
    if algorithm.element(der.OID) not in (SM4_CBC, SM4):
        raise ValueError("the content is not encrypted by SM4-CBC")
    iv = algorithm.contents(der.OCTETS)
    algorithm.finish()
    return iv


def _read_gcm(algorithm: Reader) -> bytes:
    if algorithm.element(der.OID) != SM4_GCM:
        raise ValueError("the content is not encrypted by SM4-GCM")
    parameters = algorithm.enter(der.SEQUENCE)
    algorithm.finish()
    nonce = parameters.contents(der.OCTETS)
    if parameters.small_integer() != _TAG_BYTES:
        raise ValueError("the tag is not 16 bytes")
    parameters.finish()
    return nonce


def read_signed(data: bytes, *, wrapped: bool) -> Signed:
    """The signedData at the start of `data`: a ContentInfo if `wrapped`, else the bare SignedData. What
    follows it is not read. ValueError for any other structure, or more than one signer."""
    outer = Reader(data)
    body = outer.enter(der.SEQUENCE)
    if wrapped:
        if body.element(der.OID) != SIGNED_DATA:
            raise ValueError("not signedData")
        holder = body.enter(der.CONTEXT_0_BUILT)
        body.finish()
        body = holder.enter(der.SEQUENCE)
        holder.finish()
    body.small_integer()
    body.contents(der.SET)
    inner = body.enter(der.SEQUENCE)
    if inner.element(der.OID) != DATA:
        raise ValueError("what is signed is not data")
    explicit = inner.enter(der.CONTEXT_0_BUILT)
    inner.finish()
    content = explicit.contents(der.OCTETS)
    explicit.finish()
    certificate = b""
    if body.peek() == der.CONTEXT_0_BUILT:
        certificates = body.enter(der.CONTEXT_0_BUILT)
        certificate = certificates.element(der.SEQUENCE)
        certificates.finish()
    if body.peek() == der.CONTEXT_1_BUILT:
        body.contents(der.CONTEXT_1_BUILT)
    signers = body.enter(der.SET)
    body.finish()
    signer = signers.enter(der.SEQUENCE)
    signers.finish()
    return _read_signer(signer, content, certificate, outer.at)


def _read_signer(signer: Reader, content: bytes, certificate: bytes, size: int) -> Signed:
    signer.small_integer()
    issuer_and_serial = signer.element(der.SEQUENCE)
    if signer.enter(der.SEQUENCE).element(der.OID) != SM3:
        raise ValueError("the digest is not SM3")
    attributes = signer.element(der.CONTEXT_0_BUILT)
    if signer.enter(der.SEQUENCE).element(der.OID) not in (SM2_WITH_SM3, SM2_SIGN):
        raise ValueError("the signature is not SM2")
    signature = signer.contents(der.OCTETS)
    if signer.peek() == der.CONTEXT_1_BUILT:
        signer.contents(der.CONTEXT_1_BUILT)
    signer.finish()
    signed_part = bytes((der.SET,)) + attributes[1:]
    return Signed(
        content, certificate, issuer_and_serial, _read_attributes(signed_part), signed_part, signature, size
    )


def _read_attributes(signed_part: bytes) -> dict[bytes, bytes]:
    """By object identifier; each once, each with one value."""
    found: dict[bytes, bytes] = {}
    attributes = Reader(signed_part).enter(der.SET)
    while attributes.peek() != -1:
        attribute = attributes.enter(der.SEQUENCE)
        oid, values = attribute.element(der.OID), attribute.enter(der.SET)
        attribute.finish()
        if oid in found:
            raise ValueError("a signed attribute stands twice")
        found[oid] = values.element(values.peek())
        values.finish()
    return found
