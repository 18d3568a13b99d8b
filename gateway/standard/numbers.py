"""Numbers of the business world with right check characters, made rather than checked (`checks.py` checks)."""

from __future__ import annotations

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DEAL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_ORGAN_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CRC_POLYNOMIAL = 0x8005


def uscc(kind: str, region: str, body: str) -> str:
    """统一社会信用代码 (GB 32100-2015) from its first two characters, region and eight characters of an
    organisation code (GB 11714), both check characters computed."""
    total = sum(weight * int(letter, 36) for weight, letter in zip(_ORGAN_WEIGHTS, body, strict=True))
    organ_check = "0123456789X"[(11 - total % 11) % 11]
    head = f"{kind}{region}{body}{organ_check}"
    sum31 = sum(_USCC.index(letter) * pow(3, place, 31) for place, letter in enumerate(head))
    return head + _USCC[(31 - sum31 % 31) % 31]


def deal_code(trade_class: str, platform: str, date: str, serial: int) -> str:
    """统一交易标识码: class, platform's USCC, yyyyMMdd, six digits, ISO 7064 MOD 37-2."""
    p = 0
    for letter in f"{trade_class}{platform}{date}{serial:06d}":
        p = (p + _DEAL.index(letter)) * 2 % 37
    return f"{trade_class}-{platform}-{date}-{serial:06d}-{_DEAL[(38 - p) % 37]}"


def bank_no(prefix: str) -> str:
    """支付系统行号: eleven digits and their ISO 7064 MOD 11,10 check digit."""
    p = 10
    for digit in prefix:
        p = (p + int(digit)) % 10 or 10
        p = p * 2 % 11
    return prefix + str((11 - p) % 10)


def qr_text(text: str) -> str:
    """The QR text of an invoice with its CRC-16/BUYPASS; `text` ends with a comma."""
    register = 0
    for bit in (octet >> place & 1 for octet in text.encode() for place in range(7, -1, -1)):
        top = register >> 15
        register = register << 1 & 0xFFFF
        if top ^ bit:
            register ^= _CRC_POLYNOMIAL
    return f"{text}{register:04X},"
