"""Decrypting the Body of a sealed SOAP message (XML Encryption 1.1: AES-256-GCM, RSA-OAEP with SHA-256).

The key is in an EncryptedKey in the Security header, as WS-Security writes it, or inside the EncryptedData,
as XML Encryption does alone. External references (CipherReference) are refused.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from gateway import xmltree
from gateway.security import wssnames as n
from gateway.security.identity import Identity, Recipients, as_identities
from gateway.security.wssparts import Parts, decode, only

KEY_BYTES = 32
NONCE_BYTES = 12
# SHA-1 only makes the mask here, as this algorithm's name fixes it; collisions do not matter for that.
OAEP_MGF1P = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), None)
_OAEP11 = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def decrypt(root: etree._Element, parts: Parts, recipient: Recipients, *, max_bytes: int) -> etree._Element:
    """The whole envelope, read anew, with the Body's plain content where its EncryptedData stood.

    ValueError if there is not exactly one EncryptedData, as the Body's only child; InvalidTag if the
    content or its key was changed; MessageError if what was inside is no XML.
    """
    encrypted = only(parts.body, n.ENCRYPTED_DATA)
    everywhere = sum(1 for _ in root.iter(n.ENCRYPTED_DATA))
    if everywhere != 1 or len(parts.body) != 1 or (parts.body.text or encrypted.tail or "").strip():
        raise ValueError("exactly one EncryptedData is expected, alone in the Body")
    if encrypted.get("Type") != n.CONTENT or _algorithm(encrypted).get("Algorithm") != n.AES256_GCM:
        raise ValueError("the Body's content must be encrypted by AES-256-GCM")
    key = _open_key(_find_key(encrypted, parts), recipient)
    cipher = _cipher(encrypted)
    content = AESGCM(key).decrypt(cipher[:NONCE_BYTES], cipher[NONCE_BYTES:], None)
    # The marker cannot be known to whoever wrote the message, so it stands exactly where we put it.
    marker = secrets.token_hex(16)
    parts.body.text = f"{parts.body.text or ''}{marker}{encrypted.tail or ''}"
    parts.body.remove(encrypted)
    text = etree.tostring(root, encoding="utf-8").replace(marker.encode("ascii"), content, 1)
    return xmltree.parse(text, max_bytes=max_bytes, encoding="utf-8")


def _find_key(encrypted: etree._Element, parts: Parts) -> etree._Element:
    inside = list(encrypted.iter(n.ENCRYPTED_KEY))
    found = inside if parts.encrypted_key is None else [*inside, parts.encrypted_key]
    if len(found) != 1:
        raise ValueError("exactly one EncryptedKey is expected")
    return found[0]


def _open_key(element: etree._Element, recipient: Recipients) -> bytes:
    """The content key, or a random one if it cannot be opened, so that both fail alike later."""
    method = _algorithm(element)
    scheme = _scheme(method)
    private = _find_recipient(element, recipient).decrypt_key
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("the key is encrypted to a certificate that is not RSA")
    wrapped = _cipher(element)
    spare = secrets.token_bytes(KEY_BYTES)
    try:
        key = private.decrypt(wrapped, scheme)
    except ValueError:
        return spare
    return key if len(key) == KEY_BYTES else spare


def _find_recipient(element: etree._Element, recipient: Recipients) -> Identity:
    """By the thumbprint that KeyInfo names; without one, the only RSA identity there is."""
    able = [one for one in as_identities(recipient) if one.decrypt_cert.kind == "rsa"]
    identifier = element.find(f"{n.KEY_INFO}/{n.TOKEN_REFERENCE}/{n.KEY_IDENTIFIER}")
    if identifier is not None and identifier.get("ValueType") == n.THUMBPRINT:
        named = decode(identifier)
        able = [one for one in able if sha1_thumbprint(one.decrypt_cert.der) == named]
    if len(able) != 1:
        raise ValueError("the message is encrypted to another certificate, or does not say to which")
    return able[0]


def sha1_thumbprint(der: bytes) -> bytes:
    """What WS-Security 1.1 names a certificate by; a name only, nothing rests on it."""
    return hashlib.sha1(der, usedforsecurity=False).digest()


def _scheme(method: etree._Element) -> padding.OAEP:
    algorithm = method.get("Algorithm")
    digest, mask = method.find(n.DIGEST_METHOD), method.find(n.MGF)
    if digest is None or digest.get("Algorithm") != n.SHA256:
        raise ValueError("the key must be encrypted by RSA-OAEP with SHA-256")
    if algorithm == n.OAEP_MGF1P and mask is None:
        return OAEP_MGF1P
    if algorithm == n.OAEP11 and mask is not None and mask.get("Algorithm") == n.MGF1_SHA256:
        return _OAEP11
    raise ValueError("the key is not encrypted by RSA-OAEP with an accepted mask")


def _algorithm(element: etree._Element) -> etree._Element:
    return only(element, n.ENCRYPTION_METHOD)


def _cipher(element: etree._Element) -> bytes:
    data = only(element, n.CIPHER_DATA)
    if len(data) != 1:
        raise ValueError("CipherData holds one CipherValue")
    return decode(only(data, n.CIPHER_VALUE))


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
