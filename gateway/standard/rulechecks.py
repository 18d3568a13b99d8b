"""The closed set of checks that a rule between fields may name. Each answers with the breaches in one
record (or list item).

Amounts are compared as whole units of their last decimal, never as floats. `on` is the message's day.
"""

from __future__ import annotations

import re
from collections import Counter
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
    part: tuple[int, int] | None = None

    @property
    def place(self) -> str:
        return "/".join(self.path)

    def cut(self, text: str) -> str:
        """The part of the text that the rule is about."""
        return text if self.part is None else text[self.part[0] : self.part[1]]


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


def places_at(value: Any, path: Path, place: str = "") -> Iterator[tuple[str, Any]]:
    """(place with indexes, value) of everything at a path, through lists; nothing where it is absent."""
    if not path:
        yield place, value
        return
    name, *rest = path
    inner = value.get(name) if type(value) is dict else None
    here = f"{place}/{name}" if place else name
    if type(inner) is list:
        for index, one in enumerate(inner, 1):
            yield from places_at(one, tuple(rest), f"{here}[{index}]")
    elif inner is not None:
        yield from places_at(inner, tuple(rest), here)


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


def _own_texts(record: Record, given: Operands) -> Iterator[tuple[str, str]]:
    """(place, text) of what the rule is about."""
    for place, value in places_at(record, given.path):
        if type(value) is str:
            yield place, value


def _others(record: Record, given: Operands) -> list[str]:
    return [given.literal] if given.literal else [one for path in given.of for one in texts_at(record, path)]


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


def _compared(record: Record, amounts: tuple[Path, ...], given: Operands) -> tuple[int, int] | None:
    """(sum of `amounts`, what it is held against): `with`, or the sum at `of`. None where any is no amount."""
    amount = _sum(record, amounts)
    total = _fen(given.literal) if given.literal else _sum(record, given.of)
    return None if amount is None or total is None else (amount, total)


def _sum_equals(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    pair = _compared(record, (given.path,), given) if texts_at(record, given.path) else None
    if pair is not None and pair[0] != pair[1]:
        yield Breach(given.place, _yuan(pair[1]), _yuan(pair[0]))


def _sum_at_most(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """The amounts at `path`, all together, are at most those at `of` (or `with`), where there are any."""
    if not texts_at(record, given.path) or not _others(record, given):
        return
    pair = _compared(record, (given.path,), given)
    if pair is not None and pair[0] > pair[1]:
        yield Breach(given.place, f"<= {_yuan(pair[1])}", _yuan(pair[0]))


def _number_at_most(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        for other in _others(record, given):
            if text.isdecimal() and other.isdecimal() and int(text) > int(other):
                yield Breach(place, f"<= {other}", text)


def _count_equals(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    count = sum(len(values_at(record, path)) for path in given.of)
    for place, text in _own_texts(record, given):
        if text != str(count):
            yield Breach(place, str(count), text)


def _count_at_most(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    count = len(values_at(record, given.path))
    if count > int(given.literal):
        yield Breach(given.place, f"<= {given.literal}", str(count))


def _marked_once(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """Exactly one of the list's items has one of `values`."""
    count = sum(text in given.values for text in texts_at(record, given.path))
    if count != 1:
        yield Breach("/".join(given.path[:-1]), "1", str(count))


def _required(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    if not values_at(record, given.path):
        yield Breach(given.place)


def _forbidden(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, value in places_at(record, given.path):
        yield Breach(place, found=value if type(value) is str else "")


def _at_most_one(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """Of `path` and `of`, one stands at most; the fault is at `path`."""
    names = ["/".join(path) for path in given.of if values_at(record, path)]
    for place, value in places_at(record, given.path):
        if names:
            yield Breach(place, f"without {', '.join(names)}", value if type(value) is str else "")


def _value_in(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        if text not in given.values:
            yield Breach(place, ", ".join(sorted(given.values)), text)


def _value_not_in(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        if text in given.values:
            yield Breach(place, f"not {', '.join(sorted(given.values))}", text)


def _includes_any(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """At least one item of the list has one of `values`."""
    if given.values.isdisjoint(texts_at(record, given.path)):
        yield Breach("/".join(given.path[:-1]), " | ".join(sorted(given.values)))


def _equals(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        for other in _others(record, given):
            if given.cut(text) != other:
                yield Breach(place, other, given.cut(text))


def _differs(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        if text in _others(record, given):
            yield Breach(place, f"not {text}", text)


def _starts_with(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        for other in _others(record, given):
            if not text.startswith(other):
                yield Breach(place, f"{other}…", text)


def _composed(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """The elements at `of` one after the other, then `with`."""
    parts = [texts_at(record, path) for path in given.of]
    if not all(parts):
        return
    whole = "".join(part[0] for part in parts) + given.literal
    for place, text in _own_texts(record, given):
        if text != whole:
            yield Breach(place, whole, text)


def _matches(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        if not re.fullmatch(given.literal, text):
            yield Breach(place, given.literal, text)


def _unique(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """No two items of the list agree in all fields of `of`; an item that has none of them counts as other."""
    items = [(place, tuple(tuple(texts_at(one, path)) for path in given.of)) for place, one in
             places_at(record, given.path)]  # fmt: skip
    seen: Counter[tuple[tuple[str, ...], ...]] = Counter()
    for place, key in items:
        seen[key] += 1
        if any(key) and seen[key] > 1:
            found = "|".join("".join(part) for part in key)
            yield Breach(f"{place}/{'/'.join(given.of[0])}", "once", found)


def _not_after(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """Years, days and moments, compared as far as both are written. `with: today` is the message's day."""
    others = [f"{on:%Y%m%d}"] if given.literal == "today" else _others(record, given)
    for place, text in _own_texts(record, given):
        for other in others:
            length = min(len(text), len(other))
            if text[:length] > other[:length]:
                yield Breach(place, f"<= {other}", text)


def _not_before(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        for other in _others(record, given):
            length = min(len(text), len(other))
            if text[:length] < other[:length]:
                yield Breach(place, f">= {other}", text)


def _within_days(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """At most `days` days after the day at `of`."""
    for place, text in _own_texts(record, given):
        for other in _others(record, given):
            if not (checks.is_day(text) and checks.is_day(other)):
                continue
            start = date(int(other[:4]), int(other[4:6]), int(other[6:]))
            if start > date.max - timedelta(given.days):
                continue
            last = f"{start + timedelta(given.days):%Y%m%d}"
            if text > last:
                yield Breach(place, f"<= {last}", text)


def _gbk_at_most(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        length = checks.gbk_length(text)
        if length is not None and length > int(given.literal):
            yield Breach(place, f"<= {given.literal} bytes", f"{length} bytes")


def _qr_text(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    for place, text in _own_texts(record, given):
        if not checks.is_qr_text(text):
            yield Breach(place, "CRC-16", text)


def _qr_part(record: Record, given: Operands, on: date) -> Iterator[Breach]:
    """The part of the QR text that `with` names is one of the values at `of`; an empty part says nothing."""
    others = [one for path in given.of for one in texts_at(record, path)]
    for place, text in _own_texts(record, given):
        part = checks.qr_parts(text).get(given.literal, "")
        if part and others and part not in others:
            yield Breach(place, " | ".join(others), part)


CHECKS: dict[str, Check] = {
    "sum-equals": Check("standard.amount-sum", _sum_equals, ("of",)),
    "sum-at-most": Check("standard.amount-sum", _sum_at_most, ("of", "with")),
    "number-at-most": Check("standard.out-of-range", _number_at_most, ("of", "with")),
    "count-equals": Check("standard.count", _count_equals, ("of",)),
    "count-at-most": Check("standard.count", _count_at_most, ("with",)),
    "marked-once": Check("standard.count", _marked_once, ("values",)),
    "required-when": Check("standard.missing-element", _required),
    "forbidden-when": Check("standard.not-allowed", _forbidden),
    "at-most-one": Check("standard.not-allowed", _at_most_one, ("of",)),
    "value-in": Check("standard.wrong-value", _value_in, ("values",)),
    "value-not-in": Check("standard.wrong-value", _value_not_in, ("values",)),
    "includes-any": Check("standard.missing-value", _includes_any, ("values",)),
    "equals": Check("standard.not-equal", _equals, ("of", "with")),
    "differs": Check("standard.wrong-value", _differs, ("of", "with")),
    "starts-with": Check("standard.wrong-start", _starts_with, ("of", "with")),
    "composed": Check("standard.not-equal", _composed, ("of",)),
    "matches": Check("standard.wrong-pattern", _matches, ("with",)),
    "unique": Check("standard.repeated", _unique, ("of",)),
    "not-after": Check("standard.date-order", _not_after, ("of", "with")),
    "not-before": Check("standard.date-order", _not_before, ("of", "with")),
    "within-days": Check("standard.date-order", _within_days, ("of",)),
    "gbk-at-most": Check("standard.gbk-length", _gbk_at_most, ("with",)),
    "qr-text": Check("standard.check-digit", _qr_text),
    "qr-part": Check("standard.not-equal", _qr_part, ("of",)),
}
