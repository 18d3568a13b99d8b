"""Does the electronic seal of an OFD hold? (GB/T 33190 section 18 with GB/T 38540 or GM/T 0031)

A seal is *intact* when every SM3 CheckValue is that of the raw entry, the dataHash is that of Signature.xml,
both SM2 signatures hold (signer over TBS, maker over the seal) and the signer is one whom the seal lists.
It is *trusted* when both certificates come from configured roots. What can be said to be wrong makes it
*broken*; what this reader cannot judge, and a certificate or seal out of its time, *cannot be verified*.
Revocation is not looked at: there is no way to ask the issuers from here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lxml import etree

from gateway.digests import sm3
from gateway.errors import MessageError
from gateway.invoices import ses
from gateway.invoices.limits import TOO_MUCH, Limits
from gateway.invoices.model import Seal, SealState
from gateway.invoices.package import Package
from gateway.invoices.xmlforms import find, find_all, text_at
from gateway.security import gmcms
from gateway.security.certificate import Certificate, load_certificate

SM3 = "1.2.156.10197.1.401"
# A signing device may write local time as if it were UTC.
_CLOCK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A Signature.xml as read: what it says is signed."""

    raw: bytes
    check_method: str
    references: tuple[tuple[str, bytes], ...]
    value: str


class _Unjudged(Exception):
    """Why (zh, en) this reader cannot judge a seal."""

    def __init__(self, zh: str, en: str):
        super().__init__(en)
        self.why = zh, en


def check_seal(
    package: Package, place: str, roots: Sequence[Certificate], at: datetime, *, kind: str = "Seal"
) -> Seal:
    """One signature of the package; `place` is its Signature.xml, `kind` the Type in Signatures.xml."""
    broken: list[str] = []
    seal = Seal(SealState.BROKEN, place)
    try:
        manifest = _read_manifest(package, place)
        _check_method(manifest, kind, package.limits)
        seal = replace(seal, covers=_check_references(package, manifest, broken))
        value = package.find(manifest.value, _folder(place)) or manifest.value or place
        signed = _read_value(package, value)
        if signed.data_hash != sm3(manifest.raw):
            broken.append(place)
        seal = replace(seal, version=signed.version, name=signed.name, signed_at=signed.signed_at)
        certificates = _load_certificates(signed, package.limits)
        if not _are_signed(signed, certificates):
            broken.append(value)
        seal = replace(seal, signer=certificates[0].subject, issuer=certificates[0].issuer)
        if not broken:
            seal = _trust(seal, signed, certificates, roots, at)
    except _Unjudged as doubt:
        seal = replace(seal, state=SealState.UNVERIFIABLE, why=doubt.why)
    except MessageError as error:
        fault = error.faults[0]
        seal = replace(seal, state=SealState.UNVERIFIABLE, why=(fault.zh, fault.en))
        if fault.result != TOO_MUCH:
            broken.append(fault.place or place)
    if broken:
        return replace(seal, state=SealState.BROKEN, places=tuple(dict.fromkeys(broken)))
    return seal


def _check_method(manifest: _Manifest, kind: str, limits: Limits) -> None:
    if kind != "Seal":
        raise _Unjudged(f"不是电子签章而是 {kind}", f"is no seal but of type {kind}")
    if manifest.check_method != SM3:
        method = manifest.check_method or "MD5"
        raise _Unjudged(f"摘要算法 {method} 不可信", f"digest algorithm {method} is not to be relied on")
    if len(manifest.references) > limits.entries:
        most = limits.entries
        raise _Unjudged(f"签名引用超过 {most} 项", f"it refers to more than {most} entries")


def _read_value(package: Package, value: str) -> ses.SealSignature:
    """SignedValue.dat; MessageError where it is missing or no seal."""
    if value not in package.names:
        raise _damaged("签章数据缺失", "the seal's data are missing", value)
    if package.size_bytes(value) > package.limits.seal_bytes:
        raise _Unjudged("签章数据过大", "the seal's data are too large")
    try:
        signed = ses.read_signature(package.read(value))
    except ValueError as error:
        raise _damaged("签章数据损坏", f"the seal's data are damaged: {error}", value) from error
    if not _is_listed(signed):
        raise _damaged("签章者证书不在印章内", "the seal does not list the signer", value)
    return signed


def _are_signed(signed: ses.SealSignature, certificates: tuple[Certificate, Certificate]) -> bool:
    """Do both signatures hold: the signer's over TBS, the maker's over the seal?"""
    parts = signed.signer, signed.maker
    pairs = zip(certificates, parts, strict=True)
    return all(certificate.verify_text(part.signed_part, part.signature) for certificate, part in pairs)


def _load_certificates(signed: ses.SealSignature, limits: Limits) -> tuple[Certificate, Certificate]:
    """Of the signer and of the maker, both with SM2 keys; _Unjudged for any other."""
    parts = signed.signer, signed.maker
    if any(part.algorithm != gmcms.SM2_WITH_SM3 for part in parts):
        raise _Unjudged("签名算法不是 SM2", "a signature is not by SM2 with SM3")
    if any(len(part.certificate) > limits.certificate_bytes for part in parts):
        raise _Unjudged("证书过大", "a certificate is too large")
    try:
        signer, maker = (load_certificate(part.certificate) for part in parts)
    except ValueError as error:
        raise _Unjudged("证书无法读取", f"a certificate cannot be used: {error}") from error
    if not signer.kind == maker.kind == "sm2":
        raise _Unjudged("证书不是 SM2 证书", "a certificate is not of an SM2 key")
    return signer, maker


def _trust(
    seal: Seal,
    signed: ses.SealSignature,
    certificates: tuple[Certificate, Certificate],
    roots: Sequence[Certificate],
    at: datetime,
) -> Seal:
    """The state of a seal in which nothing is broken. _Unjudged for one out of its time."""
    moment = _check_time(signed, certificates, at)
    for certificate, zh, en in zip(certificates, ("签章者", "制章者"), ("signer", "maker"), strict=True):
        if not any(certificate.is_issued_by(root) and root.is_valid_at(moment) for root in roots):
            why = f"{zh}证书的颁发者未配置为可信根", f"the {en}'s certificate is by no configured root"
            return replace(seal, state=SealState.ROOT_UNKNOWN, why=why)
    return replace(seal, state=SealState.TRUSTED)


def _check_time(
    signed: ses.SealSignature, certificates: tuple[Certificate, Certificate], at: datetime
) -> datetime:
    """The time of the signature, at which everything must have been valid. It is the signer's own word."""
    moment = signed.signed_at
    if not signed.known_version:
        raise _Unjudged("签章版本未知", "the version of the seal is unknown")
    if moment is None:
        raise _Unjudged("签章时间无法读取", "the time of the signature cannot be read")
    if moment > at + _CLOCK:
        raise _Unjudged("签章时间在将来", "it is signed in the future")
    if not signed.valid_from - _CLOCK <= moment <= signed.valid_until + _CLOCK:
        raise _Unjudged("签章时印章不在有效期内", "the seal was not valid when it was used")
    if not all(one.is_valid_at(moment) for one in certificates):
        raise _Unjudged("签章时证书不在有效期内", "a certificate was not valid at the time of the signature")
    if not all(one.may_sign for one in certificates):
        raise _Unjudged("证书不可用于签名", "a certificate is not for signing")
    return moment


def _is_listed(signed: ses.SealSignature) -> bool:
    own = signed.signer.certificate
    return (sm3(own) if signed.by_digest else own) in signed.listed


def _read_manifest(package: Package, place: str) -> _Manifest:
    raw = package.read(place)
    root = package.parse(place)
    holder = find(root, "SignedInfo/References")
    if holder is None:
        raise _damaged("签名文件不完整", "the signature's file is not whole", place)
    references = tuple((one.get("FileRef", ""), _check_value(one)) for one in find_all(holder, "Reference"))
    return _Manifest(raw, holder.get("CheckMethod", ""), references, text_at(root, "SignedValue"))


def _check_value(reference: etree._Element) -> bytes:
    try:
        return base64.b64decode(text_at(reference, "CheckValue"), validate=True)
    except binascii.Error:
        return b""  # no digest is so


def _check_references(package: Package, manifest: _Manifest, broken: list[str]) -> frozenset[str]:
    """The entries that are covered; the places whose digests are wrong go into `broken`."""
    covers = set()
    for reference, wanted in manifest.references:
        name = package.find(reference)
        if name is None:
            broken.append(reference)
            continue
        covers.add(name)
        try:
            if package.digest(name) != wanted:
                broken.append(name)
        except MessageError:
            broken.append(name)
    if not manifest.references:
        broken.append("References")
    return frozenset(covers)


def _damaged(zh: str, en: str, place: str) -> MessageError:
    return MessageError.of("invoice.seal", zh, en, result="10001", path=place)


def _folder(place: str) -> str:
    return place.rpartition("/")[0]
