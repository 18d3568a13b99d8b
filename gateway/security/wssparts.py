"""The parts of a sealed SOAP message, found by their position alone; ids are never looked up.

Signature wrapping lives on the difference between the element that a reference finds and the one that the
application reads. Here there is no search: each part is the one that stands where it must, there is exactly
one of it, and a reference is right only if it carries that very part's id.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from lxml import etree

from gateway.security import wssnames as n

_SECURITY_HOLDS = {n.TOKEN, n.TIMESTAMP, n.SIGNATURE, n.ENCRYPTED_KEY}
_ids = etree.XPath("//@wsu:Id | //@xml:id | //@Id | //@ID", namespaces={"wsu": n.WSU})


@dataclass(frozen=True, slots=True)
class Parts:
    """Envelope/Body, Envelope/Header/Head, and of Envelope/Header/Security its Timestamp, Signature and
    BinarySecurityToken, and its EncryptedKey if the key is there."""

    body: etree._Element
    head: etree._Element
    timestamp: etree._Element
    signature: etree._Element
    token: etree._Element
    encrypted_key: etree._Element | None


def locate(root: etree._Element) -> Parts:
    """ValueError unless every part is there, once, and nothing that must be understood stands beside."""
    soap = root.tag.removesuffix("Envelope")
    if soap not in (f"{{{n.SOAP11}}}", f"{{{n.SOAP12}}}"):
        raise ValueError("not a SOAP envelope")
    if [child.tag for child in root] != [soap + "Header", soap + "Body"]:
        raise ValueError("an envelope holds one Header and one Body")
    header, body = root
    for block in header:
        if block.tag not in (n.SECURITY, n.HEAD) and block.get(soap + "mustUnderstand") in ("1", "true"):
            raise ValueError("a header block that must be understood is not understood")
    security, head = only(header, n.SECURITY), only(header, n.HEAD)
    for child in security:
        if child.tag not in _SECURITY_HOLDS:
            raise ValueError("the Security header holds what does not belong there")
    encrypted_keys = security.findall(n.ENCRYPTED_KEY)
    if len(encrypted_keys) > 1:
        raise ValueError("there is more than one EncryptedKey")
    return Parts(
        body,
        head,
        only(security, n.TIMESTAMP),
        only(security, n.SIGNATURE),
        only(security, n.TOKEN),
        encrypted_keys[0] if encrypted_keys else None,
    )


def check_ids(root: etree._Element) -> None:
    """ValueError if an id stands twice anywhere. We never look one up, but others on the way might."""
    values = _ids(root)
    if not isinstance(values, list) or len(values) != len(set(values)):
        raise ValueError("an id stands twice")


def only(parent: etree._Element, tag: str) -> etree._Element:
    """The one child with that name; ValueError if there is none, or more than one."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise ValueError(f"exactly one {tag.rpartition('}')[2]} is expected")
    return found[0]


def decode(element: etree._Element) -> bytes:
    """An element's Base64, which may be broken into lines; ValueError if it is none, or has children."""
    if len(element):
        raise ValueError("Base64 has no elements inside")
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not Base64") from error
