"""Numbers of the business world that never repeat; their check characters are the standard's."""

from __future__ import annotations

import secrets

from gateway.standard.numbers import bank_no, deal_code, uscc

__all__ = ["account_no", "bank_no", "deal_code", "digits", "invoice_number", "new_company", "uscc"]


def digits(count: int) -> str:
    """Random decimal digits, the first one not zero."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def new_company(region: str = "310115") -> str:
    """The USCC of a company that did not exist before."""
    return uscc("91", region, "T" + digits(7))


def invoice_number(year: str) -> str:
    """数电票号码: year, Shanghai, channel, fifteen digits."""
    return f"{year[-2:]}312{digits(15)}"


def account_no() -> str:
    return f"1001{digits(15)}"
