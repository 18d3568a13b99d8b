"""The closed set of checks that a rule may name. Each answers with the breaches in one record (or list item).

Amounts are compared as whole units of their last decimal, never as floats. `on` is the message's day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gateway.message import Record
from gateway.standard import checks

Path = tuple[str, ...]
_AMOUNT = re.compile(r"-?[0-9]{1,18}\.[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Operands:
    """`of`: other elements of the same record (or list item); the rest is as in the rule's line."""

    path: Path
    of: tuple[Path, ...] = ()
    literal: str = ""
    values: frozenset[str] = frozenset()
    days: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    path: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """`code` of its faults; `needs`: at least one of these must be given in the rule's line."""

    code: str
    breaches: Callable[[Record, Operands, date], Iterator[Breach]]
    needs: tuple[str, ...] = ()


def values_at(value: Any, path: Path) -> list[Any]:
    """Every value at a path, through lists; [] where it is absent."""
    found = [value]
    for name in path:
        following: list[Any] = []
        for one in found:
            inner = one.get(name) if type(one) is dict else None
            if type(inner) is list:
                following += inner
            elif inner is not None:
                following.append(inner)
        found = following
    return found


def texts_at(value: Any, path: Path) -> list[str]:
    return [one for one in values_at(value, path) if type(one) is str]


def _fen(text: str) -> int | None:
    return int(text.replace(".", "")) if _AMOUNT.fullmatch(text) else None


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _sum(record: Record, paths: tuple[Path, ...]) -> int | None:
    total = 0
    for path in paths:
        for value in values_at(record, path):
            fen = _fen(value) if type(value) is str else None
            if fen is None:
                return None
            total += fen
    return total


def _amount_and_sum(record: Record, given: Operands) -> tuple[int, int] | None:
    found = texts_at(record, given.path)
    amount = _fen(found[0]) if found else None
    total = _sum(record, given.of)
    return None if amount is None or total is None else (amount, total)


def _sum_equals(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    pair = _amount_and_sum(record, given)
    if pair is not None and pair[0] != pair[1]:
        yield Breach("/".join(given.path), _yuan(pair[1]), _yuan(pair[0]))


def _sum_at_most(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    pair = _amount_and_sum(record, given)
    if pair is not None and pair[0] > pair[1]:
        yield Breach("/".join(given.path), f"<= {_yuan(pair[1])}", _yuan(pair[0]))


def _count_equals(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    count = sum(len(values_at(record, path)) for path in given.of)
    for text in texts_at(record, given.path):
        if text != str(count):
            yield Breach("/".join(given.path), str(count), text)


def _required(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    if not values_at(record, given.path):
        yield Breach("/".join(given.path))


def _forbidden(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for value in values_at(record, given.path):
        yield Breach("/".join(given.path), found=value if type(value) is str else "")


def _value_in(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for text in texts_at(record, given.path):
        if text not in given.values:
            yield Breach("/".join(given.path), ", ".join(sorted(given.values)), text)


def _equals(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for text in texts_at(record, given.path):
        for other in _others(record, given):
            if text != other:
                yield Breach("/".join(given.path), other, text)


def _starts_with(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for text in texts_at(record, given.path):
        for other in _others(record, given):
            if not text.startswith(other):
                yield Breach("/".join(given.path), f"{other}…", text)


def _others(record: Record, given: Operands) -> list[str]:
    return [given.literal] if given.literal else [one for path in given.of for one in texts_at(record, path)]


def _not_after(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """Years, days and moments, compared as far as both are written. `with: today` is the message's day."""
    others = [f"{on:%Y%m%d}"] if given.literal == "today" else _others(record, given)
    for text in texts_at(record, given.path):
        for other in others:
            length = min(len(text), len(other))
            if text[:length] > other[:length]:
                yield Breach("/".join(given.path), f"<= {other}", text)


def _within_days(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """At most `days` days after the day at `of`."""
    for text in texts_at(record, given.path):
        for other in _others(record, given):
            if not (checks.is_day(text) and checks.is_day(other)):
                continue
            start = date(int(other[:4]), int(other[4:6]), int(other[6:]))
            if start > date.max - timedelta(given.days):
                continue
            last = f"{start + timedelta(given.days):%Y%m%d}"
            if text > last:
                yield Breach("/".join(given.path), f"<= {last}", text)


def _qr_text(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for text in texts_at(record, given.path):
        if not checks.is_qr_text(text):
            yield Breach("/".join(given.path), "CRC-16", text)


CHECKS: dict[str, Check] = {
    "sum-equals": Check("standard.amount-sum", _sum_equals, ("of",)),
    "sum-at-most": Check("standard.amount-sum", _sum_at_most, ("of",)),
    "count-equals": Check("standard.count", _count_equals, ("of",)),
    "required-when": Check("standard.missing-element", _required),
    "forbidden-when": Check("standard.not-allowed", _forbidden),
    "value-in": Check("standard.wrong-value", _value_in, ("values",)),
    "equals": Check("standard.not-equal", _equals, ("of", "with")),
    "starts-with": Check("standard.wrong-start", _starts_with, ("of", "with")),
    "not-after": Check("standard.date-order", _not_after, ("of", "with")),
    "within-days": Check("standard.date-order", _within_days, ("of",)),
    "qr-text": Check("standard.check-digit", _qr_text),
}
