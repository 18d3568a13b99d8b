"""Rules of alarms and the life of an alarm, without a clock or a store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.alarmrules import (
    ACKNOWLEDGED,
    CALM_S,
    COMPARISONS,
    FIRING,
    PENDING,
    Known,
    Labels,
    Move,
    Rule,
    Sample,
    judge,
    rule_faults,
)
from gateway.settings import load_settings

DEAD: Labels = (("state", "dead"),)
RULE = Rule(
    "dead-letters", "死信", "Dead letters", "gateway_deliveries", (("state", "dead|unknown"),), ">", 0, 60, "warning",
    ("duty",), 3600,
)  # fmt: skip
SEEN = Sample("gateway_deliveries", DEAD, 3)
PENDING_ONE = Known("A1", RULE.name, DEAD, PENDING, 3, 1000, 0, 0)
FIRING_ONE = replace(PENDING_ONE, state=FIRING, told_at=1000)


def kinds(rule: Rule, known: list[Known], samples: list[Sample], now: int) -> list[str]:
    return [move.kind for move in judge([rule], known, samples, now)]


def test_a_condition_that_begins_to_hold_waits_for_its_time() -> None:
    assert list(judge([RULE], [], [SEEN], 1000)) == [Move("begin", RULE.name, DEAD, 3)]
    assert kinds(RULE, [PENDING_ONE], [SEEN], 60_999) == []
    assert list(judge([RULE], [PENDING_ONE], [SEEN], 61_000)) == [Move("fire", RULE.name, DEAD, 3, "A1")]
    assert kinds(replace(RULE, for_s=0), [], [SEEN], 1000) == ["fire"]


def test_what_did_not_last_is_no_alarm() -> None:
    assert kinds(RULE, [PENDING_ONE], [], 5000) == ["drop"]
    assert kinds(RULE, [PENDING_ONE], [replace(SEEN, value=0)], 5000) == ["drop"]


def test_one_alarm_for_a_rule_and_its_labels_however_often_it_is_judged() -> None:
    assert kinds(RULE, [FIRING_ONE], [SEEN, SEEN], 2000) == []
    other = replace(SEEN, labels=(("state", "unknown"),))
    assert kinds(RULE, [FIRING_ONE], [SEEN, other], 2000) == ["begin"]


def test_a_value_on_its_threshold_does_not_ring_every_few_seconds() -> None:
    assert kinds(RULE, [FIRING_ONE], [], 2000) == ["calm"]
    calm = replace(FIRING_ONE, calm_since=2000)
    assert kinds(RULE, [calm], [], 2000 + CALM_S * 1000 - 1) == []
    assert kinds(RULE, [calm], [], 2000 + CALM_S * 1000) == ["end"]
    assert kinds(RULE, [calm], [SEEN], 9000) == ["hold"]


def test_a_firing_alarm_is_told_again_until_somebody_acknowledges_it() -> None:
    assert kinds(RULE, [FIRING_ONE], [SEEN], 1000 + 3_600_000) == ["repeat"]
    assert kinds(RULE, [replace(FIRING_ONE, state=ACKNOWLEDGED)], [SEEN], 1000 + 3_600_000) == []
    assert kinds(replace(RULE, repeat_s=0), [FIRING_ONE], [SEEN], 10**9) == []


def test_an_acknowledged_alarm_ends_like_any_other() -> None:
    calm = replace(FIRING_ONE, state=ACKNOWLEDGED, calm_since=2000)
    assert kinds(RULE, [calm], [], 2000 + CALM_S * 1000) == ["end"]


@pytest.mark.parametrize("rules", [[], [replace(RULE, is_active=False)]])
def test_the_alarms_of_a_rule_that_is_gone_or_off_end_at_once(rules: list[Rule]) -> None:
    moves = judge(rules, [FIRING_ONE, replace(PENDING_ONE, labels=())], [SEEN], 2000)
    assert [move.kind for move in moves] == ["end", "drop"]


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [(">", 0, 0, 1), (">=", 0, 1, 1), ("<", 1, 0, 0), ("<=", 1, 1, 0), ("=", 0, 1, 0), ("!=", 1, 0, 1)],
)
def test_every_comparison_is_what_it_says(comparison: str, below: int, at: int, above: int) -> None:
    rule = replace(RULE, comparison=comparison, threshold=5)
    held = [rule.holds(replace(SEEN, value=value)) for value in (4, 5, 6)]
    assert held == [bool(below), bool(at), bool(above)]
    assert len(COMPARISONS) == 6


def test_labels_choose_the_series() -> None:
    assert RULE.holds(SEEN) and RULE.holds(replace(SEEN, labels=(("state", "unknown"),)))
    assert not RULE.holds(replace(SEEN, labels=(("state", "done"),)))
    assert not RULE.holds(replace(SEEN, labels=()))
    assert not RULE.holds(replace(SEEN, metric="gateway_messages"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "A b"}, "name"),
        ({"title_zh": "坏\r\nBcc: x@y"}, "title_zh"),
        ({"title_en": ""}, "title_en"),
        ({"metric": "gateway_intake", "labels": ()}, "metric"),  # a counter
        ({"metric": "no_such", "labels": ()}, "metric"),
        ({"labels": (("colour", "red"),)}, "labels"),
        ({"labels": (("state", 'a"b'),)}, "labels"),
        ({"labels": (("node", "n1"),)}, "labels"),  # of the store: no node's
        ({"comparison": "~"}, "comparison"),
        ({"threshold": float("nan")}, "threshold"),
        ({"for_s": -1}, "for_s"),
        ({"severity": "loud"}, "severity"),
        ({"targets": ("elsewhere",)}, "targets"),
        ({"repeat_s": 5}, "repeat_s"),
    ],
)
def test_what_is_wrong_with_a_rule_is_named_by_its_field(change: dict[str, object], field: str) -> None:
    assert rule_faults(RULE, ["duty"]) == []
    assert rule_faults(replace(RULE, **change), ["duty"]) == [field]  # type: ignore[arg-type]


def test_the_rules_that_come_with_the_gateway_watch_what_they_should() -> None:
    rules = load_settings(Path(__file__).parents[2], environ={}).alarm_rules
    assert {rule.name for rule in rules} == {
        "takes-nothing", "disk-low", "dead-letters", "parked-messages", "receipts-overdue", "breaker-open",
        "backlog-old", "certificate-ends", "reconciliation-differs",
    }  # fmt: skip
