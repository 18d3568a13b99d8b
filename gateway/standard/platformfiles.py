"""A platform's own file against the platforms' schemas, fault by fault: what `standard validate` says of
a DES upload, a MOF voucher or a CFX message that real systems wrote.

The schemas there know choice, all and any, which the standard's do not; xmlschema reads them and names what
is wrong with a value, children are compared here, so that every missing one is named. Values are not shown:
what is sensitive in a foreign form is not known.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import xmlschema
from lxml import etree

from gateway import xmltree
from gateway.errors import Fault, MessageError
from gateway.standard.faults import not_understood

_ENVELOPES = ("DES", "MOF", "CFX")
_MOST = 500


def is_platform_file(root: etree._Element) -> bool:
    return xmltree.local(root.tag) in _ENVELOPES


def platform_faults(folder: Path, root: etree._Element) -> list[Fault]:
    """`folder` is schemas/platforms. Paths begin below the outermost element."""
    match xmltree.local(root.tag):
        case "DES":
            found = _des(folder, root)
        case "MOF":
            found = _mof(folder / "treasury", root)
        case _:
            found = _with_schema(folder / "treasury", "CFX*.xsd", root, "", "CFX")
    return [fault for _, fault in zip(range(_MOST), found, strict=False)]


def _des(folder: Path, root: etree._Element) -> Iterator[Fault]:
    yield from _with_schema(folder / "construction", "DES.xsd", root, "", "DES")
    context, number = root.find("CONTEXT"), root.findtext("TITLE/DATA_NO") or ""
    if context is None:
        return
    for profile in ("construction", "procurement"):
        if number.isdecimal() and any((folder / profile).glob(f"{number}-*.xsd")):
            yield from _with_schema(folder / profile, f"{number}-*.xsd", context, "CONTEXT", number)
            return
    yield _no_schema("TITLE/DATA_NO", number)


def _mof(folder: Path, root: etree._Element) -> Iterator[Fault]:
    yield from _with_schema(folder, "MOF.xsd", root, "", "MOF")
    for index, body in enumerate(root.iterfind("VoucherBody"), 1):
        place, kind = f"VoucherBody[{index}]/Voucher", body.get("VtCode", "")
        try:
            voucher = xmltree.parse(
                base64.b64decode(body.findtext("Voucher") or "", validate=True), encoding="gbk"
            )
        except binascii.Error:
            yield Fault("format.base64", place, "不是 Base64 文本", "is not Base64", "10004")
        except MessageError as error:
            yield from (replace(fault, path=place) for fault in error.faults)
        else:
            yield from _with_schema(folder, f"{kind}-*.xsd", voucher, place, kind)


def _with_schema(
    folder: Path, pattern: str, element: etree._Element, place: str, kind: str
) -> Iterator[Fault]:
    path = next(iter(sorted(folder.glob(pattern))), None)
    if path is None or "*" in kind:
        yield _no_schema(place, kind)
        return
    declared = xmlschema.XMLSchema10(str(path)).elements.get(xmltree.local(element.tag))
    if declared is None:
        yield _no_schema(place, xmltree.local(element.tag))
        return
    found = list(_walk(declared, element, place))
    yield from found
    decided = etree.XMLSchema(file=str(path))
    if not found and not decided.validate(element):
        # lxml has the last word: attributes, order, what the walk does not know.
        log: Any = decided.error_log
        yield not_understood(place, log[0].type_name, int(log[0].line))


def _walk(declared: Any, element: etree._Element, place: str) -> Iterator[Fault]:
    """Children first by name, then each by itself; a leaf by its type."""
    known = _children(declared)
    if not known:
        if not _takes_any(declared):
            yield from _leaf(declared, element, place)
        return
    seen: dict[str, int] = {}
    for child in element:
        name = xmltree.local(child.tag)
        seen[name] = seen.get(name, 0) + 1
        inner = f"{place}/{name}" if place else name
        inner += f"[{seen[name]}]" if known.get(name) is not None and known[name].max_occurs != 1 else ""
        if name in known:
            yield from _walk(known[name], child, inner)
        elif not _takes_any(declared):
            yield _fault(
                "standard.unexpected-element",
                inner,
                f"没有名为 {name} 的要素",
                f"there is no {name} here",
                child,
            )
    for name, one in known.items():
        inner = f"{place}/{name}" if place else name
        if one.min_occurs > seen.get(name, 0):
            yield _fault("standard.missing-element", inner, f"缺少 {name}", f"{name} is missing", element)
        elif one.max_occurs is not None and seen.get(name, 0) > one.max_occurs:
            yield _fault("standard.too-many", inner, f"{name} 出现过多", f"{name} stands too often", element)


def _children(declared: Any) -> dict[str, Any]:
    content = declared.type.content if declared.type.is_complex() else None
    if content is None or not hasattr(content, "iter_elements"):
        return {}
    return {one.local_name: one for one in content.iter_elements() if one.local_name is not None}


def _takes_any(declared: Any) -> bool:
    content: Any = declared.type.content if declared.type.is_complex() else None
    if content is None or not hasattr(content, "iter_elements"):
        return False
    return any(one.local_name is None for one in content.iter_elements())


def _leaf(declared: Any, element: etree._Element, place: str) -> Iterator[Fault]:
    _, errors = declared.decode(element, validation="lax")
    for error in errors:
        # The reason names the facet first; a value that it quotes stays here.
        reason = str(error.reason or "").split(":")[0].split("value '")[0].strip()[:120]
        yield _fault(
            "standard.wrong-pattern",
            place,
            f"不符合 {declared.type.name or '类型'}：{reason}",
            reason,
            element,
        )


def _fault(code: str, path: str, zh: str, en: str, element: etree._Element) -> Fault:
    line: Any = element.sourceline
    return Fault(code, path, zh, en, line=line or 0)


def _no_schema(place: str, kind: str) -> Fault:
    zh, en = f"没有 {kind[:30]} 的平台模式", f"there is no platform schema of {kind[:30]}"
    return Fault("standard.unknown-type", place, zh, en, "10005")
