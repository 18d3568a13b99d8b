"""Everything that happened to one message in the order of time, each with how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.console.masked import Masker
from gateway.store.contract import AttemptRow, DeliveryRow, EventRow, MessageRow

ATTEMPT = "attempt"
_ACCEPTED = "accepted"
_RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Line:
    """`at`: ms. `took_us`: 0 where it is a moment. `node`: the receiver of an attempt. `left`, `wide`: where it
    lies between the first and the last moment, in thousandths."""

    at: int
    took_us: int
    stage: str
    text: str = ""
    node: str = ""
    state: str = ""
    number: int = 0
    left: int = 0
    wide: int = 0

    @property
    def ends_us(self) -> int:
        return self.at * 1000 + self.took_us


def timeline(
    row: MessageRow,
    events: Sequence[EventRow],
    deliveries: Sequence[DeliveryRow],
    attempts: Mapping[int, Sequence[AttemptRow]],
    masker: Masker,
) -> list[Line]:
    """The stages of the intake so far as they are recorded, events, and attempts."""
    lines = [line for event in events for line in _of_event(row, event, masker)]
    lines += [_of_attempt(one, tried, masker) for one in deliveries for tried in attempts[one.id]]
    return _placed(sorted(lines, key=lambda line: line.at))


def _of_event(row: MessageRow, event: EventRow, masker: Masker) -> list[Line]:
    if event.stage != _ACCEPTED:
        return [Line(event.at, 0, event.stage, masker.text(_words(event.detail)))]
    detail = dict(event.detail)
    stages = detail.pop("stages_us", {})
    before_us = sum(int(took) for took in stages.values())
    lines = []
    for name, took in stages.items():
        lines.append(Line((row.received_at * 1000 - before_us) // 1000, int(took), str(name)))
        before_us -= int(took)
    took_us = max(0, event.at - row.received_at) * 1000
    return [*lines, Line(row.received_at, took_us, event.stage, masker.text(_words(detail)))]


def _of_attempt(delivery: DeliveryRow, one: AttemptRow, masker: Masker) -> Line:
    status = f"HTTP {one.status}" if one.status else ""
    text = " · ".join(part for part in (status, one.code, masker.text(one.text)) if part)
    took_ms = one.latency_ms or max(0, one.ended_at - one.started_at)
    return Line(one.started_at, took_ms * 1000, ATTEMPT, text, delivery.receiver, one.state, one.number)


def _placed(lines: list[Line]) -> list[Line]:
    if not lines:
        return []
    first = lines[0].at * 1000
    whole = max(max(line.ends_us for line in lines) - first, 1)
    return [
        replace(
            line,
            left=min(990, (line.at * 1000 - first) * 1000 // whole),
            wide=max(10, min(1000, line.took_us * 1000 // whole)),
        )
        for line in lines
    ]


def _words(detail: Mapping[str, Any]) -> str:
    """An event's detail in one line."""
    parts = []
    for name, value in detail.items():
        if isinstance(value, Mapping):
            parts += [f"{key} {number}" for key, number in value.items()]
        elif isinstance(value, str | int | float) and value != "":
            parts.append(f"{name} {value}")
    return " · ".join(parts)[:500]
