"""Rows of alarms: part of the contract (contract.py has them all)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.alarmrules import Labels, Rule

READY, DONE, DEAD = "ready", "done", "dead"
FIRED, REPEATED, OVER, TEST = "fired", "repeated", "ended", "test"


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule as somebody left it in the console; without anybody it is the configuration's."""

    rule: Rule
    changed_at: int = 0
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm: one rule, one set of labels, from when its condition began to hold. Times in ms, 0: not yet."""

    id: str
    scope: str
    rule: str
    labels: Labels
    state: str
    severity: str
    value: float
    since: int
    fired_at: int = 0
    acknowledged_at: int = 0
    acknowledged_by: str = ""
    reason: str = ""
    ended_at: int = 0


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """What one target is told of an alarm. `kind`: fired | repeated | ended | test; `state`: ready | done | dead."""

    id: str
    alarm: str
    kind: str
    target: str
    body: Mapping[str, Any]
    state: str = READY
    attempts: int = 0
    due_at: int = 0
    made_at: int = 0
    ended_at: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Newest first; `before`: an alarm's id, those older than it. Empty fields do not filter; `is_open`: those that
    have not ended (never pending ones)."""

    is_open: bool = False
    rule: str = ""
    severity: str = ""
    before: str = ""
    limit: int = 100
