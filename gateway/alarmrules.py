"""Rules of alarms over metrics, and the life of an alarm: plain values in, moves out; no clock and no store here.

An alarm is one rule and one set of labels. Its life:

    (nothing) → pending → firing → acknowledged → ended
                   ↘ gone   ↘ ended

It fires once its condition has held for the rule's `for_s`, and ends once the condition has not held for
`CALM_S`, so that a value on its threshold does not call somebody every few seconds. A series that is not there any
more does not hold.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.families import FAMILIES

PENDING, FIRING, ACKNOWLEDGED, ENDED = "pending", "firing", "acknowledged", "ended"
SEVERITIES = ("critical", "warning", "info")
CALM_S = 60
MOST_S = 7 * 86_400
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
Labels = tuple[tuple[str, str], ...]
_NAME = re.compile(r"[a-z][a-z0-9-]{1,47}")
_VALUE = re.compile(r"[^\x00-\x1f\"{}=,]{1,128}")
_TITLE = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_NODE = "node"  # of what is of one process, and so of its machine


@dataclass(frozen=True, slots=True)
class Sample:
    """One series as it stands: labels sorted by name."""

    metric: str
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Rule:
    """`labels`: what the series' labels must be (`dead|unknown`: one of them). `repeat_s`: a firing alarm is told
    again after so long, until somebody acknowledges it; 0: never. `targets`: names of gateway.yaml's `notify`."""

    name: str
    title_zh: str
    title_en: str
    metric: str
    labels: Labels
    comparison: str
    threshold: float
    for_s: int
    severity: str
    targets: tuple[str, ...] = ()
    repeat_s: int = 0
    is_active: bool = True

    def holds(self, sample: Sample) -> bool:
        """Is the sample one of this rule's, and beyond its threshold?"""
        return self.selects(sample) and COMPARISONS[self.comparison](sample.value, self.threshold)

    def selects(self, sample: Sample) -> bool:
        if sample.metric != self.metric:
            return False
        given = dict(sample.labels)
        return all(given.get(name) in wanted.split("|") for name, wanted in self.labels)

    @property
    def condition(self) -> str:
        """As a person reads it: `gateway_deliveries{state="dead"} > 0`."""
        return f"{self.metric}{labels_text(self.labels)} {self.comparison} {number_text(self.threshold)}"


@dataclass(frozen=True, slots=True)
class Known:
    """An alarm that has not ended, as a judgement needs it; times in steady ms, 0: not."""

    id: str
    rule: str
    labels: Labels
    state: str
    value: float
    since: int
    calm_since: int
    told_at: int


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of an alarm. `kind`: begin (pending) | fire | hold (its value, no more calm) | calm | repeat |
    end | drop (a pending one that did not last). `alarm` is "" where there was none."""

    kind: str
    rule: str
    labels: Labels
    value: float
    alarm: str = ""


def labels_text(labels: Labels) -> str:
    """`{state="dead"}`; "" without labels."""
    told = ",".join(f'{name}="{value}"' for name, value in labels)
    return f"{{{told}}}" if told else ""


def number_text(value: float) -> str:
    """Without a needless `.0`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def judge(
    rules: Iterable[Rule], known: Iterable[Known], samples: Sequence[Sample], now_ms: int
) -> Iterator[Move]:
    """The moves of all alarms of one scope, by the samples of that scope. `now_ms` is steady."""
    active = {rule.name: rule for rule in rules if rule.is_active}
    open_ones = {(one.rule, one.labels): one for one in known}
    held: set[tuple[str, Labels]] = set()
    for rule in active.values():
        for sample in samples:
            if rule.holds(sample) and (rule.name, sample.labels) not in held:
                held.add((rule.name, sample.labels))
                found = open_ones.get((rule.name, sample.labels))
                yield from _holding(rule, sample, found, now_ms)
    for place, one in open_ones.items():
        if place not in held:
            yield from _calm(one, now_ms, at_once=one.rule not in active)


def _holding(rule: Rule, sample: Sample, found: Known | None, now_ms: int) -> Iterator[Move]:
    place = (rule.name, sample.labels, sample.value)
    if found is None:
        yield Move("begin" if rule.for_s else "fire", *place)
    elif found.state == PENDING and now_ms - found.since >= rule.for_s * 1000:
        yield Move("fire", *place, found.id)
    elif found.state == FIRING and rule.repeat_s and now_ms - found.told_at >= rule.repeat_s * 1000:
        yield Move("repeat", *place, found.id)
    elif found.state != PENDING and (found.calm_since or found.value != sample.value):
        yield Move("hold", *place, found.id)


def _calm(one: Known, now_ms: int, *, at_once: bool) -> Iterator[Move]:
    place = (one.rule, one.labels, one.value, one.id)
    if one.state == PENDING:
        yield Move("drop", *place)
    elif at_once or (one.calm_since and now_ms - one.calm_since >= CALM_S * 1000):
        yield Move("end", *place)
    elif not one.calm_since:
        yield Move("calm", *place)


def rule_faults(rule: Rule, targets: Iterable[str]) -> list[str]:
    """What is wrong with a rule, as fields' names (`metric`, `labels`, …); `targets` are those of the configuration.

    Only gauges are taken: a counter is of one process since its start, and its rate is Prometheus' to tell.
    """
    family = FAMILIES.get(rule.metric)
    known = family.labels if family is not None else ()
    if family is not None and family.scope == "process":
        known = (*known, _NODE)
    checks = {
        "name": _NAME.fullmatch(rule.name),
        "title_zh": _TITLE.fullmatch(rule.title_zh),
        "title_en": _TITLE.fullmatch(rule.title_en),
        "metric": family is not None and family.kind == "gauge",
        "labels": all(name in known and _VALUE.fullmatch(value) for name, value in rule.labels),
        "comparison": rule.comparison in COMPARISONS,
        "threshold": math.isfinite(rule.threshold),
        "for_s": 0 <= rule.for_s <= MOST_S,
        "severity": rule.severity in SEVERITIES,
        "targets": set(rule.targets) <= set(targets),
        "repeat_s": rule.repeat_s == 0 or 60 <= rule.repeat_s <= MOST_S,
    }
    return [field for field, is_right in checks.items() if not is_right]


GAUGES = tuple(name for name, family in FAMILIES.items() if family.kind == "gauge")
