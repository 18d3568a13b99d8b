"""Showing a message without showing what is sensitive (FACTS.md 5.5).

The standard says which elements are sensitive and of what kind. Their values are masked wherever they
stand: in the standard's form, in the sender's and in the receivers'. What a platform sends beyond the
standard is covered by pattern: mobile numbers and identity card numbers are masked in every form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

import orjson
from lxml import etree

from gateway import xmltree
from gateway.errors import MessageError
from gateway.formats import formats, read_json
from gateway.message import Record
from gateway.security.masking import How, mask, mask_record

MOST_CHARS = 40_000
_MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
_ID_CARD = re.compile(r"(?<![0-9A-Za-z])\d{6}(?:19|20)\d{2}[01]\d[0-3]\d\d{3}[\dXx](?![0-9A-Za-z])")
MOF = "mof-voucher"


class Masker:
    """Masks the values that one message holds in sensitive elements, in `how` a way. `named`: value → kind, of
    those in its key."""

    def __init__(
        self,
        record: Record,
        sensitive: Mapping[str, str],
        named: Mapping[str, str] | None = None,
        how: How = mask,
    ):
        self.record = mask_record(record, sensitive, how)
        self._how = how
        pairs = {value: how(kind, value) for value, kind in (named or {}).items()}
        _collect(record, self.record, pairs)
        pairs = {spelt: shown for value, shown in pairs.items() for spelt in spellings(value)}
        # Longer values first: an account number may contain a shorter one.
        self.pairs = sorted(pairs.items(), key=lambda pair: -len(pair[0]))

    def text(self, text: str) -> str:
        for value, shown in self.pairs:
            text = text.replace(value, shown)
        text = _MOBILE.sub(self._of_person, text)
        return _ID_CARD.sub(self._of_person, text)

    def _of_person(self, found: re.Match[str]) -> str:
        return self._how("personal", found[0])


class _NoMask(Masker):
    """Shows everything: for whoever has the right, and gave a reason."""

    def text(self, text: str) -> str:
        return text


def spellings(value: str) -> set[str]:
    """As it is, and as it stands in XML, in an attribute, in JSON."""
    return {
        value,
        escape(value),
        escape(value, {'"': "&quot;"}),
        orjson.dumps(value.encode("utf-8", "replace").decode()).decode()[1:-1],
    }


def without(text: str, values: Iterable[str], shown: str) -> str:
    """`shown` in place of each value that is the whole text of an element, an attribute or a JSON value."""
    spelt = sorted({one for value in values for one in spellings(value)}, key=len, reverse=True)
    if not spelt:
        return text
    return re.sub(rf"""(?<=[>"\s])(?:{"|".join(map(re.escape, spelt))})(?=[<",\s])""", shown, text)


def _collect(plain: Any, masked: Any, pairs: dict[str, str]) -> None:
    if isinstance(plain, dict) and isinstance(masked, dict):
        for name, value in plain.items():
            _collect(value, masked.get(name), pairs)
    elif isinstance(plain, list) and isinstance(masked, list):
        for one, other in zip(plain, masked, strict=False):
            _collect(one, other, pairs)
    elif isinstance(plain, str) and isinstance(masked, str) and plain != masked and len(plain) > 1:
        pairs[plain] = masked


def readable(data: bytes, format_name: str = "") -> str:
    """A platform's bytes as indented text: JSON, XML in its own encoding, a voucher with its inner one."""
    if not data:
        return ""
    if data.lstrip()[:1] in (b"{", b"["):
        return _json(data)
    if format_name == MOF:
        return _voucher(data)
    try:
        root = xmltree.parse(data)
    except MessageError:
        return data.decode("utf-8", "replace")
    return indented(root)


def indented(root: etree._Element) -> str:
    etree.indent(root, "  ")
    return etree.tostring(root, encoding="unicode")


def _json(data: bytes) -> str:
    try:
        return orjson.dumps(read_json(data), option=orjson.OPT_INDENT_2).decode()
    except MessageError:
        return data.decode("utf-8", "replace")


def _voucher(data: bytes) -> str:
    """The outer attributes and the inner voucher, decoded, as JSON: Base64 tells a reader nothing."""
    try:
        parsed = formats.get(MOF).decode(data)
    except MessageError:
        return data.decode("gb18030", "replace")
    shown = {"VoucherBody": parsed.envelope, "Voucher": parsed.record}
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()


NO_MASK = _NoMask({}, {})
__all__ = ["MOF", "MOST_CHARS", "NO_MASK", "Masker", "indented", "mask", "readable", "without"]
