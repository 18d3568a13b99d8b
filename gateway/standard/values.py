"""What XSD checks a value for, in words: the facets of its type. What XSD cannot say is in `valuerules.py`."""

from __future__ import annotations

import re

from gateway.errors import Fault
from gateway.standard.faults import of_value
from gateway.standard.model import Element, ValueType
from gateway.standard.writing import ILLEGAL

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_SPACE = " \t\r\n"
DATES = ("date", "datetime")  # m:check of types that are days or moments


def facet_fault(element: Element, value: str, path: str) -> Fault | None:
    """The first facet of XSD that the value breaks, or a form that XSD takes and canonical bytes do not."""
    kind = element.value
    if kind is None:
        raise ValueError(f"{element.name} is no leaf")
    if found := ILLEGAL.search(value):
        text = f"U+{ord(found[0]):04X}"
        zh, en = f"含有 XML 不允许的字符 {text}", f"holds the character {text}, which XML cannot"
        return of_value("standard.bad-character", path, element, value, zh, en, found=text)
    if kind.integer:
        return _integer_fault(element, kind, value, path)
    return _text_fault(element, kind, value, path)


def _integer_fault(element: Element, kind: ValueType, value: str, path: str) -> Fault | None:
    if not re.fullmatch("[+-]?[0-9]+", value):
        code = "standard.empty" if not value.strip(_SPACE) else "standard.not-a-number"
        return of_value(code, path, element, value, "应为整数", "should be an integer")
    low, high = kind.min_value, kind.max_value
    if _misses(kind, value):
        zh, en = "不是规定的整数形式", "is not written as the type wants it"
        return of_value("standard.wrong-pattern", path, element, value, zh, en, expected=kind.pattern_text)
    if (high is not None and int(value) > high) or (low is not None and int(value) < low):
        expected = f"{'' if low is None else low}..{'' if high is None else high}"
        zh, en = f"超出范围 {expected}", f"is outside {expected}"
        return of_value("standard.out-of-range", path, element, value, zh, en, expected=expected)
    return None


def _text_fault(element: Element, kind: ValueType, value: str, path: str) -> Fault | None:
    length = len(value)
    misses = _misses(kind, value)
    if not value and (misses or kind.min_length):
        return of_value("standard.empty", path, element, value, "不能为空", "is empty")
    if kind.max_length is not None and length > kind.max_length:
        zh, en = f"超过 {kind.max_length} 个字符", f"is longer than {kind.max_length} characters"
        expected = f"<= {kind.max_length}"
        return of_value(
            "standard.too-long", path, element, value, zh, en, expected=expected, found=str(length)
        )
    if length < kind.min_length:
        zh, en = f"少于 {kind.min_length} 个字符", f"is shorter than {kind.min_length} characters"
        expected = f">= {kind.min_length}"
        return of_value(
            "standard.too-short", path, element, value, zh, en, expected=expected, found=str(length)
        )
    if not misses:
        return None
    zh, en = f"应为{kind.zh or kind.name}", f"should be: {kind.en or kind.name}"
    expected = kind.pattern_text or "|".join(kind.enumeration)
    code = "standard.wrong-pattern"
    if kind.check in DATES:
        code = "standard.not-a-date"
    elif kind.numeric and not _NUMBER.fullmatch(value):
        code = "standard.not-a-number"
    return of_value(code, path, element, value, zh, en, expected=expected)


def _misses(kind: ValueType, value: str) -> bool:
    if kind.enumeration and value not in kind.enumeration:
        return True
    return not all(pattern.fullmatch(value) for pattern in kind.patterns)
