"""The suite wss: SOAP with WS-Security X.509. Signed, then the Body's content is encrypted.

What is sealed is one XML element; what comes out is the same element in canonical form (exclusive C14N),
cut from the very tree whose signature was verified. The envelope is written as text that already is
canonical, so only the payload is canonicalised; verification canonicalises the parts in place. libxml2 does
both, as it does for xmlsec, which stands as a second opinion in the tests: through it, seal and unseal take
considerably longer, and it finds what is signed by id.

The `Head` block holds the claims: Src, Des, MsgNo, IdemKey, SendTime (T14, Asia/Shanghai), Jti,
ContentType. `peer.algorithms["soap"]` "1.1" makes a SOAP 1.1 envelope, else it is 1.2; both are read.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from gateway import clock, xmltree
from gateway.errors import MessageError
from gateway.message import Claims
from gateway.security import wssdecrypt
from gateway.security import wssnames as n
from gateway.security.claimset import check_members, claims_as_members, read_claims
from gateway.security.identity import Identity, Recipients
from gateway.security.refusals import stale
from gateway.security.suite import Peer, SealError, UnfitPayload, Unsealed, check_size, suites
from gateway.security.trust import Trust
from gateway.security.wssdecrypt import encode, sha1_thumbprint
from gateway.security.wssparts import Parts, check_ids, locate, only
from gateway.security.wssverify import verify

SIGNATURE = "RSA-SHA256"
CIPHER = "AES256-GCM"
_SOAP = {"1.1": n.SOAP11, "1.2": n.SOAP12}
_LIFE_S = 300
# libxml2 takes at most 10,000,000 characters in one text, and Base64 grows the payload by a third.
_MAX_CONTENT_BYTES = 7_400_000
_MAX_BYTES = 11 * 1024 * 1024
_HEAD = ("Src", "Des", "MsgNo", "IdemKey", "SendTime", "Jti", "ContentType")
_MEMBERS = ("iss", "aud", "msg", "idk", "iat", "jti", "cty")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")


class Wss:
    """RSA-SHA256 over Body, Timestamp and Head; AES-256-GCM, RSA-OAEP with SHA-256; RSA keys only."""

    name = "wss"
    content_type = "application/soap+xml"

    def seal(self, payload: bytes, claims: Claims, signer: Identity, peer: Peer) -> bytes:
        check_size(payload)
        soap = _SOAP[peer.algorithms.get("soap", "1.2")]
        content = _canonical_content(payload)
        head, stamp = _head(claims), _timestamp(claims.issued_at)
        body = _open_body(soap).encode("ascii") + _content_in_body(content, soap) + b"</S:Body>"
        info = _signed_info(body, stamp.encode("ascii"), head.encode("ascii"))
        signature = encode(_sign(info.encode("ascii"), signer, peer))
        key = secrets.token_bytes(wssdecrypt.KEY_BYTES)
        encrypted_key, data = _key(key, peer), _data(key, content)
        return _envelope(soap, signer, head, stamp, info, signature, encrypted_key, data).encode("ascii")

    def unseal(self, data: bytes, recipient: Recipients, trust: Trust, at: datetime) -> Unsealed:
        try:
            sealed = xmltree.parse(data, max_bytes=_MAX_BYTES)
            root = wssdecrypt.decrypt(sealed, locate(sealed), recipient, max_bytes=_MAX_BYTES)
            check_ids(root)
            parts = locate(root)
            certificate = verify(parts, trust)
            claims = _read_head(parts)
            trust.check_signer(certificate, claims.sender, at)
            expires = _read_timestamp(parts, claims)
            payload = _payload(parts)
        except SealError:
            raise
        except (ValueError, InvalidTag, MessageError) as error:
            # MessageError is what the parser says of a tree that nobody has signed yet.
            raise SealError(str(error) or type(error).__name__) from error
        if expires is not None and at > expires:
            raise stale(at)
        return Unsealed(payload, claims, certificate)


def _canonical_content(payload: bytes) -> bytes:
    """The payload's one element in canonical form; UnfitPayload if it is not XML, or too large."""
    try:
        content = xmltree.canonical(xmltree.parse(payload))
    except MessageError as error:
        raise UnfitPayload(f"wss seals XML only: {error}") from error
    if len(content) > _MAX_CONTENT_BYTES:
        raise UnfitPayload(f"wss seals at most {_MAX_CONTENT_BYTES} bytes")
    return content


def _content_in_body(content: bytes, soap: str) -> bytes:
    """How the content reads in the canonical form of the Body around it: the same, unless it declares one
    of the Body's own prefixes."""
    if b"xmlns:S=" not in content and b"xmlns:wsu=" not in content:
        return content
    opened = _open_body(soap).encode("ascii")
    body = xmltree.canonical(xmltree.parse(opened + content + b"</S:Body>"))
    return body[len(opened) : -len(b"</S:Body>")]


def _open_body(soap: str) -> str:
    return f'<S:Body xmlns:S="{soap}" xmlns:wsu="{n.WSU}" wsu:Id="body">'


def _head(claims: Claims) -> str:
    members = claims_as_members(claims)
    check_members(members)
    members["iat"] = clock.t14(datetime.fromtimestamp(claims.issued_at, clock.SHANGHAI))
    inner = "".join(
        f"<g:{name}>{escape(members[member])}</g:{name}>"
        for name, member in zip(_HEAD, _MEMBERS, strict=True)
    )
    return f'<g:Head xmlns:g="{n.SEAL}" xmlns:wsu="{n.WSU}" wsu:Id="head">{inner}</g:Head>'


def _timestamp(issued_at: int) -> str:
    created, expires = (
        datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for moment in (issued_at, issued_at + _LIFE_S)
    )
    return (
        f'<wsu:Timestamp xmlns:wsu="{n.WSU}" wsu:Id="timestamp"><wsu:Created>{created}</wsu:Created>'
        f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
    )


def _reference(name: str, canonical: bytes) -> str:
    digest = encode(hashlib.sha256(canonical).digest())
    return (
        f'<ds:Reference URI="#{name}"><ds:Transforms><ds:Transform Algorithm="{n.EXC_C14N}"></ds:Transform>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{n.SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )


def _signed_info(body: bytes, stamp: bytes, head: bytes) -> str:
    parts = (("body", body), ("timestamp", stamp), ("head", head))
    references = "".join(_reference(name, canonical) for name, canonical in parts)
    return (
        f'<ds:SignedInfo xmlns:ds="{n.DS}">'
        f'<ds:CanonicalizationMethod Algorithm="{n.EXC_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{n.RSA_SHA256}"></ds:SignatureMethod>{references}</ds:SignedInfo>'
    )


def _sign(info: bytes, signer: Identity, peer: Peer) -> bytes:
    if peer.algorithms.get("sign", SIGNATURE) != SIGNATURE or signer.sign_cert.kind != "rsa":
        raise ValueError(f"wss signs by {SIGNATURE} with RSA keys only")
    return signer.sign_text(info)


def _key(key: bytes, peer: Peer) -> str:
    public = peer.encrypt_cert.public_key
    if peer.algorithms.get("encrypt", CIPHER) != CIPHER or not isinstance(public, rsa.RSAPublicKey):
        raise ValueError(f"wss encrypts by {CIPHER} to RSA certificates only")
    wrapped = encode(public.encrypt(key, wssdecrypt.OAEP_MGF1P))
    thumbprint = encode(sha1_thumbprint(peer.encrypt_cert.der))
    return (
        f'<xenc:EncryptedKey xmlns:xenc="{n.XENC}" xmlns:ds="{n.DS}" Id="key">'
        f'<xenc:EncryptionMethod Algorithm="{n.OAEP_MGF1P}"><ds:DigestMethod Algorithm="{n.SHA256}"/>'
        f"</xenc:EncryptionMethod><ds:KeyInfo><wsse:SecurityTokenReference>"
        f'<wsse:KeyIdentifier EncodingType="{n.BASE64}" ValueType="{n.THUMBPRINT}">{thumbprint}'
        f"</wsse:KeyIdentifier></wsse:SecurityTokenReference></ds:KeyInfo>"
        f"<xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData>"
        f'<xenc:ReferenceList><xenc:DataReference URI="#data"/></xenc:ReferenceList></xenc:EncryptedKey>'
    )


def _data(key: bytes, content: bytes) -> str:
    nonce = secrets.token_bytes(wssdecrypt.NONCE_BYTES)
    cipher = encode(nonce + AESGCM(key).encrypt(nonce, content, None))
    return (
        f'<xenc:EncryptedData xmlns:xenc="{n.XENC}" Id="data" Type="{n.CONTENT}">'
        f'<xenc:EncryptionMethod Algorithm="{n.AES256_GCM}"/><ds:KeyInfo xmlns:ds="{n.DS}">'
        f'<ds:RetrievalMethod Type="{n.ENCRYPTED_KEY_TYPE}" URI="#key"/></ds:KeyInfo>'
        f"<xenc:CipherData><xenc:CipherValue>{cipher}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>"
    )


def _envelope(
    soap: str, signer: Identity, head: str, stamp: str, info: str, signature: str, key: str, data: str
) -> str:
    token = (
        f'<wsse:BinarySecurityToken EncodingType="{n.BASE64}" ValueType="{n.X509}" wsu:Id="token">'
        f"{encode(signer.sign_cert.der)}</wsse:BinarySecurityToken>"
    )
    key_info = (
        f'<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#token" ValueType="{n.X509}"/>'
        f"</wsse:SecurityTokenReference></ds:KeyInfo>"
    )
    return (
        f'<S:Envelope xmlns:S="{soap}"><S:Header>'
        f'<wsse:Security xmlns:wsse="{n.WSSE}" xmlns:wsu="{n.WSU}" S:mustUnderstand="1">{key}{token}{stamp}'
        f'<ds:Signature xmlns:ds="{n.DS}">{info}<ds:SignatureValue>{signature}</ds:SignatureValue>{key_info}'
        f"</ds:Signature></wsse:Security>{head}</S:Header>{_open_body(soap)}{data}</S:Body></S:Envelope>"
    )


def _read_head(parts: Parts) -> Claims:
    if [child.tag for child in parts.head] != [f"{{{n.SEAL}}}{name}" for name in _HEAD]:
        raise ValueError("the Head block does not hold its seven elements in order")
    if any(len(child) for child in parts.head):
        raise ValueError("an element of the Head block holds elements")
    texts = {member: child.text for member, child in zip(_MEMBERS, parts.head, strict=True)}
    sent_at = clock.parse_t(texts["iat"] or "")
    return read_claims({**texts, "iat": int(sent_at.timestamp())})


def _read_timestamp(parts: Parts, claims: Claims) -> datetime | None:
    """When it expires, None if it does not say. ValueError unless it was created when Head says."""
    created = _instant(only(parts.timestamp, n.CREATED))
    if int(created.timestamp()) != claims.issued_at:
        raise ValueError("Timestamp and Head name different times")
    expires = parts.timestamp.find(n.EXPIRES)
    return _instant(expires) if expires is not None else None


def _instant(element: etree._Element) -> datetime:
    text = (element.text or "").strip()
    if not _INSTANT.fullmatch(text) or len(element):
        raise ValueError("not an instant in UTC")
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


def _payload(parts: Parts) -> bytes:
    """The Body's one element, self-contained, from the tree that was verified."""
    if len(parts.body) != 1 or (parts.body.text or parts.body[0].tail or "").strip():
        raise ValueError("the Body holds exactly one element")
    return xmltree.canonical(parts.body[0])


wss = suites.add("wss", Wss())
