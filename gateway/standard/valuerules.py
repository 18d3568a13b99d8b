"""Rules of single values that XSD cannot say, as data: the lines under `values` in `rules.yaml`.

    id        stable name of the rule
    on        the mark of the elements that it holds for: a simple type's m:check, or `codes`, `gbk`,
              `gbk-warn` for elements with a code table or a limit of bytes
    kinds     values of the sibling that m:codetype names ("" = absent); a line without kinds is for
              elements without such a sibling
    check     one of the checks below
    result, severity, zh, en     as in a rule between fields; the words may name {…} what the check found

The lines of one mark are tried in their order; the first that a value breaks speaks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import Fault
from gateway.message import Record
from gateway.standard import checks
from gateway.standard.codes import CodeTables
from gateway.standard.faults import of_value
from gateway.standard.model import Element

_FEW = 10


class ValueLine(BaseModel):
    """A rule of single values as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"[0-9a-z-]+")
    on: str
    check: str
    kinds: list[str] = []
    result: str = "10003"
    severity: Literal["error", "warning"] = "error"
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Miss:
    """What a check found: `words` fill the rule's text, `found` stands for the value where it is not one."""

    expected: str = ""
    found: str | None = None
    value: str | None = None
    words: dict[str, str] = field(default_factory=dict)


Misses = Callable[[str, Element, CodeTables, date], Iterator[Miss]]


def _digits(is_right: Callable[[str], bool], expected: str) -> Misses:
    def misses(value: str, element: Element, codes: CodeTables, on: date) -> Iterator[Miss]:
        if not is_right(value):
            yield Miss(expected)

    return misses


def _in_table(value: str, element: Element, codes: CodeTables, on: date) -> Iterator[Miss]:
    table = codes.get(element.codes)
    for code in _codes_of(value, element):
        if code not in table.rows:
            yield Miss(_offered(element.codes, codes, on), value=code, words={"table": element.codes})


def _valid_on_day(value: str, element: Element, codes: CodeTables, on: date) -> Iterator[Miss]:
    table = codes.get(element.codes)
    for code in _codes_of(value, element):
        row = table.rows.get(code)
        if row is not None and not table.is_valid(code, on):
            span = f"{row.valid_from or '…'}–{row.valid_to or '…'}"
            words = {"name": row.name_zh, "day": f"{on:%Y%m%d}", "span": span}
            yield Miss(_offered(element.codes, codes, on), value=code, words=words)


def _codes_of(value: str, element: Element) -> list[str]:
    return value.split(element.codes_separator) if element.codes_separator else [value]


def _offered(name: str, codes: CodeTables, on: date) -> str:
    """The table by name, and what it offers where that is little."""
    valid = codes.get(name).valid_on(on)
    return f"{name}: {', '.join(sorted(valid))}" if len(valid) <= _FEW else name


def _in_gbk(value: str, element: Element, codes: CodeTables, on: date) -> Iterator[Miss]:
    letter = "" if checks.gbk_length(value) is not None else checks.first_outside_gbk(value)
    if letter:
        text = f"{letter} (U+{ord(letter):04X})"
        yield Miss("GBK", found=text, words={"letter": text})


def _gbk_bytes(most: Callable[[Element], int]) -> Misses:
    def misses(value: str, element: Element, codes: CodeTables, on: date) -> Iterator[Miss]:
        length, limit = checks.gbk_length(value) or 0, most(element)
        if length > limit:
            words = {"bytes": str(length), "most": str(limit)}
            yield Miss(f"<= {limit}", found=str(length), words=words)

    return misses


# check → (code of its faults, what it finds). A value that gets here has passed the facets of its type.
VALUE_CHECKS: dict[str, tuple[str, Misses]] = {
    "credit-code": ("standard.check-digit", _digits(checks.has_credit_check, "GB 32100")),
    "organ-code": ("standard.check-digit", _digits(checks.has_organ_check, "GB 11714")),
    "party-code": ("standard.check-digit", _digits(checks.is_party, "GB 32100 | GB 11643")),
    "identity-number": ("standard.check-digit", _digits(checks.is_id_card, "GB 11643")),
    "deal-code": ("standard.check-digit", _digits(checks.has_deal_check, "MOD 37-2")),
    "deal-platform": ("standard.check-digit", _digits(lambda text: checks.is_uscc(text[4:22]), "GB 32100")),
    "deal-day": ("standard.not-a-date", _digits(lambda text: checks.is_day(text[23:31]), "yyyyMMdd")),
    "bank-number": ("standard.check-digit", _digits(checks.is_cnaps, "MOD 11,10")),
    "calendar-day": ("standard.not-a-date", _digits(checks.is_day, "yyyyMMdd")),
    "calendar-moment": ("standard.not-a-date", _digits(checks.is_moment, "yyyyMMddHHmmss")),
    "in-table": ("standard.unknown-code", _in_table),
    "valid-on-day": ("standard.unknown-code", _valid_on_day),
    "in-gbk": ("standard.outside-gbk", _in_gbk),
    "gbk-bytes": ("standard.gbk-length", _gbk_bytes(lambda element: element.gbk_max)),
    "gbk-narrow": ("standard.gbk-length", _gbk_bytes(lambda element: element.gbk_warn)),
}  # fmt: skip


class ValueRules:
    """The lines at work, with the code tables that they look into."""

    def __init__(self, lines: Sequence[ValueLine], codes: CodeTables):
        self.lines = tuple(lines)
        self.codes = codes
        self._of: dict[tuple[str, bool, str], tuple[ValueLine, ...]] = {}
        self._known: dict[tuple[int, str], tuple[Element, tuple[ValueLine, ...]]] = {}
        for line in self.lines:
            place = (line.on, bool(line.kinds), line.severity)
            self._of[place] = (*self._of.get(place, ()), line)

    def __contains__(self, mark: object) -> bool:
        return any(line.on == mark for line in self.lines)

    def faults(self, element: Element, value: str, path: str, holder: Record, on: date) -> Iterable[Fault]:
        """What is wrong with a value that the facets of its type allow."""
        lines = self.lines_of(element)
        return self._faults(lines, element, value, path, holder, on) if lines else ()

    def warnings(self, element: Element, value: str, path: str, holder: Record, on: date) -> Iterable[Fault]:
        lines = self.lines_of(element, "warning")
        return self._faults(lines, element, value, path, holder, on) if lines else ()

    def lines_of(self, element: Element, severity: str = "error") -> tuple[ValueLine, ...]:
        """The lines that hold for an element, whatever the kind of its code; looked up once an element."""
        known = self._known.get((id(element), severity))
        if known is None or known[0] is not element:
            has_kind = bool(element.code_type)
            lines = [line for mark in marks(element) for line in self._of.get((mark, has_kind, severity), ())]
            known = self._known[id(element), severity] = (element, tuple(lines))
        return known[1]

    def _faults(
        self, lines: Iterable[ValueLine], element: Element, value: str, path: str, holder: Record, on: date
    ) -> Iterator[Fault]:
        kind = holder.get(element.code_type, "") if element.code_type else ""
        for line in lines:
            if line.kinds and kind not in line.kinds:
                continue
            code, misses = VALUE_CHECKS[line.check]
            found = [
                _fault(line, code, element, value, path, miss)
                for miss in misses(value, element, self.codes, on)
            ]
            if found:
                yield from found
                return


def marks(element: Element) -> Iterator[str]:
    """What the lines' `on` may name of an element. Only one of them is a check or a table in practice."""
    if element.value is not None and element.value.check:
        yield element.value.check
    if element.codes and not element.codes_open:
        yield "codes"
    if element.gbk_max:
        yield "gbk"
    if element.gbk_warn:
        yield "gbk-warn"


def _fault(line: ValueLine, code: str, element: Element, value: str, path: str, miss: Miss) -> Fault:
    zh, en = line.zh.format_map(miss.words), line.en.format_map(miss.words)
    shown = value if miss.value is None else miss.value
    made = of_value(
        code, path, element, shown, zh, en, result=line.result, expected=miss.expected, found=miss.found
    )
    return replace(made, rule=line.id)
