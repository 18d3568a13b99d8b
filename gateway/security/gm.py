"""The suite gm: GB/T 35275 signedData inside envelopedData, with SM2, SM3 and SM4, in DER.

Inside: SM2 with SM3 (user id 1234567812345678) over the signed attributes: content type, SM3 digest,
signing time, and the claims as JSON. Outside: SM4-CBC with a random IV under a key that is encrypted by SM2
(GM/T 0009); or authEnvelopedData with SM4-GCM for a partner that is configured so.

CBC has no tag, so nothing here may tell how a changed ciphertext decrypted. The padding is therefore not
removed first: the structure says by itself where it ends, and the padding is judged last, after the
signature; where the structure or the key fails, the time of a verification is spent all the same.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.digests import sm3
from gateway.message import Claims
from gateway.security import der, gmcms, sm2
from gateway.security.aead import NONCE_BYTES, Sm4Gcm
from gateway.security.certificate import Certificate, thumbprint_of
from gateway.security.claimset import check_members, claims_as_members, read_claims, read_object
from gateway.security.gmcms import Envelope, Signed
from gateway.security.identity import Identity, Recipients, as_identities
from gateway.security.sm2 import Sm2PrivateKey, Sm2PublicKey
from gateway.security.suite import (
    MAX_PAYLOAD_BYTES,
    Peer,
    SealError,
    Unsealed,
    check_size,
    suites,
)
from gateway.security.trust import Trust

CBC = "SM4-CBC"
GCM = "SM4-GCM"
SIGNATURE = "SM2-SM3"
_BLOCK = 16
_KEY_BYTES = 16
_MAX_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024
_MAX_CLAIMS_BYTES = 4096
# A partner's signing device sets this time by its own clock; the time that counts is iat.
_SIGNING_TIME_SLACK_S = 60
_SPARE = sm2.generate()
_SPARE_SIGNATURE = _SPARE.sign(b"")


class Gm:
    """SM2-SM3 signatures; SM4-CBC, or SM4-GCM where the peer's algorithms say so; keys of kind sm2 only."""

    name = "gm"
    content_type = "application/pkcs7-mime"

    def seal(self, payload: bytes, claims: Claims, signer: Identity, peer: Peer) -> bytes:
        check_size(payload)
        if peer.algorithms.get("sign", SIGNATURE) != SIGNATURE:
            raise ValueError(f"gm signs by {SIGNATURE} only")
        return _encrypt(_sign(payload, claims, signer), peer)

    def unseal(self, data: bytes, recipient: Recipients, trust: Trust, at: datetime) -> Unsealed:
        try:
            if len(data) > _MAX_BYTES:
                raise ValueError("the envelope is too large")
            envelope = gmcms.read_envelope(data)
            identity, encrypted_key = _find_recipient(envelope, recipient)
            plain = _decrypt(envelope, identity, encrypted_key)
            return _verify(plain, envelope, trust, at)
        except (ValueError, InvalidTag) as error:
            raise SealError(str(error) or type(error).__name__) from error


def _sign(payload: bytes, claims: Claims, signer: Identity) -> bytes:
    if signer.sign_cert.kind != "sm2":
        raise ValueError("gm signs by SM2 keys only")
    members = claims_as_members(claims)
    check_members(members)
    text = json.dumps(members, separators=(",", ":")).encode("ascii")
    attributes = gmcms.write_attributes(
        {
            gmcms.CONTENT_TYPE: gmcms.DATA,
            gmcms.MESSAGE_DIGEST: der.write(der.OCTETS, sm3(payload)),
            gmcms.SIGNING_TIME: _write_time(claims.issued_at),
            gmcms.CLAIMS: der.write(der.OCTETS, text),
        }
    )
    certificate = signer.sign_cert
    signature = signer.sign_text(attributes)
    return gmcms.write_signed(payload, certificate.der, certificate.issuer_and_serial, attributes, signature)


def _encrypt(signed: bytes, peer: Peer) -> bytes:
    certificate, cipher = peer.encrypt_cert, peer.algorithms.get("encrypt", CBC)
    if not isinstance(certificate.public_key, Sm2PublicKey):
        raise ValueError("gm encrypts to SM2 certificates only")
    key = secrets.token_bytes(_KEY_BYTES)
    encrypted_key = certificate.public_key.encrypt(key)
    if cipher == GCM:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = Sm4Gcm(key).encrypt(nonce, signed, None)
        return gmcms.write_auth_envelope(certificate.issuer_and_serial, encrypted_key, nonce, sealed)
    if cipher != CBC:
        raise ValueError(f"gm encrypts by {CBC} or {GCM}, not by {cipher}")
    iv = secrets.token_bytes(_BLOCK)
    size = _BLOCK - len(signed) % _BLOCK
    encryptor = Cipher(algorithms.SM4(key), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(signed + bytes((size,)) * size) + encryptor.finalize()
    return gmcms.write_envelope(certificate.issuer_and_serial, encrypted_key, iv, sealed)


def _find_recipient(envelope: Envelope, recipient: Recipients) -> tuple[Identity, bytes]:
    """By the issuer and serial number of the certificate that was encrypted to."""
    for identity in as_identities(recipient):
        for issuer_and_serial, encrypted_key in envelope.keys:
            if issuer_and_serial == identity.decrypt_cert.issuer_and_serial:
                return identity, encrypted_key
    raise ValueError("the envelope is for another certificate")


def _decrypt(envelope: Envelope, identity: Identity, encrypted_key: bytes) -> bytes:
    """The plain bytes, of CBC still with their padding."""
    if not isinstance(identity.decrypt_key, Sm2PrivateKey):
        raise ValueError("the envelope is for a certificate that is not SM2")
    key = _open_key(identity.decrypt_key, encrypted_key)
    if envelope.is_gcm:
        if len(envelope.parameter) != NONCE_BYTES:
            raise ValueError("the nonce has a wrong length")
        return Sm4Gcm(key).decrypt(envelope.parameter, envelope.cipher, None)
    if len(envelope.parameter) != _BLOCK or not envelope.cipher or len(envelope.cipher) % _BLOCK:
        raise ValueError("the ciphertext is not whole blocks")
    decryptor = Cipher(algorithms.SM4(key), modes.CBC(envelope.parameter)).decryptor()
    return decryptor.update(envelope.cipher) + decryptor.finalize()


def _open_key(private: Sm2PrivateKey, encrypted_key: bytes) -> bytes:
    """The content key, or a random one if it cannot be opened, so that both fail alike later."""
    spare = secrets.token_bytes(_KEY_BYTES)
    try:
        key = private.decrypt(encrypted_key)
    except ValueError:
        return spare
    return key if len(key) == _KEY_BYTES else spare


def _verify(plain: bytes, envelope: Envelope, trust: Trust, at: datetime) -> Unsealed:
    try:
        signed = _read(plain, envelope.content_type)
        certificate = _find_signer(signed, trust)
    except ValueError:
        _SPARE.public_key.is_signed(_SPARE_SIGNATURE, b"")
        raise
    key = certificate.public_key
    if not isinstance(key, Sm2PublicKey) or not key.is_signed(signed.signature, signed.signed_part):
        raise ValueError("the signature does not hold")
    claims = _read_attributes(signed)
    trust.check_signer(certificate, claims.sender, at)
    rest = (
        b"" if envelope.is_gcm else bytes((_BLOCK - signed.size % _BLOCK,)) * (_BLOCK - signed.size % _BLOCK)
    )
    if plain[signed.size :] != rest:
        raise ValueError("something follows the signed structure")
    return Unsealed(signed.content, claims, certificate)


def _read(plain: bytes, content_type: bytes) -> Signed:
    """The signedData inside; both ways of naming it are in use: as data, and as what it is."""
    if content_type not in (gmcms.DATA, gmcms.SIGNED_DATA):
        raise ValueError("what is inside is not signedData")
    signed = gmcms.read_signed(plain, wrapped=content_type == gmcms.DATA)
    if len(signed.content) > MAX_PAYLOAD_BYTES:
        raise ValueError("the payload is too large")
    return signed


def _find_signer(signed: Signed, trust: Trust) -> Certificate:
    if signed.certificate:
        found = trust.find(thumbprint_of(signed.certificate))
    else:
        found = trust.find_issued(signed.issuer_and_serial)
    if found is None or found[1].issuer_and_serial != signed.issuer_and_serial:
        raise ValueError("the certificate that signed is not registered")
    return found[1]


def _read_attributes(signed: Signed) -> Claims:
    """The claims, after the other attributes agreed with content and claims."""
    attributes = signed.attributes
    if attributes.get(gmcms.CONTENT_TYPE) != gmcms.DATA:
        raise ValueError("the signed content type is not data")
    if attributes.get(gmcms.MESSAGE_DIGEST) != der.write(der.OCTETS, sm3(signed.content)):
        raise ValueError("the content is not what was signed")
    text = der.Reader(attributes.get(gmcms.CLAIMS, b"")).contents(der.OCTETS)
    if len(text) > _MAX_CLAIMS_BYTES:
        raise ValueError("the claims are too large")
    claims = read_claims(read_object(text))
    if abs(_read_time(attributes.get(gmcms.SIGNING_TIME, b"")) - claims.issued_at) > _SIGNING_TIME_SLACK_S:
        raise ValueError("the signing time is not the time of the claims")
    return claims


def _write_time(seconds: int) -> bytes:
    """UTCTime up to 2049, then GeneralizedTime (RFC 5652 section 11.3)."""
    moment = datetime.fromtimestamp(seconds, UTC)
    if moment.year < 2050:
        return der.write(der.UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode("ascii"))
    return der.write(der.GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def _read_time(element: bytes) -> int:
    reader = der.Reader(element)
    general = reader.peek() == der.GENERALIZED_TIME
    text = reader.contents(der.GENERALIZED_TIME if general else der.UTC_TIME).decode("ascii")
    moment = datetime.strptime(text if general else f"20{text}", "%Y%m%d%H%M%SZ")
    return int(moment.replace(tzinfo=UTC).timestamp())


gm = suites.add("gm", Gm())
