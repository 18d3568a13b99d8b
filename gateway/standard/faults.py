"""The faults of a message in words: one function a kind. Sensitive values are masked, long ones cut."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Any

from gateway.errors import Fault
from gateway.standard.model import Element
from gateway.standard.writing import ILLEGAL

MORE = "standard.more-faults"
_SHOWN_CHARS = 60


def shown(value: str, sensitive: str = "") -> str:
    """A value as a fault may show it: personal by its first character, an account by its last four."""
    if sensitive == "account":
        return "****" + value[-4:] if len(value) > 8 else "****"
    if sensitive:
        return f"{value[:1]}***" if len(value) > 1 else "***"
    return plain(value) if len(value) <= _SHOWN_CHARS else f"{plain(value[:_SHOWN_CHARS])}…"


def plain(text: str) -> str:
    """Without the characters that no XML and no terminal takes."""
    return ILLEGAL.sub("\ufffd", text)


def missing(path: str, element: Element) -> Fault:
    return Fault(
        "standard.missing-element",
        path,
        f"缺少必填的“{element.label}”（{element.name}）",
        f"{element.name} is required and missing",
        expected=element.en,
    )


def unexpected(path: str, name: str, known: tuple[str, ...], *, suggest: bool = True) -> Fault:
    """`suggest`: say which of the known names is close; that costs more than the rest of the fault."""
    short = plain(name[:60])
    close = _closest(short, known) if suggest else ""
    return Fault(
        "standard.unexpected-element",
        plain(path),
        f"此处没有名为 {short} 的要素{f'，是否应为 {close}' if close else ''}",
        f"there is no element {short} here{f'; did you mean {close}?' if close else ''}",
        expected=close,
        found=short,
    )


@lru_cache(512)
def _closest(name: str, known: tuple[str, ...]) -> str:
    near = [one for one in known if abs(len(one) - len(name)) <= 4]
    return next(iter(difflib.get_close_matches(name, near, n=1)), "")


def out_of_order(path: str, element: Element, before: Element, line: int) -> Fault:
    return Fault(
        "standard.order",
        path,
        f"“{element.label}”（{element.name}）应在“{before.label}”（{before.name}）之前",
        f"{element.name} stands after {before.name}, it should stand before it",
        expected=f"before {before.name}",
        line=line,
    )


def foreign(path: str, name: str, namespace: str, line: int) -> Fault:
    return Fault(
        "standard.namespace",
        path,
        f"{plain(name[:60])} 不属于数据标准的命名空间",
        f"{plain(name[:60])} is not in the standard's namespace",
        expected=namespace,
        line=line,
    )


def too_many(path: str, element: Element, count: int) -> Fault:
    return Fault(
        "standard.too-many",
        path,
        f"“{element.label}”最多出现 {element.maximum} 次，实际 {count} 次",
        f"{element.name} stands {count} times, at most {element.maximum}",
        expected=f"<= {element.maximum}",
        found=str(count),
    )


def wrong_shape(path: str, element: Element, expected: tuple[str, str], value: Any) -> Fault:
    """`expected`: (Chinese, English), as "文本", "text"."""
    return Fault(
        "standard.wrong-shape",
        path,
        f"“{element.label or element.name}”应为{expected[0]}",
        f"{element.name} should be {expected[1]}",
        expected=expected[1],
        found=_kind_of(value),
    )


def _kind_of(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)


def of_value(
    code: str,
    path: str,
    element: Element,
    value: str,
    zh: str,
    en: str,
    *,
    result: str = "10003",
    expected: str = "",
    found: str | None = None,
) -> Fault:
    """A fault of a leaf's value; `zh` and `en` follow the element's name."""
    return Fault(
        code,
        path,
        f"“{element.label}”{zh}",
        f"{element.name} {en}",
        result,
        expected=expected,
        found=shown(value, element.sensitive) if found is None else found,
    )


def not_understood(path: str, reason: str, line: int = 0) -> Fault:
    """XSD refuses and our own explanation found nothing: the validator's reason, never its values."""
    return Fault(
        "standard.schema",
        path,
        f"不符合报文模式（{reason}）",
        f"not valid against the schema ({reason})",
        found=reason,
        line=line,
    )


def more(count: int) -> Fault:
    """Stands last where a message has more faults than are named."""
    return Fault(
        MORE,
        "",
        f"错误超过 {count} 项，仅列出 {count} 项",
        f"there are more than {count} faults; {count} are named",
    )


def other_element(expected: str, found: str) -> Fault:
    return Fault(
        "standard.other-element",
        "",
        f"报文根元素应为 {expected}",
        f"the element should be {expected} in the standard's namespace",
        expected=expected,
        found=shown(found),
    )
