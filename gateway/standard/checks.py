"""Check digits and byte lengths, as pure functions. None raises, whatever the text."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGAN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOD37 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
# Per position: letter → weight · value. GB 32100-2015: 3^i mod 31; GB 11714: a fixed row, mod 11.
_USCC_TERMS = [{c: pow(3, i, 31) * v for v, c in enumerate(_USCC)} for i in range(17)]
_ORGAN_TERMS = [{c: w * v for v, c in enumerate(_ORGAN)} for w in (3, 7, 9, 10, 5, 8, 4, 2)]
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DEAL = re.compile(r"[A-Z][0-9]{2}-[0-9A-HJ-NPQRTUWXY]{18}-[0-9]{8}-[0-9]{6}-[0-9A-Z*]")
_QR_TEXT = re.compile(r"(01,[0-9]{2},(?:[^,]*,){4}[^,]*,)([0-9A-F]{4}),?")
_REMEMBERED = 4096  # the same parties, banks and days come again and again


@lru_cache(_REMEMBERED)
def is_uscc(code: str) -> bool:
    """统一社会信用代码, GB 32100-2015, with the organisation code inside it (GB 11714)."""
    if len(code) != 18:
        return False
    try:
        total = sum([terms[c] for terms, c in zip(_USCC_TERMS, code, strict=False)])
        inner = sum([terms[c] for terms, c in zip(_ORGAN_TERMS, code[8:16], strict=True)])
    except KeyError:
        return False
    return code[17] == _USCC[-total % 31] and code[16] == "0123456789X"[-inner % 11]


def has_organ_check(code: str) -> bool:
    """Is the organisation code inside a credit code (its characters 9 to 17) right? GB 11714."""
    try:
        inner = sum([terms[c] for terms, c in zip(_ORGAN_TERMS, code[8:16], strict=True)])
    except (KeyError, ValueError):
        return False
    return code[16:17] == "0123456789X"[-inner % 11]


def has_credit_check(code: str) -> bool:
    """Is the last character of a credit code right (GB 32100), whatever its inner organisation code?"""
    try:
        total = sum([terms[c] for terms, c in zip(_USCC_TERMS, code[:17], strict=True)])
    except (KeyError, ValueError):
        return False
    return code[17:] == _USCC[-total % 31]


@lru_cache(_REMEMBERED)
def is_unified_deal_code(code: str) -> bool:
    """统一交易标识码: class-USCC-date-serial-check, with what it is made of: the platform's credit code, a day."""
    return has_deal_check(code) and is_uscc(code[4:22]) and is_day(code[23:31])


@lru_cache(_REMEMBERED)
def has_deal_check(code: str) -> bool:
    """The check character of a unified deal code alone, ISO 7064 (GB/T 17710) MOD 37-2."""
    if not _DEAL.fullmatch(code):
        return False
    value = 0
    for letter in code.replace("-", "")[:-1]:
        value = (value + _MOD37.index(letter)) * 2 % 37
    return (value + _MOD37.index(code[-1])) % 37 == 1


@lru_cache(_REMEMBERED)
def is_cnaps(code: str) -> bool:
    """支付系统行号: 12 digits, ISO 7064 MOD 11,10."""
    if len(code) != 12 or not (code.isascii() and code.isdecimal()):
        return False
    value = 10
    for digit in code[:-1]:
        value = ((value + int(digit)) % 10 or 10) * 2 % 11
    return (value + int(code[-1])) % 10 == 1


@lru_cache(_REMEMBERED)
def is_id_card(code: str) -> bool:
    """居民身份证, GB 11643-1999: 17 digits with a real day of birth, then 0-9 or X."""
    body = code[:17]
    if len(code) != 18 or not (body.isascii() and body.isdecimal()) or not is_day(code[6:14]):
        return False
    total = sum(w * int(d) for w, d in zip(_ID_WEIGHTS, body, strict=True))
    return code[17] == "10X98765432"[total % 11]


def is_party(code: str) -> bool:
    """A code without a kind: with 18 characters it must be a credit code or an identity card."""
    return len(code) != 18 or is_uscc(code) or is_id_card(code)


@lru_cache(_REMEMBERED)
def is_day(text: str) -> bool:
    """A day of the calendar as yyyyMMdd; 99991231 means without end."""
    if len(text) != 8 or not (text.isascii() and text.isdecimal()):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def is_moment(text: str) -> bool:
    """A T14 or T17 whose day is in the calendar; the XSD's pattern has seen to the time of day."""
    return is_day(text[:8])


def qr_parts(text: str) -> dict[str, str]:
    """kind, code, number, amount, day and check of an invoice's QR text; {} where it has not that form."""
    parts = text.split(",")
    names = ("", "kind", "code", "number", "amount", "day", "check")
    if len(parts) < 8 or parts[0] != "01":
        return {}
    return {name: part for name, part in zip(names, parts, strict=False) if name}


def qr_crc(text: str) -> str:
    """CRC-16 with polynomial 0x8005, start 0, not reflected (BUYPASS), as 4 upper-case hex digits.

    `text` ends with the comma before the CRC.
    """
    value = 0
    for byte in text.encode("utf-8", "replace"):
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x8005) & 0xFFFF if value & 0x8000 else value << 1
    return f"{value:04X}"


def is_qr_text(text: str) -> bool:
    """The QR text of an invoice whose CRC is right: `01,type,code,number,amount,day,check,CRC[,]`."""
    found = _QR_TEXT.fullmatch(text)
    return found is not None and qr_crc(found[1]) == found[2]


def gbk_length(text: str) -> int | None:
    """Bytes in GBK (Python's codec); None where a character is outside it."""
    try:
        return len(text.encode("gbk"))
    except UnicodeEncodeError:
        return None


@lru_cache(_REMEMBERED)
def fits_gbk(text: str, most: int) -> bool:
    length = gbk_length(text)
    return length is not None and length <= most


def first_outside_gbk(text: str) -> str:
    """The first character that GBK has not; empty if there is none."""
    return next((letter for letter in text if gbk_length(letter) is None), "")
