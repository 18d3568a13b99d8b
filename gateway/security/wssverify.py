"""Verifying the XML signature of a sealed SOAP message (XML Signature 1.1, exclusive C14N).

One form is accepted: RSA-SHA256 over references with SHA-256 and exclusive canonicalisation as the only
transform, to Body, Timestamp and Head, each of which must be covered, and at most to the token besides.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from gateway.security import signing
from gateway.security import wssnames as n
from gateway.security.certificate import Certificate, thumbprint_of
from gateway.security.trust import Trust
from gateway.security.wssparts import Parts, decode, only


def verify(parts: Parts, trust: Trust) -> Certificate:
    """The registered certificate whose signature covers the parts. ValueError if it does not."""
    certificate = _find_signer(parts, trust)
    if [child.tag for child in parts.signature] != [n.SIGNED_INFO, n.SIGNATURE_VALUE, n.KEY_INFO]:
        raise ValueError("a Signature holds SignedInfo, SignatureValue and KeyInfo")
    info, value, _ = parts.signature
    method, algorithm, *references = info
    if method.tag != n.C14N_METHOD or algorithm.tag != n.SIGNATURE_METHOD or len(algorithm):
        raise ValueError("SignedInfo is not as it should be")
    if algorithm.get("Algorithm") != n.RSA_SHA256:
        raise ValueError("the signature algorithm is not RSA-SHA256")
    signed = _canonical(info, method)
    if not signing.is_signed(certificate.public_key, decode(value), signed):
        raise ValueError("the signature does not hold")
    _check_references(references, parts)
    return certificate


def _find_signer(parts: Parts, trust: Trust) -> Certificate:
    """The certificate in the token, which the signature's KeyInfo must point to."""
    token = parts.token
    if token.get("ValueType") != n.X509 or token.get("EncodingType", n.BASE64) != n.BASE64:
        raise ValueError("the token is not an X.509 v3 certificate")
    reference = only(only(only(parts.signature, n.KEY_INFO), n.TOKEN_REFERENCE), n.REFERENCE_TO_TOKEN)
    if not token.get(n.ID) or reference.get("URI") != f"#{token.get(n.ID)}":
        raise ValueError("the signature's KeyInfo does not point to the token")
    found = trust.find(thumbprint_of(decode(token)))
    if found is None or not isinstance(found[1].public_key, rsa.RSAPublicKey):
        raise ValueError("the certificate that signed is not registered, or not RSA")
    return found[1]


def _check_references(references: list[etree._Element], parts: Parts) -> None:
    wanted = {f"#{part.get(n.ID)}": part for part in (parts.body, parts.timestamp, parts.head)}
    if len(wanted) != 3 or "#None" in wanted:
        raise ValueError("Body, Timestamp and Head must have ids")
    may = {f"#{parts.token.get(n.ID)}": parts.token}
    for reference in references:
        uri = reference.get("URI", "")
        part = wanted.pop(uri, None)
        if part is None:
            part = may.pop(uri, None)
        if part is None or reference.tag != n.REFERENCE:
            raise ValueError("a reference is not to Body, Timestamp, Head or the token, or it is there twice")
        _check_digest(reference, part)
    if wanted:
        raise ValueError("the signature does not cover Body, Timestamp and Head")


def _check_digest(reference: etree._Element, part: etree._Element) -> None:
    if [child.tag for child in reference] != [n.TRANSFORMS, n.DIGEST_METHOD, n.DIGEST_VALUE]:
        raise ValueError("a Reference holds Transforms, DigestMethod and DigestValue")
    transforms, method, value = reference
    if method.get("Algorithm") != n.SHA256 or len(method):
        raise ValueError("the digest is not SHA-256")
    if len(transforms) != 1 or transforms[0].tag != n.TRANSFORM:
        raise ValueError("exclusive C14N is the only transform")
    digest = hashlib.sha256(_canonical(part, transforms[0])).digest()
    if not secrets.compare_digest(digest, decode(value)):
        raise ValueError("a part is not what was signed")


def _canonical(element: etree._Element, method: etree._Element) -> bytes:
    """Exclusive C14N without comments, with the prefixes that the method includes."""
    if method.get("Algorithm") != n.EXC_C14N:
        raise ValueError("the canonicalisation is not exclusive C14N")
    prefixes: list[str] | None = None
    if len(method):
        if len(method) != 1 or method[0].tag != n.INCLUSIVE:
            raise ValueError("the canonicalisation has a parameter that is not known")
        prefixes = method[0].get("PrefixList", "").split()
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes
    )
