"""How invoices write values, brought to the form of the standard: amounts, days, rates, names.

None raises. What is not understood comes back as it stood, so that a check can name it.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from gateway.standard import checks

AMOUNT = re.compile(r"-?[0-9]{1,15}\.[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_DAY = re.compile(r"([0-9]{4})(?:([0-9]{2})([0-9]{2})|[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?)(?:[ T].*)?")
_RATE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)(%?)")
_DIGITS = {name: value for value, name in enumerate("零壹贰叁肆伍陆柒捌玖")} | {"两": 2, "〇": 0}
_DIGITS |= {name: value for value, name in enumerate("〇一二三四五六七八九")}
_UNITS = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1000, "千": 1000}
_WORDS = re.compile(
    r"(?P<sign>[((]?负(?:数)?[))]?)?(?P<yuan>[^元圆角分整正负]*)[元圆](?P<rest>.*)", re.DOTALL
)
_PARTS = re.compile(r"(?:(?P<jiao>.)角|零)?(?:(?P<fen>.)分)?[整正]?")
_MAX_WORDS = 60


def number(text: str) -> Decimal | None:
    """A decimal as invoices write it: a currency sign before it, commas between thousands."""
    plain = unicodedata.normalize("NFKC", text).strip().lstrip("¥Y ").replace(",", "").replace(" ", "")
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def amount(text: str) -> str:
    """元 with two decimals; as it stood where it is no number or has fractions of a fen."""
    found = number(text)
    if found is None or found != found.quantize(Decimal("0.01")):
        return text.strip()
    plain = f"{found:.2f}"
    return "0.00" if plain == "-0.00" else plain


def day(text: str) -> str:
    """yyyyMMdd of `2020年10月10日`, `2024-01-24 16:23:48`, `20200810`."""
    found = _DAY.fullmatch(text.strip())
    if not found:
        return text.strip()
    return f"{found[1]}{int(found[2] or found[4]):02}{int(found[3] or found[5]):02}"


def rate(text: str) -> Decimal | None:
    """`6%` and `0.06` alike; None for 免税, 不征税 and the like."""
    found = _RATE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found:
        return None
    return Decimal(found[1]) / 100 if found[2] else Decimal(found[1])


def name(text: str) -> str:
    """Without white space, full-width letters and brackets as half-width ones: names are compared so."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def fen(text: object) -> int | None:
    """An amount of the standard in fen; None for anything else."""
    return int(str(text).replace(".", "")) if isinstance(text, str) and AMOUNT.fullmatch(text) else None


def words_fen(text: str) -> int | None:
    """`壹万陆仟圆整` in fen; None where it is not an amount in words."""
    plain = name(text).lstrip("⊗×xX*¥").removeprefix("人民币")
    found = _WORDS.fullmatch(plain) if len(plain) <= _MAX_WORDS else None
    if found is None:
        return None
    yuan, rest = _whole(found["yuan"]), _PARTS.fullmatch(found["rest"])
    if yuan is None or rest is None:
        return None
    jiao, fen_ = (_DIGITS.get(rest[part] or "零") for part in ("jiao", "fen"))
    if jiao is None or fen_ is None:
        return None
    total = yuan * 100 + jiao * 10 + fen_
    return -total if found["sign"] else total


def _whole(text: str) -> int | None:
    """Below a hundred million, then 亿: each part is a number below ten thousand."""
    for sign, size in (("亿", 10**8), ("万", 10**4)):
        if sign in text:
            high, _, low = text.partition(sign)
            parts = _whole(high), _whole(low) if low else 0
            return None if parts[0] is None or parts[1] is None else parts[0] * size + parts[1]
    return _below_ten_thousand(text)


def _below_ten_thousand(text: str) -> int | None:
    total, digit = 0, 0
    for letter in text:
        if letter in _UNITS:
            total, digit = total + (digit or 1) * _UNITS[letter], 0
        elif letter in _DIGITS and not digit:
            digit = _DIGITS[letter]
        else:
            return None
    return total + digit if text else None


def is_day(text: object) -> bool:
    return isinstance(text, str) and checks.is_day(text)
