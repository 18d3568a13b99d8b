"""Masking of personal data and account numbers wherever a person reads (FACTS: GB/T 35273 practice).

Phones keep 3 and 4 digits, identity cards the first and the last character, accounts the last four
characters, names the surname, anything else its first character. What a value is, is seen from its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from gateway.message import Record

How = Callable[[str, str], str]  # (kind, value) → what is shown
SensitiveKind = Literal["personal", "account"]
_SHORT_ACCOUNT = 8
_MOBILE = re.compile(r"(\+?(?:86)?[- ]?)(1[3-9]\d)\d{4}(\d{4})")
_LANDLINE = re.compile(r"(0\d{2,3})[- ]?\d{3,4}(\d{4})(?:[- ]\d+)?")
_ID_CARD = re.compile(r"(\d)(\d{13}|\d{16})([\dXx])")
_EMAIL = re.compile(r"([^@\s])[^@\s]*(@[^@\s]+)")
_SURNAMES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离"
    "长孙宇文司徒鲜于司空令狐呼延百里东郭南门第五西门"
)
_COMPOUND = frozenset(_SURNAMES[at : at + 2] for at in range(0, len(_SURNAMES), 2))


def mask(kind: str, value: str) -> str:
    """`value` so far as a person without special rights may see it; an unknown kind shows nothing."""
    text = value.strip()
    if not text:
        return value
    if kind == "account":
        return "****" + text[-4:] if len(text) >= _SHORT_ACCOUNT else "****"
    if kind == "personal":
        return _mask_personal(text)
    return "****"


def _mask_personal(text: str) -> str:
    if found := _MOBILE.fullmatch(text):
        return f"{found[1]}{found[2]}****{found[3]}"
    if found := _ID_CARD.fullmatch(text):
        return found[1] + "*" * (len(text) - 2) + found[3]
    if found := _EMAIL.fullmatch(text):
        return f"{found[1]}***{found[2]}"
    if found := _LANDLINE.fullmatch(text):
        return f"{found[1]}****{found[2]}"
    if len(text) >= 3 and text[:2] in _COMPOUND:
        return text[:2] + "*" * (len(text) - 2)
    if len(text) == 1 or text[0].isdigit():
        return "****"
    return text[0] + "*" * min(len(text) - 1, 3)


def mask_record(record: Record, sensitive: Mapping[str, str], how: How = mask) -> Record:
    """A copy of `record` with the values at the sensitive paths masked; the rest is shared, not copied.

    Paths are as the standard writes them (`Payees/Payee/AcctNo`), through lists as if they were not there.
    A sensitive element with children is masked whole, attributes too.
    """
    masked = record
    for path, kind in sensitive.items():
        masked = _mask_at(masked, path.split("/"), kind, how)
    return masked


def _mask_at(value: Any, path: list[str], kind: str, how: How) -> Any:
    if isinstance(value, list):
        return [_mask_at(item, path, kind, how) for item in value]
    if not path:
        return _mask_all(value, kind, how)
    if not isinstance(value, dict) or path[0] not in value:
        return value
    return {**value, path[0]: _mask_at(value[path[0]], path[1:], kind, how)}


def _mask_all(value: Any, kind: str, how: How) -> Any:
    if isinstance(value, dict):
        return {name: _mask_all(item, kind, how) for name, item in value.items()}
    if isinstance(value, list):
        return [_mask_all(item, kind, how) for item in value]
    return value if value is None else how(kind, str(value))
