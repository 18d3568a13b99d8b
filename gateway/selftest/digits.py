"""Check digits from the texts of the standards, for codes that are wrong in one place and right elsewhere."""

from __future__ import annotations

from datetime import date

CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGAN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DEAL = ORGAN + "*"


def credit_check(body: str) -> str:
    """GB 32100-2015: of the first 17 characters."""
    total, weight = 0, 1
    for letter in body:
        total += CREDIT.index(letter) * weight
        weight = weight * 3 % 31
    return CREDIT[(31 - total % 31) % 31]


def organ_check(body: str) -> str:
    """GB 11714-1997: of eight characters."""
    total = sum(
        ORGAN.index(letter) * weight
        for letter, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )  # fmt: skip
    rest = 11 - total % 11
    return "0" if rest == 11 else "X" if rest == 10 else str(rest)


def credit_code(seed: str) -> str:
    """A right one from 16 characters: both check digits are added."""
    body = seed + organ_check(seed[8:16])
    return body + credit_check(body)


def deal_check(body: str) -> str:
    """ISO 7064 MOD 37-2: of the characters without hyphens."""
    value = 0
    for letter in body:
        value = (value + DEAL.index(letter)) * 2 % 37
    return DEAL[(38 - value) % 37]


def deal_code(kind: str, platform: str, day: str, serial: str) -> str:
    return f"{kind}-{platform}-{day}-{serial}-{deal_check(kind + platform + day + serial)}"


def crc(text: str) -> str:
    """CRC-16/BUYPASS by long division over bits."""
    bits = int.from_bytes(text.encode(), "big") << 16
    for place in range(bits.bit_length() - 1, 15, -1):
        if bits >> place & 1:
            bits ^= 0x18005 << (place - 16)
    return f"{bits & 0xFFFF:04X}"


def other(letter: str, letters: str) -> str:
    """Another letter of the alphabet."""
    return letters[(letters.index(letter) + 1) % len(letters)]


def bank_check(body: str) -> str:
    """ISO 7064 MOD 11,10: of eleven digits."""
    value = 10
    for digit in body:
        value = ((value + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - value) % 10)


def is_credit(code: str) -> bool:
    return len(code) == 18 and set(code[:17]) <= set(CREDIT) and credit_code(code[:16]) == code


def is_identity(code: str) -> bool:
    """GB 11643-1999: ISO 7064 MOD 11-2 over 17 digits, with a day of birth."""
    if len(code) != 18 or not code[:17].isdecimal() or not is_day(code[6:14]):
        return False
    value = 0
    for digit in code[:17]:
        value = (value + int(digit)) * 2 % 11
    return code[17] == "0123456789X"[(12 - value) % 11]


def is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:8]}"))
    except ValueError:
        return False


def is_right(mark: str, value: str, kind: str | None) -> bool:
    """Are the digits right of a value whose type has this m:check? `kind`: of its code, None where untold."""
    match mark:
        case "uscc":
            return is_credit(value)
        case "party-code" if kind is None:
            return len(value) != 18 or is_credit(value) or is_identity(value)
        case "party-code":
            return kind not in ("97", "") or is_credit(value)
        case "id-card":
            return kind != "01" or is_identity(value)
        case "unified-deal-code":
            parts = value.split("-")
            return (
                len(parts) == 5
                and deal_code(*parts[:4]) == value
                and is_credit(parts[1])
                and is_day(parts[2])
            )
        case "cnaps":
            return bank_check(value[:-1]) == value[-1]
        case "date" | "datetime":
            return is_day(value)
    return True
