"""The faults of a platform's own document in words. `label` is the Chinese name that its schema gives."""

from __future__ import annotations

import difflib

from gateway.errors import Fault
from gateway.standard.faults import shown


def unknown_form(root: str, line: int) -> Fault:
    name = root[:100]
    zh = f"没有以 {name} 为根元素的报文模式"
    en = f"neither the standard nor a platform has a message with the root element {name}"
    return Fault("form.unknown", "", zh, en, "10005", found=name, line=line)


def unknown_number(place: str, number: str, found: str, line: int) -> Fault:
    zh, en = f"没有编号为 {found[:20]} 的数据集或凭证模式", f"there is no schema numbered {found[:20]}"
    path = f"{place}/{number}".lstrip("/")
    return Fault("form.unknown-number", path, zh, en, "10005", found=found[:20], line=line)


def not_base64(place: str, line: int) -> Fault:
    return Fault("form.not-base64", place, "内容不是 Base64", "the content is not Base64", "10001", line=line)


def missing(path: str, label: str, line: int) -> Fault:
    name = path.rpartition("/")[2]
    zh, en = f"缺少必填的“{label}”（{name}）", f"{name} is required and missing"
    return Fault("form.missing-element", path, zh, en, line=line)


def unexpected(path: str, known: list[str], line: int) -> Fault:
    name = path.rpartition("/")[2].partition("[")[0]
    close = difflib.get_close_matches(name[:60], known, n=1)
    zh = f"此处没有名为 {name[:60]} 的要素" + (f"，是否应为 {close[0]}" if close else "")
    en = f"there is no {name[:60]} here" + (f"; did you mean {close[0]}?" if close else "")
    return Fault("form.unexpected-element", path, zh, en, expected="".join(close), found=name[:60], line=line)


def too_many(path: str, label: str, count: int, most: int, line: int) -> Fault:
    zh, en = f"“{label}”最多出现 {most} 次，实际 {count} 次", f"stands {count} times, at most {most}"
    return Fault("form.too-many", path, zh, en, expected=f"<= {most}", found=str(count), line=line)


def out_of_order(path: str, label: str, line: int) -> Fault:
    zh, en = f"“{label}”的次序不对", "stands in the wrong place among its siblings"
    return Fault("form.out-of-order", path, zh, en, line=line)


def has_children(path: str, label: str, line: int) -> Fault:
    zh, en = f"“{label}”应为文本", "should be text"
    return Fault("form.wrong-shape", path, zh, en, expected="text", line=line)


def wrong_value(
    path: str, label: str, value: str, facet: str, expected: str, sensitive: str, line: int
) -> Fault:
    """`facet`: what of the type it breaks (pattern, length …)."""
    zh = f"“{label}”不符合要求（{facet}：{expected}）"
    en = f"does not fit ({facet}: {expected})"
    return Fault(
        f"form.wrong-{facet}", path, zh, en, expected=expected, found=shown(value, sensitive), line=line
    )


def gbk_length(path: str, label: str, length: int, most: int, line: int) -> Fault:
    zh, en = (
        f"“{label}”按 GBK 为 {length} 字节，超过 {most} 字节",
        f"is {length} bytes in GBK, more than {most}",
    )
    return Fault(
        "form.gbk-length", path, zh, en, "30007", expected=f"<= {most}", found=str(length), line=line
    )


def check_digit(path: str, label: str, value: str, names: tuple[str, str], line: int) -> Fault:
    zh, en = f"“{label}”校验位不符，应为{names[0]}", f"has a wrong check digit for a {names[1]}"
    return Fault("form.check-digit", path, zh, en, "30001", expected=names[1], found=shown(value), line=line)


def undecided(reason: str, line: int) -> Fault:
    """lxml refuses and the walk found nothing: its reason, which holds no value."""
    zh, en = f"不符合模式（{reason}）", f"not valid against the schema ({reason})"
    return Fault("form.schema", "", zh, en, found=reason, line=line)
