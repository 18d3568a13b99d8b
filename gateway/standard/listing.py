"""What `gateway standard list` and `gateway standard validate` show."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, NoReturn

from lxml import etree

from gateway import clock, xmltree
from gateway.errors import Fault, MessageError
from gateway.message import NAMESPACE, Record
from gateway.standard.explain import explain, in_order
from gateway.standard.head import check_head
from gateway.standard.platformforms import Judgement, judge_form
from gateway.standard.schemafiles import line_of
from gateway.standard.standard import Standard

_OWN = f"{{{NAMESPACE}}}"
MAX_DIGITS = 400


def list_types(standard: Standard) -> list[dict[str, str]]:
    """Every message type: number, name, titles, step, key, lane, flow."""
    return [
        {
            "number": kind.number,
            "name": kind.name,
            "title_zh": kind.title_zh,
            "title_en": kind.title_en,
            "step": kind.step,
            "key": "|".join(kind.key),
            "lane": kind.lane,
            "flow": kind.flow,
        }
        for kind in standard.catalogue
    ]


def validate_file(standard: Standard, data: bytes, number: str = "", *, on: date | None = None) -> Judgement:
    """Every fault of a document, sorted by place, none if it is valid; and the schemas that it was held
    against, as files below `schemas`. JSON or XML is told from the content.

    A whole message of the standard (Head and Body) says its own type; a body alone in JSON needs `number`,
    in XML its root's name tells. A platform's own document (DES, MOF, CFX, invoice, …) is told by its root
    element. Faults of XML carry their line.
    """
    day = on or clock.now().date()
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    try:
        if start.startswith((b"{", b"[")):
            return _validate_json(standard, _load(data), number, day)
        root = xmltree.parse(data)
        if not number and not _is_own(standard, root):
            return _judge_form(standard, root)
        return _validate_xml(standard, root, number, day)
    except MessageError as error:
        return Judgement(faults=list(error.faults))


def _is_own(standard: Standard, root: etree._Element) -> bool:
    """A message of the standard, or one that misses its namespace alone."""
    return root.tag.startswith(_OWN) or root.tag == "Msg" or root.tag in standard.catalogue


def _judge_form(standard: Standard, root: etree._Element) -> Judgement:
    judged = judge_form(standard.root / "platforms", root)
    kinds = [f"platforms/{kind}" for kind in judged.kinds]
    return Judgement(kinds, standard.book.mended(judged.faults))


def _judged(standard: Standard, number: str, found: list[Fault]) -> Judgement:
    return Judgement([str(standard.file_of(number).relative_to(standard.root))], found)


def _validate_json(standard: Standard, data: Any, number: str, on: date) -> Judgement:
    if type(data) is not dict:
        raise MessageError(
            [_fault("json.not-an-object", "报文应为对象", "a message is a JSON object", "10001")]
        )
    whole = type(data.get("Head")) is dict and "Body" in data
    head = {name: str(value) for name, value in data["Head"].items()} if whole else {}
    number = _number(standard, number or head.get("MsgNo", ""))
    body = data["Body"] if whole else data
    try:
        record = standard.from_json(number, body)
        found = standard.validate(number, record, on=on)
    except MessageError as error:
        record, found = {}, list(error.faults)
    if whole:
        found = [*_head_faults(standard, number, head, record, found), *found]
    return _judged(standard, number, found)


def _validate_xml(standard: Standard, root: etree._Element, number: str, on: date) -> Judgement:
    head_element = root.find(f"{_OWN}Head")
    body = root.find(f"{_OWN}Body")
    whole = root.tag == f"{_OWN}Msg" and head_element is not None and body is not None and len(body) == 1
    content = body[0] if whole and body is not None else root
    if xmltree.local(content.tag) in standard.catalogue:
        number = number or xmltree.local(content.tag)
    number = _number(standard, number)
    record = standard.read_element(number, content)
    found = [_with_line(fault, content) for fault in standard.validate_element(number, content, on=on)]
    if whole and head_element is not None:
        head = {xmltree.local(child.tag): child.text or "" for child in head_element}
        found = [*_head_faults(standard, number, head, record, found), *found]
    return _judged(standard, number, found)


def _number(standard: Standard, number: str) -> str:
    if not number:
        en = "the file does not say its message type; name it"
        raise MessageError([_fault("standard.unknown-type", "文件未说明报文类型，请指定", en, "10005")])
    try:
        return standard.catalogue.get(number).number
    except LookupError as error:
        zh = f"未知报文类型 {number[:60]}"
        raise MessageError([_fault("standard.unknown-type", zh, str(error), "10005")]) from error


def _head_faults(
    standard: Standard, number: str, head: Record, record: Record, body_faults: list[Fault]
) -> list[Fault]:
    model = standard.head_model
    found = explain(model, head, standard.values, clock.now().date()).faults
    if found or body_faults:
        named = [replace(fault, path=f"Head/{fault.path}") for fault in in_order(model, found)]
        return standard.book.mended(named)
    return check_head(
        head,
        standard.catalogue.get(number),
        biz_key=standard.business_key(number, record),
        body=standard.build(number, record),
        nodes=standard.codes.get("node").rows,
    )


def _with_line(fault: Fault, content: etree._Element) -> Fault:
    """With the line of its element, or of the nearest one above that the file has."""
    if fault.line:
        return fault
    element = content
    for part in fault.path.split("/"):
        name, _, index = part.partition("[")
        place = int(index[:-1]) - 1 if index else 0
        alike = element.iterchildren(_OWN + name) if name.isidentifier() else iter(())
        found = next(islice(alike, place, None), None)
        if found is None:
            break
        element = found
    return replace(fault, line=line_of(element))


def _load(data: bytes) -> Any:
    """Strict JSON: UTF-8, no name twice, no NaN, no number beyond MAX_DIGITS. MessageError 10001 or 10004."""
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        zh, en = f"第 {error.start} 字节不是 UTF-8 编码", f"byte {error.start} is not UTF-8"
        raise MessageError([_fault("json.encoding", zh, en, "10004")]) from error
    except json.JSONDecodeError as error:
        zh, en = f"JSON 不合规范: {error.msg}", f"not well-formed JSON: {error.msg}"
        fault = replace(_fault("json.malformed", zh, en, "10001"), line=error.lineno, column=error.colno)
        raise MessageError([fault]) from error
    except RecursionError as error:
        raise MessageError([_fault("json.too-deep", "JSON 嵌套过深", "nested too deep", "10001")]) from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:60]
        zh, en = f"同一对象中名称重复: {twice}", f"a name stands twice in one object: {twice}"
        raise MessageError([_fault("json.duplicate-name", zh, en, "10001")])
    return found


def _no_constant(text: str) -> NoReturn:
    raise MessageError([_fault("json.malformed", f"{text} 不是 JSON", f"{text} is not JSON", "10001")])


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        zh, en = f"数字超过 {MAX_DIGITS} 位", f"a number has more than {MAX_DIGITS} digits"
        raise MessageError([_fault("json.malformed", zh, en, "10001")])
    return int(text)


def _fault(code: str, zh: str, en: str, result: str) -> Fault:
    return Fault(code, "", zh, en, result)
