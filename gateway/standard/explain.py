"""Walks a record against the schema's model and names every fault, each at its place.

lxml decides what is valid; this names what is wrong, all at once, in both languages.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from gateway.errors import Fault
from gateway.standard import checks
from gateway.standard.codes import CodeTables
from gateway.standard.model import Element, Simple

_CHECKS = {
    "uscc": checks.is_uscc,
    "unified-deal-code": checks.is_unified_deal_code,
    "cnaps": checks.is_cnaps,
    "date": checks.is_moment,
    "datetime": checks.is_moment,
}
_FOUND = 60


class Explainer:
    def __init__(self, root: Element, codes: CodeTables):
        self.root = root
        self.codes = codes

    def structure(self, record: Any) -> list[Fault]:
        """Faults that XSD sees too: elements, order does not matter in a record, types, facets."""
        faults: list[Fault] = []
        self._walk(self.root, record, "", faults, on=None)
        return faults

    def everything(self, record: Any, on: date) -> list[Fault]:
        """Also code tables on that day, check digits, GBK lengths."""
        faults: list[Fault] = []
        self._walk(self.root, record, "", faults, on=on)
        return faults

    def _walk(self, element: Element, record: Any, path: str, faults: list[Fault], on: date | None) -> None:
        if not isinstance(record, dict):
            faults.append(_fault("not-a-record", path, "应含子元素", "child elements are expected"))
            return
        known = {child.name for child in element.children}
        for name in record:
            if name not in known:
                place = f"{path}/{name}" if path else name
                faults.append(
                    _fault(
                        "unexpected-element", place, f"标准中没有 {name}", f"{name} is not an element here"
                    )
                )
        for child in element.children:
            self._child(child, record, f"{path}/{child.name}" if path else child.name, faults, on)

    def _child(self, child: Element, record: Any, path: str, faults: list[Fault], on: date | None) -> None:
        value = record.get(child.name)
        if value is None or value == []:
            if child.min_occurs:
                zh, en = f"缺少必填项 {child.name}({child.zh})", f"{child.name} is missing"
                faults.append(_fault("missing-element", path, zh, en, expected=child.zh))
            return
        listed = value if isinstance(value, list) else [value]
        if len(listed) > child.max_occurs:
            zh, en = f"最多 {child.max_occurs} 项", f"at most {child.max_occurs} are allowed"
            faults.append(
                _fault("too-many", path, zh, en, expected=str(child.max_occurs), found=str(len(listed)))
            )
        for index, item in enumerate(listed, 1):
            place = f"{path}[{index}]" if child.is_list else path
            if child.children:
                self._walk(child, item, place, faults, on)
            else:
                self._leaf(child, item, record, place, faults, on)

    def _leaf(
        self, element: Element, value: Any, record: Any, path: str, faults: list[Fault], on: date | None
    ) -> None:
        if not isinstance(value, str):
            faults.append(
                _fault("not-text", path, "应为文本", "text is expected", found=type(value).__name__)
            )
            return
        found = "***" if element.sensitive else value[:_FOUND]
        simple = element.simple
        before = len(faults)
        if simple is not None:
            _facets(element, simple, value, path, found, faults)
        if on is None or len(faults) > before:
            return
        self._meaning(element, value, record, path, found, faults, on)

    def _meaning(
        self, element: Element, value: str, record: Any, path: str, found: str, faults: list[Fault], on: date
    ) -> None:
        if element.codes and not element.open_codes:
            table = self.codes.get(element.codes)
            parts = value.split(element.separator) if element.separator else [value]
            bad = [part for part in parts if not table.is_valid(part, on)]
            if bad:
                legal = ", ".join(list(table.rows)[:20])
                zh, en = f"不在代码表 {element.codes} 中", f"not in code table {element.codes} on {on}"
                faults.append(_fault("unknown-code", path, zh, en, "30002", expected=legal, found=found))
        check = element.simple.check if element.simple else ""
        if _check_fails(check, value, record.get(element.code_type, "") if element.code_type else None):
            faults.append(
                _fault("check-digit", path, "校验位不正确", "the check digit is wrong", "30001", found=found)
            )
        if element.gbk_max:
            length = checks.gbk_length(value)
            if length is None:
                faults.append(
                    _fault(
                        "outside-gbk",
                        path,
                        "含有 GBK 之外的字符",
                        "a character is outside of GBK",
                        "30008",
                        found=found,
                    )
                )
            elif length > element.gbk_max:
                zh, en = f"超过 {element.gbk_max} 个 GBK 字节", f"longer than {element.gbk_max} bytes of GBK"
                faults.append(
                    _fault(
                        "gbk-length", path, zh, en, "30007", expected=str(element.gbk_max), found=str(length)
                    )
                )


def _check_fails(check: str, value: str, code_type: str | None) -> bool:
    """`code_type` is the value of the sibling that names the kind of code; None where there is none."""
    if check == "party-code":
        if code_type is not None:
            return code_type in ("", "97") and not checks.is_uscc(value)
        return len(value) == 18 and not (checks.is_uscc(value) or checks.is_id_card(value))
    if check == "id-card":
        return code_type == "01" and not checks.is_id_card(value)
    rule = _CHECKS.get(check)
    return rule is not None and not rule(value)


def _facets(element: Element, simple: Simple, value: str, path: str, found: str, faults: list[Fault]) -> None:
    if simple.is_integer:
        digits = value.strip()
        if not digits.lstrip("+-").isdigit() or not digits.isascii():
            faults.append(_fault("not-a-number", path, "应为整数", "an integer is expected", found=found))
            return
        number = int(digits)
        if (simple.min_value is not None and number < simple.min_value) or (
            simple.max_value is not None and number > simple.max_value
        ):
            bounds = f"{simple.min_value}..{simple.max_value if simple.max_value is not None else ''}"
            faults.append(
                _fault(
                    "out-of-range",
                    path,
                    f"应在 {bounds}",
                    f"must be in {bounds}",
                    expected=bounds,
                    found=found,
                )
            )
    if simple.max_length is not None and len(value) > simple.max_length:
        zh, en = f"最长 {simple.max_length} 个字符", f"at most {simple.max_length} characters"
        faults.append(
            _fault("too-long", path, zh, en, expected=str(simple.max_length), found=str(len(value)))
        )
    if len(value) < simple.min_length:
        zh, en = f"至少 {simple.min_length} 个字符", f"at least {simple.min_length} characters"
        faults.append(
            _fault("too-short", path, zh, en, expected=str(simple.min_length), found=str(len(value)))
        )
    elif any(pattern.fullmatch(value) is None for pattern in simple.patterns):
        shape = " ".join(simple.pattern_texts)
        zh, en = f"格式不符({element.zh})", f"the form is wrong ({element.en or element.name})"
        faults.append(_fault("wrong-pattern", path, zh, en, expected=shape, found=found))
    if simple.enumeration and value not in simple.enumeration:
        legal = ", ".join(sorted(simple.enumeration))
        faults.append(
            _fault(
                "wrong-pattern",
                path,
                f"只能是 {legal}",
                f"must be one of {legal}",
                expected=legal,
                found=found,
            )
        )


def _fault(
    code: str, path: str, zh: str, en: str, result: str = "10003", *, expected: str = "", found: str = ""
) -> Fault:
    return Fault(f"standard.{code}", path, zh, en, result, expected=expected, found=found)
