"""What one value of a message is checked for: the facets of its type, then what XSD cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from gateway.errors import Fault
from gateway.message import Record
from gateway.standard import checks
from gateway.standard.codes import CodeTables
from gateway.standard.faults import of_value
from gateway.standard.model import Element, ValueType
from gateway.standard.writing import ILLEGAL

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_SPACE = " \t\r\n"
# By m:check of the simple type: (is it right?, Chinese and English name of what it should be).
DIGITS: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "uscc": (checks.is_uscc, "统一社会信用代码", "unified social credit code"),
    "unified-deal-code": (checks.is_unified_deal_code, "统一交易标识码", "unified deal code"),
    "cnaps": (checks.is_cnaps, "支付系统行号", "bank number"),
    "party-code": (checks.is_party, "统一社会信用代码或公民身份号码", "credit code or identity number"),
    "id-card": (checks.is_id_card, "公民身份号码", "identity number"),
}
DATES: dict[str, Callable[[str], bool]] = {"date": checks.is_day, "datetime": checks.is_moment}


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


def further_faults(
    element: Element, value: str, path: str, holder: Record, codes: CodeTables, on: date
) -> Iterator[Fault]:
    """Of a value that its facets allow: check digits, days of the calendar, code tables, GBK."""
    check = element.value.check if element.value is not None else ""
    if check in DATES and not DATES[check](value):
        zh, en = "不是日历上的日期", "is no day of the calendar"
        yield of_value("standard.not-a-date", path, element, value, zh, en)
    if fault := _digit_fault(element, check, value, path, holder):
        yield fault
    if element.codes and not element.codes_open:
        yield from _code_faults(element, value, path, codes, on)
    if element.gbk_max:
        yield from gbk_faults(element, value, path)


def _digit_fault(element: Element, check: str, value: str, path: str, holder: Record) -> Fault | None:
    kind = holder.get(element.code_type) if element.code_type else None
    if check == "party-code" and element.code_type:
        check = "uscc" if (kind or "97") == "97" else ""
    elif check == "id-card" and element.code_type:
        check = "id-card" if kind == "01" else ""
    if check not in DIGITS:
        return None
    is_right, name_zh, name_en = DIGITS[check]
    if is_right(value):
        return None
    zh, en = f"校验位不符，应为{name_zh}", f"has a wrong check digit for a {name_en}"
    return of_value("standard.check-digit", path, element, value, zh, en, result="30001", expected=name_en)


def _code_faults(element: Element, value: str, path: str, codes: CodeTables, on: date) -> Iterator[Fault]:
    table = codes.get(element.codes)
    separator = element.codes_separator
    for code in value.split(separator) if separator else [value]:
        if table.is_valid(code, on):
            continue
        row = table.rows.get(code)
        if row is None:
            zh, en = f"的代码不在代码表 {element.codes} 中", f"is not in code table {element.codes}"
        else:
            span = f"{row.valid_from or '…'}–{row.valid_to or '…'}"
            zh = f"的代码（{row.name_zh}）在 {on:%Y%m%d} 无效，有效期 {span}"
            en = f"is not valid on {on:%Y%m%d} (valid {span})"
        yield of_value(
            "standard.unknown-code", path, element, code, zh, en, result="30002", expected=element.codes
        )


def gbk_faults(element: Element, value: str, path: str) -> Iterator[Fault]:
    length = checks.gbk_length(value)
    if length is None:
        letter = checks.first_outside_gbk(value)
        text = f"{letter} (U+{ord(letter):04X})"
        zh, en = f"含有 GBK 以外的字符 {text}", f"holds {text}, which GBK has not"
        yield of_value(
            "standard.outside-gbk", path, element, value, zh, en, result="30008", expected="GBK", found=text
        )
    elif length > element.gbk_max:
        zh = f"按 GBK 为 {length} 字节，超过 {element.gbk_max} 字节"
        en = f"is {length} bytes in GBK, more than {element.gbk_max}"
        yield of_value(
            "standard.gbk-length", path, element, value, zh, en,
            result="30007", expected=f"<= {element.gbk_max}", found=str(length),
        )  # fmt: skip


def gbk_warning(element: Element, value: str, path: str) -> Fault | None:
    """Some receivers count fewer bytes than the standard allows (m:gbk warn)."""
    length = checks.gbk_length(value)
    if not element.gbk_warn or length is None or not element.gbk_warn < length <= element.gbk_max:
        return None
    zh = f"按 GBK 为 {length} 字节，部分接收方只收 {element.gbk_warn} 字节"
    en = f"is {length} bytes in GBK; some receivers take {element.gbk_warn}"
    expected = f"<= {element.gbk_warn}"
    return of_value(
        "standard.gbk-length",
        path,
        element,
        value,
        zh,
        en,
        result="30007",
        expected=expected,
        found=str(length),
    )
