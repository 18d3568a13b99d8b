"""Rules that XSD cannot say, as data: schemas/standard/v1/rules.yaml.

Closed set of checks: sum-equals, sum-at-most, at-most, required-when, forbidden-when. Paths are of the
body; `A/B/C` collects over lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.configfile import load_document
from gateway.errors import Fault
from gateway.message import Record


@dataclass(frozen=True, slots=True)
class Rule:
    """`each`: the list items that path and others are relative to. `when`: field → legal values."""

    id: str
    types: tuple[str, ...]
    check: str
    path: str
    zh: str
    en: str
    result: str = "10003"
    other: str = ""
    each: str = ""
    when: Mapping[str, tuple[str, ...]] | None = None
    unless: Mapping[str, tuple[str, ...]] | None = None


class Rules:
    def __init__(self, rules: tuple[Rule, ...]):
        self.rules = rules
        self._by_type: dict[str, list[Rule]] = {}
        for rule in rules:
            for number in rule.types:
                self._by_type.setdefault(number, []).append(rule)

    @classmethod
    def load(cls, path: Path) -> Rules:
        rows = load_document(path).data["rules"]
        return cls(tuple(_rule(row) for row in rows))

    def judge(self, number: str, record: Record, on: date) -> list[Fault]:
        faults: list[Fault] = []
        for rule in self._by_type.get(number, ()):
            for item, base in _items(record, rule.each):
                if _applies(rule, item) and _broken(rule, item):
                    path = f"{base}/{rule.path}" if base else rule.path
                    expected, found = _told(rule, item)
                    faults.append(
                        Fault(
                            f"rule.{rule.id}",
                            path,
                            rule.zh,
                            rule.en,
                            rule.result,
                            expected=expected,
                            found=found,
                        )
                    )
        return faults


def _rule(row: Mapping[str, Any]) -> Rule:
    def table(name: str) -> Mapping[str, tuple[str, ...]] | None:
        found = row.get(name)
        return {key: tuple(map(str, value)) for key, value in found.items()} if found else None

    return Rule(
        row["id"], tuple(map(str, row["types"])), row["check"], row["path"], row["zh"], row["en"],
        str(row.get("result", "10003")), row.get("other", ""), row.get("each", ""), table("when"), table("unless"),
    )  # fmt: skip


def _items(record: Record, each: str) -> list[tuple[Record, str]]:
    if not each:
        return [(record, "")]
    wrapper, element = each.split("/")
    listed = (record.get(wrapper) or {}).get(element) or []
    return [(item, f"{each}[{index}]") for index, item in enumerate(listed, 1)]


def _applies(rule: Rule, item: Record) -> bool:
    if rule.when and any(item.get(name) not in values for name, values in rule.when.items()):
        return False
    return not (rule.unless and all(item.get(name) in values for name, values in rule.unless.items()))


def collect(item: Any, path: str) -> list[str]:
    """Every leaf at a path, over lists."""
    found = [item]
    for name in path.split("/"):
        following: list[Any] = []
        for one in found:
            value = one.get(name) if isinstance(one, dict) else None
            following.extend(value if isinstance(value, list) else [] if value is None else [value])
        found = following
    return found


def _sum(item: Record, path: str) -> Decimal:
    return sum((Decimal(text) for text in collect(item, path)), Decimal(0))


def _broken(rule: Rule, item: Record) -> bool:
    match rule.check:
        case "sum-equals":
            return _sum(item, rule.path) != _sum(item, rule.other)
        case "sum-at-most" | "at-most":
            return _sum(item, rule.path) > _sum(item, rule.other)
        case "required-when":
            return not collect(item, rule.path)
        case "forbidden-when":
            return bool(collect(item, rule.path))
        case _:
            raise ValueError(f"rule {rule.id}: unknown check {rule.check}")


def _told(rule: Rule, item: Record) -> tuple[str, str]:
    if rule.other:
        sign = "<= " if "at-most" in rule.check else ""
        return f"{sign}{_sum(item, rule.other)}", str(_sum(item, rule.path))
    return "", ""
