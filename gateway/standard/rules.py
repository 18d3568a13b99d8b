"""Rules beside the schemas, as data: `schemas/standard/v1/rules.yaml`, one rule a line.

`values` are rules of single values (`valuerules.py`), `rules` those between fields:

    id        stable name of the rule
    types     number of a message type, or a list of them
    each      the rule holds for each element of a list (`Invoices/Invoice`); all paths are then inside it
    check     one of the kinds in `rulechecks.py`
    path      the element that the rule is about
    of, with, values, days, part     what it is compared with, by the kind of check; `part` is a slice
    when, unless               {path: value, [values], "A*" for a beginning or "*" for any}; all must hold
    result    CT-RESULT of the fault; severity  error (default) or warning
    zh, en    the rule in words

`mends` say how a fault is put right: by id of a rule, by kind of check, or by code of a fault.

A rule speaks only of what is sound: an operand that is missing, misshapen or has a fault of its own is
named there, and the rule keeps silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway import configfile
from gateway.errors import ConfigError, Fault, Finding
from gateway.message import Record
from gateway.standard.catalogue import Schemas
from gateway.standard.faults import shown
from gateway.standard.model import Element
from gateway.standard.rulechecks import CHECKS, Breach, Operands, texts_at
from gateway.standard.unsound import Unsound
from gateway.standard.valuerules import VALUE_CHECKS, ValueLine

Values = str | list[str]


class RuleLine(BaseModel):
    """A rule as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str = Field(pattern=r"[0-9a-z-]+")
    types: Values
    check: str
    path: str
    each: str = ""
    of: Values = []
    literal: str = Field(default="", alias="with")
    values: list[str] = []
    days: int = 0
    part: tuple[int, int] | None = None
    when: dict[str, Values] = {}
    unless: dict[str, Values] = {}
    result: str = "10003"
    severity: Literal["error", "warning"] = "error"
    zh: str
    en: str


class _RuleFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    values: list[ValueLine] = []
    rules: list[RuleLine]
    mends: dict[str, tuple[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Condition:
    """A path with one of the `values`, with a text that begins with one of the `prefixes`, or any value."""

    path: tuple[str, ...]
    values: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @property
    def is_any(self) -> bool:
        return "" in self.prefixes

    def holds(self, scope: Record) -> bool:
        found = texts_at(scope, self.path)
        return not self.values.isdisjoint(found) or any(text.startswith(self.prefixes) for text in found)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to run over the records of one type."""

    line: RuleLine
    operands: Operands
    breaches: Callable[[Record, Operands, date], Iterator[Breach]]
    each: tuple[str, ...]
    when: tuple[Condition, ...]
    unless: tuple[Condition, ...]
    code: str
    scope: Element
    places: tuple[str, ...]  # of every operand
    sensitive: str = ""
    hides_expected: bool = False

    def faults(self, record: Record, on: date, unsound: Unsound | None = None) -> Iterator[Fault]:
        """`unsound`: the places that have faults already."""
        each = self.line.each
        if unsound and (unsound.covers(each) if each else any(map(unsound.touches, self.places))):
            return
        for place, scope in _scopes(record, self.each):
            inside = unsound.item(each, place) if unsound and each else None
            if inside and any(map(inside.touches, self.places)):
                continue
            if all(one.holds(scope) for one in self.when) and not any(
                one.holds(scope) for one in self.unless
            ):
                for breach in self.breaches(scope, self.operands, on):
                    yield self._fault(breach, place)

    def _fault(self, breach: Breach, place: str) -> Fault:
        line = self.line
        path = f"{place}/{breach.path}" if place else breach.path
        found = shown(breach.found, self.sensitive) if breach.found else ""
        expected = "" if self.hides_expected else shown(breach.expected)
        return Fault(
            self.code, path, line.zh, line.en, line.result, expected=expected, found=found, rule=line.id
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules between fields of one type, by severity."""

    errors: tuple[Rule, ...] = ()
    warnings: tuple[Rule, ...] = ()

    def faults(
        self, record: Record, on: date, unsound: Unsound | None = None, *, most: int | None = None
    ) -> list[Fault]:
        return list(islice((one for rule in self.errors for one in rule.faults(record, on, unsound)), most))

    def advice(
        self, record: Record, on: date, unsound: Unsound | None = None, *, most: int | None = None
    ) -> list[Fault]:
        return list(islice((one for rule in self.warnings for one in rule.faults(record, on, unsound)), most))


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Everything in the file: rules between fields by type's number, of values, and how to mend what."""

    types: Mapping[str, Rules] = field(default_factory=dict)
    values: tuple[ValueLine, ...] = ()
    lines: tuple[RuleLine, ...] = ()
    mends: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, number: str) -> Rules:
        return self.types.get(number, Rules())

    def mended(self, faults: Iterable[Fault]) -> list[Fault]:
        """Each fault with the words on how to put it right."""
        found = []
        for fault in faults:
            mend = None if fault.mend_zh else self._mend(fault)
            found.append(fault if mend is None else replace(fault, mend_zh=mend[0], mend_en=mend[1]))
        return found

    def _mend(self, fault: Fault) -> tuple[str, str] | None:
        """By the rule's id, else by the code; a platform's own form is mended as the standard's is."""
        code = fault.code.replace("form.", "standard.", 1) if fault.code.startswith("form.") else fault.code
        return self.mends.get(fault.rule) or self.mends.get(code)


def load_rules(path: Path, schemas: Schemas) -> RuleBook:
    """ConfigError lists every finding with file and line."""
    document = configfile.load_document(path)
    file = configfile.validate(_RuleFile, document)
    findings: list[Finding] = []
    by_type: dict[str, list[Rule]] = {}
    seen: set[str] = set()
    sections: dict[str, Sequence[RuleLine | ValueLine]] = {"values": file.values, "rules": file.rules}
    for section, lines in sections.items():
        for index, line in enumerate(lines):
            wrong = _check(line, schemas) if isinstance(line, RuleLine) else _check_value_line(line)
            if line.id in seen:
                wrong.append(f"rule {line.id} stands twice")
            seen.add(line.id)
            findings += [document.finding((section, index), text, "standard.rule") for text in wrong]
            if not wrong and isinstance(line, RuleLine):
                for number in _listed(line.types):
                    by_type.setdefault(number, []).append(_made(line, schemas.roots[number]))
    if findings:
        raise ConfigError(findings)
    types = {number: _by_severity(rules) for number, rules in by_type.items()}
    return RuleBook(types, tuple(file.values), tuple(file.rules), _mends(file))


def _mends(file: _RuleFile) -> dict[str, tuple[str, str]]:
    """By id for every rule, from its own entry or its check's; the rest by code."""
    found = dict(file.mends)
    lines: list[RuleLine | ValueLine] = [*file.values, *file.rules]
    for line in lines:
        mend = file.mends.get(line.id) or file.mends.get(line.check)
        if mend is not None:
            found[line.id] = mend
    return found


def _by_severity(rules: list[Rule]) -> Rules:
    return Rules(
        tuple(rule for rule in rules if rule.line.severity == "error"),
        tuple(rule for rule in rules if rule.line.severity == "warning"),
    )


def _check_value_line(line: ValueLine) -> list[str]:
    if line.check in VALUE_CHECKS:
        return []
    return [f"unknown check {line.check!r}; there are: {', '.join(VALUE_CHECKS)}"]


def _check(line: RuleLine, schemas: Schemas) -> list[str]:
    wrong = []
    kind = CHECKS.get(line.check)
    if kind is None:
        return [f"unknown check {line.check!r}; there are: {', '.join(CHECKS)}"]
    given = {"of": line.of, "with": line.literal, "values": line.values, "days": line.days}
    if not any(given[name] for name in kind.needs) and kind.needs:
        wrong.append(f"{line.check} needs {' or '.join(kind.needs)}")
    for number in _listed(line.types):
        root = schemas.roots.get(number)
        if root is None:
            wrong.append(f"there is no message type {number}")
            continue
        scope = root.find(line.each) if line.each else root
        if scope is None or (line.each and not _is_flat_list(root, line.each)):
            wrong.append(f"{number} has no list {line.each}, or it is in another list")
            continue
        for path in (*_operands(line), *line.when, *line.unless):
            if scope.find(path) is None:
                wrong.append(f"{number} has no element {path}" + (f" in {line.each}" if line.each else ""))
    return wrong


def _operands(line: RuleLine) -> list[str]:
    """`path` and `of`; of a rule about the items of a list, `of` names fields of the item."""
    inside = f"{line.path}/" if line.check == "unique" else ""
    return [line.path, *(inside + path for path in _listed(line.of))]


def _is_flat_list(root: Element, each: str) -> bool:
    """Does the last element of the path repeat, and none above it?"""
    names = each.split("/")
    found = [root.find("/".join(names[: count + 1])) for count in range(len(names))]
    return [one is not None and one.repeats for one in found] == [False] * (len(names) - 1) + [True]


def _made(line: RuleLine, root: Element) -> Rule:
    kind = CHECKS[line.check]
    scope = (root.find(line.each) if line.each else None) or root
    element, *others = (scope.find(path) for path in _operands(line))
    sensitive = element.sensitive if element is not None else ""
    if line.check == "unique":  # what it finds are the fields that tell the items apart
        sensitive = next((one.sensitive for one in others if one is not None and one.sensitive), sensitive)
    return Rule(
        line=line,
        operands=Operands(
            path=tuple(line.path.split("/")),
            of=tuple(tuple(path.split("/")) for path in _listed(line.of)),
            literal=line.literal,
            values=frozenset(line.values),
            days=line.days,
            part=line.part,
        ),
        breaches=kind.breaches,
        each=tuple(line.each.split("/")) if line.each else (),
        when=_conditions(line.when),
        unless=_conditions(line.unless),
        code=kind.code,
        scope=scope,
        places=(*_operands(line), *line.when, *line.unless),
        sensitive=sensitive,
        hides_expected=bool(sensitive) or any(other is not None and other.sensitive for other in others),
    )


def _conditions(given: dict[str, Values]) -> tuple[Condition, ...]:
    made = []
    for path, values in given.items():
        plain = frozenset(value for value in _listed(values) if not value.endswith("*"))
        prefixes = tuple(value[:-1] for value in _listed(values) if value.endswith("*"))
        made.append(Condition(tuple(path.split("/")), plain, prefixes))
    return tuple(made)


def _scopes(record: Record, each: tuple[str, ...]) -> Iterator[tuple[str, Record]]:
    if not each:
        yield "", record
        return
    holder: Any = record
    for name in each[:-1]:
        holder = holder.get(name) if type(holder) is dict else None
    found = holder.get(each[-1]) if type(holder) is dict else None
    place = "/".join(each)
    for index, one in enumerate(found if type(found) is list else [], 1):
        if type(one) is dict:
            yield f"{place}[{index}]", one


def _listed(values: Values) -> list[str]:
    return [values] if isinstance(values, str) else list(values)
