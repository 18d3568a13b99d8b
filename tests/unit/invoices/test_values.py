"""Amounts, days, rates and numerals as invoices write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invoices import values

_DIGITS = "零壹贰叁肆伍陆柒捌玖"


def spoken(amount_fen: int) -> str:
    """The Chinese capital form of an amount, by the rules of 票据 (zeros between are said once)."""
    yuan, rest = divmod(amount_fen, 100)
    jiao, fen = divmod(rest, 10)
    text = f"{_whole(yuan)}圆"
    if not rest:
        return text + "整"
    text += f"{_DIGITS[jiao]}角" if jiao else "零"
    return text + (f"{_DIGITS[fen]}分" if fen else "整")


def _whole(number: int) -> str:
    if number >= 10**8:
        return _join(_whole(number // 10**8) + "亿", number % 10**8, 10**7)
    if number >= 10**4:
        return _join(_whole(number // 10**4) + "万", number % 10**4, 1000)
    for size, unit in ((1000, "仟"), (100, "佰"), (10, "拾")):
        if number >= size:
            return _join(_DIGITS[number // size] + unit, number % size, size // 10)
    return _DIGITS[number]


def _join(head: str, rest: int, least: int) -> str:
    return head if not rest else head + ("零" if rest < least else "") + _whole(rest)


@given(st.integers(0, 10**14))
def test_an_amount_in_words_is_the_number_that_was_spoken(amount_fen: int) -> None:
    assert values.words_fen(spoken(amount_fen)) == amount_fen


@pytest.mark.parametrize(
    ("words", "fen"),
    [("壹万陆仟圆整", 1_600_000), ("⊗ 叁佰壹拾捌圆整", 31_800), ("人民币 拾元伍角", 1_050), ("（负）壹佰元零伍分", -10_005),
     ("负数壹仟元正", -100_000), ("壹亿零叁元整", 10_000_000_300), ("一百零二元三角", 10_230)],
)  # fmt: skip
def test_real_ways_of_writing_an_amount_in_words(words: str, fen: int) -> None:
    assert values.words_fen(words) == fen


@pytest.mark.parametrize(
    "words",
    ["", "圆整", "壹贰圆整", "壹万", "合计壹圆整", "壹圆整整", "X圆", "壹圆叁叁分", "壹" * 100 + "圆"],
)
def test_what_is_no_amount_in_words_is_none(words: str) -> None:
    assert values.words_fen(words) is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [("300", "300.00"), ("￥1,234.5", "1234.50"), ("¥ -6.00", "-6.00"), ("-0.00", "0.00"), ("１００.００", "100.00"),
     ("12.345", "12.345"), ("***", "***"), ("1e9", "1e9"), ("9" * 16, "9" * 16)],
)  # fmt: skip
def test_amounts_come_in_the_form_of_the_standard_or_as_they_stood(text: str, amount: str) -> None:
    assert values.amount(text) == amount


@pytest.mark.parametrize(
    ("text", "day"),
    [("2020年10月10日", "20201010"), ("2024-01-24 16:23:48", "20240124"), ("2024-1-4T00:00", "20240104"),
     ("20200805", "20200805"), ("2026/6/3", "20260603"), ("2020111", "2020111"), ("昨天", "昨天")],
)  # fmt: skip
def test_days_come_in_the_form_of_the_standard_or_as_they_stood(text: str, day: str) -> None:
    assert values.day(text) == day


@pytest.mark.parametrize(
    ("text", "rate"), [("6%", "0.06"), ("0.01", "0.01"), ("13％", "0.13"), ("免税", None), ("***", None)]
)
def test_rates_are_read_as_percent_or_as_a_fraction(text: str, rate: str | None) -> None:
    assert values.rate(text) == (Decimal(rate) if rate else None)


@given(st.text(max_size=200))
def test_no_text_makes_a_value_raise(text: str) -> None:
    (
        values.amount(text),
        values.day(text),
        values.rate(text),
        values.name(text),
        values.words_fen(text),
        values.fen(text),
    )
