"""An XSLT 1.0 stylesheet in place of `fields:`, for integrators who have one.

It runs with all access denied, on the record as XML under its root's name, and what comes out is held to the
target's schema: nothing of it is believed. A stylesheet that could read files, or go on for ever, is refused
when it is loaded: no import, include, document() or extension; templates call each other in no circle and are
applied downwards only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.errors import Fault, MessageError
from gateway.formats.elements import encode_text, field_reader, line_of, unwritable, write_element
from gateway.mapping.element import Element, misfit
from gateway.mapping.model import did_you_mean
from gateway.message import Record

XSL = "{http://www.w3.org/1999/XSL/Transform}"
MAX_BYTES = 512 * 1024
MAX_DEPTH = 200
_DENIED = etree.XSLTAccessControl(  # type: ignore[call-arg]  # the stubs know none of these names
    read_file=False, write_file=False, create_dir=False, read_network=False, write_network=False
)
etree.XSLT.set_global_max_depth(MAX_DEPTH)  # type: ignore[attr-defined]
_OUTSIDE = re.compile(r"\b(document|unparsed-entity-uri)\s*\(|\b(?!xsl:)[\w-]+:[\w-]+\s*\(")
_UPWARDS = re.compile(r"\.\.|^\s*/|\||\b(ancestor|parent|self|preceding|following|key|id)\b|^\s*\.\s*$")


class TransformError(ValueError):
    """Not a stylesheet that may run; `line` in its file."""

    def __init__(self, text: str, line: int = 0):
        super().__init__(text)
        self.line = line


class Transform:
    """`apply` is what a compiled mapping is: (message, head, platform, origin) → record. The head's and the
    platform's values are the stylesheet's parameters `head.Name` and `platform.Name`."""

    def __init__(self, path: Path, root: str, target: Element | None):
        self.root = root
        self.target = target
        tree = _read(path)
        _check(tree)
        self.parameters = {str(node.get("name")) for node in tree.iterfind(f"{XSL}param")}
        try:
            self._run = etree.XSLT(tree, access_control=_DENIED)
        except etree.XSLTParseError as error:
            raise TransformError(f"not a stylesheet: {error}") from error

    def apply(
        self,
        message: Any,
        head: Mapping[str, str],
        platform: Mapping[str, Any],
        origin: Mapping[str, Any] | None,
    ) -> Record:
        """MessageError where the stylesheet fails, or makes what the target's schema does not allow."""
        source = etree.fromstring(_written(self.root, message))
        given = {**_named("head", head), **_named("platform", platform)}
        parameters: dict[str, Any] = {
            name: etree.XSLT.strparam(str(value)) for name, value in given.items() if name in self.parameters
        }
        try:
            made = self._run(source, **parameters).getroot()
        except etree.XSLTApplyError as error:
            raise _refusal(
                "transform-failed", f"样式表出错: {error}", f"the stylesheet failed: {error}"
            ) from error
        if made is None:
            raise _refusal("transform-failed", "样式表没有产生内容", "the stylesheet made nothing")
        record = field_reader(made)(made)
        if self.target is not None:
            faults = list(_conformed(record, self.target, ""))
            if faults:
                raise MessageError(faults)
        return record


def _named(where: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{where}.{name}": value for name, value in values.items() if isinstance(value, str)}


def _written(root: str, message: Record) -> bytes:
    pieces: list[str] = []
    try:
        write_element(root, message, pieces)
    except ValueError as error:
        raise unwritable(message, error) from error
    return encode_text(pieces, "utf-8", message)


def _read(path: Path) -> etree._Element:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TransformError(f"cannot be read: {error.strerror}") from error
    try:
        return xmltree.parse(data, max_bytes=MAX_BYTES)
    except MessageError as error:
        raise TransformError(error.faults[0].en) from error


_INSTRUCTIONS = (
    "apply-imports", "apply-templates", "attribute", "attribute-set", "call-template", "choose", "comment",
    "copy", "copy-of", "decimal-format", "element", "fallback", "for-each", "if", "import", "include",
    "key", "message", "namespace-alias", "number", "otherwise", "output", "param", "preserve-space",
    "processing-instruction", "sort", "strip-space", "stylesheet", "template", "text", "transform",
    "value-of", "variable", "when", "with-param",
)  # fmt: skip


def _check(tree: etree._Element) -> None:
    if tree.tag not in (f"{XSL}stylesheet", f"{XSL}transform") or tree.get("version") != "1.0":
        raise TransformError("expected an xsl:stylesheet of version 1.0", line_of(tree))
    if tree.get("extension-element-prefixes"):
        raise TransformError("extensions are not allowed", line_of(tree))
    calls: dict[str, set[str]] = {}
    for node in tree.iter(etree.Element):
        line = line_of(node)
        kind = str(node.tag).removeprefix(XSL)
        if str(node.tag).startswith(XSL) and kind not in _INSTRUCTIONS:
            raise TransformError(f"XSLT 1.0 has no xsl:{kind}{did_you_mean(kind, _INSTRUCTIONS)}", line)
        if kind in ("import", "include"):
            raise TransformError(f"xsl:{kind} is not allowed", line)
        for value in map(str, node.attrib.values()):
            if _OUTSIDE.search(value):
                raise TransformError(f"{value[:60]!r} calls what is not allowed", line)
        if kind == "apply-templates" and _UPWARDS.search(str(node.get("select", "*"))):
            raise TransformError(f"templates are applied downwards only, not to {node.get('select')!r}", line)
        if kind == "call-template":
            around = next((one for one in node.iterancestors() if one.tag == f"{XSL}template"), None)
            name = str(around.get("name", around.get("match", ""))) if around is not None else ""
            calls.setdefault(name, set()).add(str(node.get("name")))
    for name in calls:
        if name in _reached(name, calls):
            raise TransformError(f"the template {name} calls itself")


def _reached(name: str, calls: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(calls.get(name, ()))
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo.extend(calls.get(one, ()))
    return seen


def _conformed(record: Record, element: Element, path: str) -> Iterator[Fault]:
    """Faults against the schema; what may repeat becomes a list on the way."""
    for name in list(record):
        place = f"{path}/{name}" if path else name
        child = element.child(name)
        if child is None and not (name == "#text" and element.leaf is not None):
            yield _fault("unknown-target", place, "目标模式没有此项", "the target has no such field")
        elif child is not None:
            yield from _member(record, name, child, place)
    for child in element.children:
        if child.least and child.name not in record:
            place = f"{path}/{child.name}" if path else child.name
            yield _fault("missing-value", place, "缺少必填项", "a required value is absent")


def _member(record: Record, name: str, child: Element, place: str) -> Iterator[Fault]:
    items = record[name] if isinstance(record[name], list) else [record[name]]
    if len(items) > child.most:
        yield _fault("too-many", place, f"最多 {child.most} 项", f"at most {child.most} items")
    for index, item in enumerate(items, 1):
        where = f"{place}[{index}]" if child.is_list else place
        if isinstance(item, dict):
            yield from _conformed(item, child, where)
        elif child.leaf is None:
            if item:
                yield _fault("not-a-record", where, "应含子元素", "fields were expected")
            items[index - 1] = {}
        elif wrong := misfit(item, child.leaf):
            yield _fault("bad-value", where, f"值不合规定: {wrong}", f"not legal there: {wrong}")
    record[name] = items if child.is_list else items[0]


def _fault(code: str, path: str, zh: str, en: str) -> Fault:
    return Fault(f"mapping.{code}", path, zh, en, "10003")


def _refusal(code: str, zh: str, en: str) -> MessageError:
    return MessageError([_fault(code, "", zh, en)])
