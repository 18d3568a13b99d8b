"""Rules between fields, as data: `schemas/standard/v1/rules.yaml`, one rule a line.

    id        stable name of the rule
    types     number of a message type, or a list of them
    each      the rule holds for each element of a list (`Invoices/Invoice`); all paths are then inside it
    check     one of the kinds in `rulechecks.py`
    path      the element that the rule is about
    of, with, values, days     what it is compared with, by the kind of check
    when, unless               {path: value, [values] or "*" for any value}; all of them must hold
    result    CT-RESULT of the fault; severity  error (default) or warning
    zh, en    the rule in words

A rule speaks only of what is sound: an operand that is missing, misshapen or has a fault of its own is
named there, and the rule keeps silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
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

_INDEX = re.compile(r"\[[0-9]+\]")
ANYWHERE = "*"
Values = str | list[str]
Conditions = tuple[tuple[tuple[str, ...], frozenset[str]], ...]


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
    when: dict[str, Values] = {}
    unless: dict[str, Values] = {}
    result: str = "10003"
    severity: Literal["error", "warning"] = "error"
    zh: str
    en: str


class _RuleFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[RuleLine]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to run over the records of one type."""

    line: RuleLine
    operands: Operands
    breaches: Callable[[Record, Operands, date], Iterator[Breach]]
    each: tuple[str, ...]
    when: Conditions
    unless: Conditions
    code: str
    scope: Element
    sensitive: str = ""

    def faults(self, record: Record, on: date, unsound: Sequence[str] = ()) -> Iterator[Fault]:
        """`unsound`: the paths that have faults already."""
        silent = self._unsound_scopes(unsound) if unsound else frozenset()
        if ANYWHERE in silent:
            return
        for place, scope in _scopes(record, self.each):
            if place in silent or not all(_holds(scope, path, wanted) for path, wanted in self.when):
                continue
            if any(_holds(scope, path, wanted) for path, wanted in self.unless):
                continue
            for breach in self.breaches(scope, self.operands, on):
                yield self._fault(breach, place)

    def _fault(self, breach: Breach, place: str) -> Fault:
        line = self.line
        path = f"{place}/{breach.path}" if place else breach.path
        found = shown(breach.found, self.sensitive) if breach.found else ""
        expected = "" if self.sensitive else breach.expected
        return Fault(self.code, path, line.zh, line.en, line.result, expected=expected, found=found)

    def _unsound_scopes(self, unsound: Sequence[str]) -> frozenset[str]:
        """The places where an operand has a fault: list items, "" for a rule without `each`, or ANYWHERE."""
        conditions = (path for path, _ in (*self.when, *self.unless))
        operands = ["/".join(path) for path in (self.operands.path, *self.operands.of, *conditions)]
        each = "/".join(self.each)
        found = set()
        for fault in unsound:
            place, inside = _split(fault, each)
            if not inside or any(is_overlapping(_INDEX.sub("", inside), operand) for operand in operands):
                found.add(place)
        return frozenset(found)


def _split(fault: str, each: str) -> tuple[str, str]:
    """A fault's path as (scope of the rule, path inside it); the scope is ANYWHERE or nowhere if it has none."""
    if not fault:
        return ANYWHERE, ""
    if not each:
        return "", fault
    if fault.startswith(f"{each}["):
        item, _, inside = fault.partition("]")
        return f"{item}]", inside.lstrip("/")
    return (ANYWHERE, "") if is_overlapping(fault, each) else ("nowhere", fault)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one type, by severity."""

    errors: tuple[Rule, ...] = ()
    warnings: tuple[Rule, ...] = ()

    def faults(self, record: Record, on: date, unsound: Sequence[str] = ()) -> list[Fault]:
        return [fault for rule in self.errors for fault in rule.faults(record, on, unsound)]

    def advice(self, record: Record, on: date, unsound: Sequence[str] = ()) -> list[Fault]:
        return [fault for rule in self.warnings for fault in rule.faults(record, on, unsound)]


def is_overlapping(path: str, other: str) -> bool:
    """Is one of two places the other, or around it?"""
    return (
        path == other
        or path.startswith((f"{other}/", f"{other}["))
        or other.startswith((f"{path}/", f"{path}["))
    )


def load_rules(path: Path, schemas: Schemas) -> dict[str, Rules]:
    """Number of a type → its rules; ConfigError lists every finding with file and line."""
    document = configfile.load_document(path)
    lines = configfile.validate(_RuleFile, document).rules
    findings: list[Finding] = []
    by_type: dict[str, list[Rule]] = {}
    seen: set[str] = set()
    for index, line in enumerate(lines):
        wrong = _check(line, schemas)
        if line.id in seen:
            wrong.append(f"rule {line.id} stands twice")
        seen.add(line.id)
        for text in wrong:
            findings.append(document.finding(("rules", index), text, "standard.rule"))
        if not wrong:
            for number in _listed(line.types):
                by_type.setdefault(number, []).append(_made(line, schemas.roots[number]))
    if findings:
        raise ConfigError(findings)
    return {number: _by_severity(rules) for number, rules in by_type.items()}


def _by_severity(rules: list[Rule]) -> Rules:
    return Rules(
        tuple(rule for rule in rules if rule.line.severity == "error"),
        tuple(rule for rule in rules if rule.line.severity == "warning"),
    )


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
        for path in [line.path, *_listed(line.of), *line.when, *line.unless]:
            found = scope.find(path)
            if found is None:
                wrong.append(f"{number} has no element {path}" + (f" in {line.each}" if line.each else ""))
    return wrong


def _is_flat_list(root: Element, each: str) -> bool:
    """Does the last element of the path repeat, and none above it?"""
    names = each.split("/")
    found = [root.find("/".join(names[: count + 1])) for count in range(len(names))]
    return [one is not None and one.repeats for one in found] == [False] * (len(names) - 1) + [True]


def _made(line: RuleLine, root: Element) -> Rule:
    kind = CHECKS[line.check]
    scope = (root.find(line.each) if line.each else None) or root
    element = scope.find(line.path)
    return Rule(
        line=line,
        operands=Operands(
            path=tuple(line.path.split("/")),
            of=tuple(tuple(path.split("/")) for path in _listed(line.of)),
            literal=line.literal,
            values=frozenset(line.values),
            days=line.days,
        ),
        breaches=kind.breaches,
        each=tuple(line.each.split("/")) if line.each else (),
        when=_conditions(line.when),
        unless=_conditions(line.unless),
        code=kind.code,
        scope=scope,
        sensitive=element.sensitive if element is not None else "",
    )


def _conditions(given: dict[str, Values]) -> Conditions:
    return tuple((tuple(path.split("/")), frozenset(_listed(values))) for path, values in given.items())


def _holds(scope: Record, path: tuple[str, ...], wanted: frozenset[str]) -> bool:
    found = texts_at(scope, path)
    return bool(found) and ("*" in wanted or not wanted.isdisjoint(found))


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
