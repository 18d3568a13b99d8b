"""A platform's own document against the platform's own schema: every fault, with its place and line.

The kind is told by the content: the root element, and in an envelope the number that it names. lxml decides;
this module walks the content models itself, because lxml stops in one at its first fault and xmlschema names only
the first missing child. What neither schema nor table says of such a document is not judged here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path

from lxml import etree

from gateway import xmltree
from gateway.errors import Fault, MessageError
from gateway.standard import faults, formfaults
from gateway.standard.formwalk import FormSchema, line_of

MAX_FAULTS = 500
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}element"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A document that holds others. `number`: path of what numbers its content (`@name`: an attribute of the
    part's holder); `part`: path of the content, empty where the document is its own; `folder`: of the schemas;
    `is_encoded`: the content is Base64 of a document of its own; `own`: the envelope's own schema."""

    folder: str
    number: str
    holder: str = ""
    part: str = ""
    is_encoded: bool = False
    own: str = ""


ENVELOPES = {
    "DES": Envelope("construction", "TITLE/DATA_NO", part="CONTEXT", own="DES.xsd"),
    "MOF": Envelope(
        "treasury", "@VtCode", holder="VoucherBody", part="Voucher", is_encoded=True, own="MOF.xsd"
    ),
    "CFX": Envelope("tips", "HEAD/MsgNo"),
}


# Wrappers without a schema: root → the children that are no content. Each other child is a document.
WRAPPERS = {"Message": frozenset({"Head"})}


@dataclass(slots=True)
class Judgement:
    """`kinds`: what the document and its parts are, as schema files, each once; `faults` in the document's
    order."""

    kinds: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def judge_form(platforms: Path, root: etree._Element) -> Judgement:
    """Judges a document by the schemas below `platforms` (`schemas/platforms`). Never raises for what is wrong
    with the document: that is a fault. At most MAX_FAULTS are named; then the last says that there are more."""
    made = Judgement()
    beside = WRAPPERS.get(root.tag)
    for one in [root] if beside is None else [child for child in root if child.tag not in beside]:
        _judge_document(made, platforms, one, "" if beside is None else one.tag)
        if len(made.faults) > MAX_FAULTS:
            break
    if len(made.faults) > MAX_FAULTS:
        made.faults[MAX_FAULTS:] = [faults.more(MAX_FAULTS)]
    return made


def _judge_document(made: Judgement, platforms: Path, root: etree._Element, place: str) -> None:
    envelope, path = ENVELOPES.get(root.tag), _roots(platforms).get(root.tag)
    if envelope is not None:
        _judge_envelope(made, platforms, envelope, root)
    elif path is not None:
        _judge(made, platforms, path, root, place)
    else:
        made.faults.append(formfaults.unknown_form(root.tag, line_of(root)))


def _judge_envelope(made: Judgement, platforms: Path, envelope: Envelope, root: etree._Element) -> None:
    if envelope.own:
        _judge(made, platforms, platforms / envelope.folder / envelope.own, root, "")
    for place, holder in _holders(envelope, root):
        if len(made.faults) > MAX_FAULTS:
            return
        number = (
            holder.get(envelope.number[1:]) if envelope.number[0] == "@" else holder.findtext(envelope.number)
        )
        path = _numbered(platforms / envelope.folder, (number or "").strip())
        if path is None:
            made.faults.append(
                formfaults.unknown_number(place, envelope.number, number or "", line_of(holder))
            )
            continue
        if not envelope.part:
            _judge(made, platforms, path, holder, place)
            continue
        for part in holder.findall(envelope.part):
            inside = f"{place}/{envelope.part}".lstrip("/")
            content = _decoded(made, part, inside) if envelope.is_encoded else part
            if content is not None:
                _judge(made, platforms, path, content, inside)


def _holders(envelope: Envelope, root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    if not envelope.holder:
        yield "", root
        return
    for index, one in enumerate(root.findall(envelope.holder), 1):
        yield f"{envelope.holder}[{index}]", one


def _decoded(made: Judgement, part: etree._Element, place: str) -> etree._Element | None:
    """The document inside; its lines count from its own first."""
    try:
        return xmltree.parse(
            base64.b64decode("".join((part.text or "").split()), validate=True), encoding="gbk"
        )
    except binascii.Error:
        made.faults.append(formfaults.not_base64(place, line_of(part)))
    except MessageError as error:
        made.faults.extend(replace(fault, path=place) for fault in error.faults)
    return None


def _judge(made: Judgement, platforms: Path, path: Path, element: etree._Element, place: str) -> None:
    kind = str(path.relative_to(platforms))
    if kind not in made.kinds:
        made.kinds.append(kind)
    made.faults.extend(islice(_schema(path).faults(element, place), MAX_FAULTS + 1 - len(made.faults)))


def _numbered(folder: Path, number: str) -> Path | None:
    found = sorted(folder.glob(f"{number}-*.xsd")) if number.isalnum() else []
    return found[0] if found else None


@cache
def _schema(path: Path) -> FormSchema:
    return FormSchema(path)


@cache
def _roots(platforms: Path) -> dict[str, Path]:
    """The forms that are no part of an envelope, by their root element. The first element of a file counts."""
    found: dict[str, Path] = {}
    inside = {envelope.part for envelope in ENVELOPES.values()}
    for path in sorted(platforms.glob("*/*.xsd")):
        schema = etree.parse(str(path)).getroot()
        element = schema.find(_SCHEMA)
        if element is not None and not schema.get("targetNamespace") and element.get("name") not in inside:
            found.setdefault(str(element.get("name")), path)
    return found
