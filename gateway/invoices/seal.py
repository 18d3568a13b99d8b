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

from gateway.errors import MessageError
from gateway.invoices import ses
from gateway.invoices.model import Seal, SealState
from gateway.invoices.package import Package
from gateway.invoices.xmlforms import find, find_all, text_at
from gateway.security import gmcms
from gateway.security.certificate import Certificate, load_certificate
from gateway.security.digests import sm3

SM3 = "1.2.156.10197.1.401"
Why = tuple[str, str]
# A signing device may write local time as if it were UTC.
_CLOCK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A Signature.xml as read: what it says is signed."""

    raw: bytes
    check_method: str
    references: tuple[tuple[str, bytes], ...]
    value: str


def check_seal(
    package: Package, place: str, roots: Sequence[Certificate], at: datetime, *, kind: str = "Seal"
) -> Seal:
    """One signature of the package; `place` is its Signature.xml, `kind` the Type in Signatures.xml."""
    try:
        manifest = _read_manifest(package, place)
    except MessageError as error:
        return _broken(place, [place], (error.faults[0].zh, error.faults[0].en))
    if kind != "Seal":
        return _open(place, (f"不是电子签章而是 {kind}", f"is no seal but of type {kind}"))
    if manifest.check_method != SM3:
        method = manifest.check_method or "MD5"
        return _open(
            place, (f"摘要算法 {method} 不可信", f"digest algorithm {method} is not to be relied on")
        )
    if len(manifest.references) > package.limits.entries:
        most = package.limits.entries
        return _open(place, (f"签名引用超过 {most} 项", f"it refers to more than {most} entries"))
    broken, covers = _check_references(package, manifest)
    value = package.find(manifest.value, _folder(place))
    if value is None:
        return replace(_broken(place, [*broken, manifest.value]), covers=covers)
    try:
        data = package.read(value)
        if len(data) > package.limits.seal_bytes:
            return _open(value, ("签章数据过大", "the seal's data is too large"))
        signed = ses.read_signature(data)
        if (
            max(len(one.certificate) for one in (signed.signer, signed.maker))
            > package.limits.certificate_bytes
        ):
            return _open(value, ("证书过大", "a certificate is too large"))
    except (MessageError, ValueError) as error:
        return replace(_broken(place, [*broken, value], ("签章数据损坏", str(error))), covers=covers)
    seal = _judge(signed, manifest, place, value, broken, roots, at)
    return replace(seal, version=signed.version, name=signed.name, signed_at=signed.signed_at, covers=covers)


def _judge(
    signed: ses.SealSignature,
    manifest: _Manifest,
    place: str,
    value: str,
    broken: list[str],
    roots: Sequence[Certificate],
    at: datetime,
) -> Seal:
    if signed.data_hash != sm3(manifest.raw):
        broken.append(place)
    if not _is_listed(signed):
        return _broken(place, [*broken, value], ("签章者证书不在印章内", "the seal does not list the signer"))
    for part in (signed.signer, signed.maker):
        if part.algorithm != gmcms.SM2_WITH_SM3:
            return _or_broken(place, broken, ("签名算法不是 SM2", "a signature is not by SM2 with SM3"))
    try:
        signer, maker = (
            load_certificate(signed.signer.certificate),
            load_certificate(signed.maker.certificate),
        )
    except ValueError as error:
        return _or_broken(place, broken, ("证书无法读取", f"a certificate cannot be used: {error}"))
    if not signer.kind == maker.kind == "sm2":
        return _or_broken(place, broken, ("证书不是 SM2 证书", "a certificate is not of an SM2 key"))
    for certificate, part in ((signer, signed.signer), (maker, signed.maker)):
        if not certificate.verify_text(part.signed_part, part.signature):
            broken.append(value)
    seal = Seal(SealState.BROKEN, place, signer=signer.subject, issuer=signer.issuer)
    if broken:
        return replace(seal, places=_once(broken))
    if why := _doubt(signed, (signer, maker), at):
        return replace(seal, state=SealState.UNVERIFIABLE, why=why)
    return _trust(seal, (signer, maker), roots, signed.signed_at or at)


def _doubt(signed: ses.SealSignature, certificates: tuple[Certificate, ...], at: datetime) -> Why | None:
    """What keeps an intact seal from being believed, whatever the roots are."""
    moment = signed.signed_at
    if not signed.known_version:
        return "签章版本未知", "the version of the seal is unknown"
    if moment is None:
        return "签章时间无法读取", "the time of the signature cannot be read"
    if moment > at + _CLOCK:
        return "签章时间在将来", "it is signed in the future"
    if not signed.valid_from - _CLOCK <= moment <= signed.valid_until + _CLOCK:
        return "签章时印章不在有效期内", "the seal was not valid when it was used"
    for certificate in certificates:
        if not certificate.is_valid_at(moment):
            return "签章时证书不在有效期内", "a certificate was not valid at the time of the signature"
        if not certificate.may_sign:
            return "证书不可用于签名", "a certificate is not for signing"
    return None


def _trust(
    seal: Seal, certificates: tuple[Certificate, ...], roots: Sequence[Certificate], moment: datetime
) -> Seal:
    for certificate, zh, en in zip(certificates, ("签章者", "制章者"), ("signer", "maker"), strict=True):
        if not any(certificate.is_issued_by(root) and root.is_valid_at(moment) for root in roots):
            why = f"{zh}证书的颁发者未配置为可信根", f"the {en}'s certificate is by no configured root"
            return replace(seal, state=SealState.ROOT_UNKNOWN, why=why)
    return replace(seal, state=SealState.TRUSTED)


def _is_listed(signed: ses.SealSignature) -> bool:
    own = signed.signer.certificate
    return (sm3(own) if signed.by_digest else own) in signed.listed


def _read_manifest(package: Package, place: str) -> _Manifest:
    raw = package.read(place)
    root = package.parse(place)
    holder = find(root, "SignedInfo/References")
    if holder is None:
        raise MessageError.of(
            "invoice.seal", "签名文件不完整", "the signature's file is not whole", result="10001"
        )
    references = tuple((one.get("FileRef", ""), _check_value(one)) for one in find_all(holder, "Reference"))
    return _Manifest(raw, holder.get("CheckMethod", ""), references, text_at(root, "SignedValue"))


def _check_value(reference: etree._Element) -> bytes:
    try:
        return base64.b64decode(text_at(reference, "CheckValue"), validate=True)
    except binascii.Error:
        return b""  # no digest is so


def _check_references(package: Package, manifest: _Manifest) -> tuple[list[str], frozenset[str]]:
    """The places whose digests are wrong, and the entries that are covered."""
    broken, covers = [], set()
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
    if not covers and not broken:
        broken.append("References")
    return broken, frozenset(covers)


def _folder(place: str) -> str:
    return place.rpartition("/")[0]


def _once(places: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(places))


def _broken(place: str, places: list[str], why: Why = ("", "")) -> Seal:
    return Seal(SealState.BROKEN, place, _once(places), why)


def _open(place: str, why: Why) -> Seal:
    return Seal(SealState.UNVERIFIABLE, place, (), why)


def _or_broken(place: str, broken: list[str], why: Why) -> Seal:
    return _broken(place, broken, why) if broken else _open(place, why)
