"""Functions on numbers: exact, or rounded where a mapping says how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
)

from gateway.mapping.values import EXACT, Wrong, plain

MODES = {
    "half-up": ROUND_HALF_UP,
    "half-even": ROUND_HALF_EVEN,
    "down": ROUND_DOWN,
    "up": ROUND_UP,
}
_ROUNDING = Context(prec=160, traps=[InvalidOperation, DivisionByZero])
_TEN_THOUSAND = Decimal(10_000)
_CENT = Decimal("0.01")


def amount(value: Decimal, unit: str | None) -> str:
    """Yuan with two decimals. Units by the national code table: 0 元, 1 万元."""
    if unit == "1":
        value = EXACT.multiply(value, _TEN_THOUSAND)
    elif unit is not None and unit != "0":
        zh, en = "金额单位应为 0（元）或 1（万元）", "the unit is 0 (yuan) or 1 (ten thousand yuan)"
        raise Wrong("unknown-unit", zh, en, result="30002", expected="0, 1", found=unit, argument=1)
    return _exactly(value, _CENT, 2)


def fixed(places: int) -> Callable[[Decimal], str]:
    unit = Decimal(1).scaleb(-places)
    return lambda value: _exactly(value, unit, places)


def _exactly(value: Decimal, unit: Decimal, places: int) -> str:
    try:
        found = value.quantize(unit, context=EXACT)
    except (Inexact, InvalidOperation):
        raise Wrong(
            "not-exact",
            f"小数超过 {places} 位",
            f"more than {places} decimals",
            expected=str(places),
            found=plain(value),
        ) from None
    return plain(found if found else abs(found))  # no minus before zero


def rounded(places: int, mode: str) -> Callable[[Decimal], Decimal]:
    unit, rounding = Decimal(1).scaleb(-places), MODES[mode]
    return lambda value: value.quantize(unit, rounding=rounding, context=_ROUNDING)


def add(left: Decimal, right: Decimal) -> Decimal:
    return _exact(EXACT.add, left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    return _exact(EXACT.subtract, left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    return _exact(EXACT.multiply, left, right)


def divide(places: int | None, mode: str) -> Callable[[Decimal, Decimal], Decimal]:
    """Without `places` the quotient must be exact."""

    def run(left: Decimal, right: Decimal) -> Decimal:
        if not right:
            raise Wrong("division-by-zero", "除数为零", "the divisor is zero", argument=1)
        if places is None:
            return _exact(EXACT.divide, left, right)
        quotient = _ROUNDING.divide(left, right)
        return quotient.quantize(Decimal(1).scaleb(-places), rounding=MODES[mode], context=_ROUNDING)

    return run


def _exact(operation: Callable[[Decimal, Decimal], Decimal], left: Decimal, right: Decimal) -> Decimal:
    try:
        return operation(left, right)
    except Inexact:
        raise Wrong(
            "not-exact", "结果不能精确表示，请指明小数位数", "the result is not exact; say how many places"
        ) from None


def total(values: Sequence[Decimal]) -> Decimal | None:
    """Of no items: absent."""
    if not values:
        return None
    found = values[0]
    for value in values[1:]:
        found = _exact(EXACT.add, found, value)
    return found
