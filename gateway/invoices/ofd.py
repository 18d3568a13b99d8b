"""The data of an OFD invoice (GB/T 33190): attached original_invoice.xml, CustomDatas, tags into page text.

A body of OFD.xml leads to its Document.xml, that to pages, templates, attachments, tags and images. Every
reference is read within the package's bounds; what is missing is a warning, as no part is mandatory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lxml import etree

from gateway.errors import Fault, MessageError
from gateway.invoices import fields
from gateway.invoices.limits import over
from gateway.invoices.model import Content, Reading, Seal, SealState, Source
from gateway.invoices.package import Package
from gateway.invoices.pages import read_words
from gateway.invoices.seal import check_seal
from gateway.invoices.tags import read_tags
from gateway.invoices.xmlforms import find, find_all, read_xml, text_at
from gateway.security.certificate import Certificate

ROOT = "OFD.xml"
# CustomData/@Name → field
_CUSTOM: dict[str, str] = {
    "发票代码": "InvoiceCode",
    "发票号码": "InvoiceNo",
    "开票日期": "IssueDate",
    "校验码": "CheckCode",
    "合计金额": "AmountWithoutTax",
    "合计税额": "TaxAmount",
    "价税合计": "AmountWithTax",
    "购买方名称": "BuyerName",
    "购买方纳税人识别号": "BuyerTaxNo",
    "销售方名称": "SellerName",
    "销售方纳税人识别号": "SellerTaxNo",
}
# These come into being with a signature and cannot be covered by it.
_OF_SIGNATURES = ("signatures.xml", "signature.xml", "signedvalue.dat", "seal.esl")

_STRAY = "包内有签章数据，但未被引用", "there is a seal that nothing refers to"


@dataclass(slots=True)
class _Findings:
    readings: list[Reading] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def read_ofd(package: Package, roots: Sequence[Certificate], at: datetime) -> tuple[Content, list[str]]:
    """What the package says, and the names of its images. Nothing in it raises."""
    name = package.find(ROOT) or ROOT
    found = _Findings()
    try:
        bodies = find_all(package.parse(name), "DocBody")
        if len(bodies) > package.limits.bodies:
            most = package.limits.bodies
            raise over("many-bodies", f"超过 {most} 个文档", f"more than {most} documents", name)
        for body in bodies:
            _read_body(package, body, name, found)
            if named := text_at(body, "Signatures"):
                found.seals.extend(_check_seals(package, named, roots, at))
    except MessageError as error:
        found.faults.extend(error.faults)
    found.seals.extend(_check_strays(package, found, roots, at))
    sealable = frozenset(one for one in package.names if _base(one) not in _OF_SIGNATURES)
    content = Content(
        tuple(found.readings), tuple(found.seals), tuple(found.faults), tuple(found.warnings),
        sealable=sealable,
    )  # fmt: skip
    return content, found.images


def _read_body(package: Package, body: etree._Element, place: str, found: _Findings) -> None:
    custom = {
        _CUSTOM[one.get("Name", "")]: one.text or ""
        for one in find_all(body, "DocInfo/CustomDatas/CustomData")
        if one.get("Name", "") in _CUSTOM
    }
    if custom:
        found.readings.append(Reading(Source.CUSTOM_DATA, place, fields.clean(custom)))
    document = package.find(text_at(body, "DocRoot"))
    if document is None:
        found.warnings.append(_missing("DocRoot", text_at(body, "DocRoot")))
        return
    for read in (_read_attachments, _read_tags, _read_words, _find_images):
        try:
            read(package, document, found)
        except MessageError as error:
            found.faults.extend(error.faults)


def _read_attachments(package: Package, document: str, found: _Findings) -> None:
    for listing, element in _listed(package, document, "Attachments", "Attachment", found):
        place = _at(package, text_at(element, "FileLoc"), listing, found)
        if place is not None and place.casefold().endswith(".xml"):
            found.readings.extend(read_xml(package.parse(place), place, package.limits))


def _read_tags(package: Package, document: str, found: _Findings) -> None:
    for listing, element in _listed(package, document, "CustomTags", "CustomTag", found):
        place = _at(package, text_at(element, "FileLoc"), listing, found)
        if place is not None:
            reading = read_tags(package, document, place)
            if reading is not None:
                found.readings.append(reading)


def _read_words(package: Package, document: str, found: _Findings) -> None:
    reading = read_words(package, document)
    if reading is not None:
        found.readings.append(reading)


def _find_images(package: Package, document: str, found: _Findings) -> None:
    root = package.parse(document)
    for reference in ("DocumentRes", "PublicRes"):
        for one in find_all(root, f"CommonData/{reference}"):
            place = _at(package, one.text or "", document, found)
            if place is None:
                continue
            resources = package.parse(place)
            base = f"{_folder(place)}/{resources.get('BaseLoc', '')}".strip("/")
            for media in find_all(resources, "MultiMedias/MultiMedia"):
                image = package.find(text_at(media, "MediaFile"), base)
                if media.get("Type") == "Image" and image and len(found.images) < package.limits.images:
                    found.images.append(image)


def _listed(
    package: Package, document: str, listing: str, member: str, found: _Findings
) -> Iterator[tuple[str, etree._Element]]:
    """The members of a list that Document.xml names: (place of the list, member)."""
    root = package.parse(document)
    named = find(root, listing)
    place = None if named is None else _at(package, named.text or "", document, found)
    if place is None:
        return
    members = find_all(package.parse(place), member)
    if len(members) > package.limits.attachments:
        most = package.limits.attachments
        raise over("many-attachments", f"超过 {most} 个附件", f"more than {most} attachments", place)
    # Once each: an entry is large work, and a second reading of it says nothing new.
    yield from ((place, one) for one in {text_at(one, "FileLoc"): one for one in members}.values())


def _check_seals(package: Package, named: str, roots: Sequence[Certificate], at: datetime) -> Iterator[Seal]:
    """The seals of one list of signatures (Signatures.xml)."""
    place = package.find(named)
    if place is None:
        yield Seal(SealState.BROKEN, named, (named,), ("签名列表缺失", "the list of signatures is missing"))
        return
    try:
        signatures = find_all(package.parse(place), "Signature")
    except MessageError as error:
        yield Seal(SealState.BROKEN, place, (place,), (error.faults[0].zh, error.faults[0].en))
        return
    if len(signatures) > package.limits.signatures:
        most = package.limits.signatures
        yield Seal(SealState.UNVERIFIABLE, place, (), (f"超过 {most} 个签名", f"more than {most} signatures"))
        return
    for one in signatures:
        signature = package.find(one.get("BaseLoc", ""), _folder(place))
        if signature is None:
            wanted = one.get("BaseLoc", "")
            yield Seal(
                SealState.BROKEN, place, (wanted or place,), ("签名文件缺失", "a signature is missing")
            )
        else:
            yield check_seal(package, signature, roots, at, kind=one.get("Type", "Seal"))


def _check_strays(
    package: Package, found: _Findings, roots: Sequence[Certificate], at: datetime
) -> Iterator[Seal]:
    """OFD.xml is often not covered, or may be what is broken: who takes the reference out must not turn a
    broken seal into none, nor what the seal does not belong to into something sealed."""
    if found.seals:
        return
    lists = [one for one in package.names if _base(one) == _OF_SIGNATURES[0]]
    for name in sorted(lists)[: package.limits.signatures]:
        for seal in _check_seals(package, name, roots, at):
            intact = seal.state in (SealState.TRUSTED, SealState.ROOT_UNKNOWN)
            yield replace(seal, state=SealState.UNVERIFIABLE, why=_STRAY) if intact else seal
    values = [one for one in package.names if _base(one) == _OF_SIGNATURES[2]]
    if values and not lists:
        yield Seal(SealState.UNVERIFIABLE, min(values), (), _STRAY)


def _at(package: Package, reference: str, holder: str, found: _Findings) -> str | None:
    """The entry that `holder` refers to; a warning where it is missing."""
    place = package.find(reference, _folder(holder))
    if place is None:
        found.warnings.append(_missing(holder, reference))
    return place


def _base(place: str) -> str:
    return place.rpartition("/")[2].casefold()


def _folder(place: str) -> str:
    return place.rpartition("/")[0]


def _missing(holder: str, reference: str) -> Fault:
    named = reference.strip()[:100]
    return Fault(
        "invoice.missing-entry", holder, f"引用的条目 {named} 不在包内", f"refers to {named}, which is missing",
        "30010",
    )  # fmt: skip
