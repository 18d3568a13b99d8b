"""How each platform stands: pauses, breaker, maintenance, backlog; and what its configuration lost since the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway import clock
from gateway.errors import ConfigError, Finding
from gateway.operating import find_window
from gateway.settings import Platform, Settings, load_settings
from gateway.store.contract import ALL_RECEIVERS, HealthRow, PauseRow, Store

_WAITING = ("waiting", "ready", "leased")
_STUCK = ("dead", "unknown")


@dataclass(frozen=True, slots=True)
class Standing:
    """`state`: paused | maintenance | up | slow | open | half-open | recovering; `since`: ms, 0 if unknown;
    `pause`: its own, or that of all receivers."""

    platform: Platform
    state: str
    since: int
    why: str
    pause: PauseRow | None
    health: HealthRow | None
    waiting: int
    stuck: int

    @property
    def is_paused_alone(self) -> bool:
        return self.pause is not None and self.pause.receiver != ALL_RECEIVERS


async def standings(settings: Settings, store: Store) -> tuple[list[Standing], PauseRow | None]:
    """Of every platform, and the pause of all receivers."""
    paused = {row.receiver: row for row in await store.pauses()}
    health = {row.receiver: row for row in await store.health()}
    counts = (await store.counts()).by_receiver
    everybody = paused.get(ALL_RECEIVERS)
    rows = [
        _standing(one, paused.get(one.id) or everybody, health.get(one.id), counts.get(one.id, {}))
        for one in settings.platforms.values()
    ]
    return rows, everybody


def left_behind(settings: Settings, counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """How many deliveries wait for receivers that are not configured (any more); nothing is sent there until they are.
    `counts`: by receiver and state."""
    waiting = {
        node: sum(states.get(name, 0) for name in _WAITING)
        for node, states in sorted(counts.items())
        if node not in settings.platforms
    }
    return {node: count for node, count in waiting.items() if count}


def _standing(
    platform: Platform, pause: PauseRow | None, health: HealthRow | None, counts: Mapping[Any, int]
) -> Standing:
    state, since, why = _state(platform, pause, health)
    waiting = sum(counts.get(name, 0) for name in _WAITING)
    stuck = sum(counts.get(name, 0) for name in _STUCK)
    return Standing(platform, state, since, why, pause, health, waiting, stuck)


def _state(platform: Platform, pause: PauseRow | None, health: HealthRow | None) -> tuple[str, int, str]:
    if pause is not None:
        return "paused", pause.paused_at, f"{pause.actor}: {pause.reason}"
    window = find_window(platform.maintenance, clock.now())
    if window is not None:
        return "maintenance", 0, f"{window.begins:%H:%M}–{window.ends:%H:%M} {window.reason}".strip()
    if health is None:
        return "up", 0, ""
    return health.state, health.since, f"{health.code} {health.text}".strip() if health.state != "up" else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that the files say otherwise than what runs. Secrets stand in no configuration."""

    place: str
    running: str
    on_disk: str


def compare_with_disk(running: Settings) -> tuple[list[Difference], tuple[Finding, ...]]:
    """What would be otherwise after a new start, and what is wrong in the files as they are now."""
    try:
        found = load_settings(running.root)
    except ConfigError as error:
        return [], tuple(error.findings)
    before, after = dict(_flat(_told(running))), dict(_flat(_told(found)))
    return [
        Difference(place, before.get(place, ""), after.get(place, ""))
        for place in sorted(before.keys() | after.keys())
        if before.get(place, "") != after.get(place, "")
    ], ()


def _told(settings: Settings) -> dict[str, Any]:
    return {
        "gateway": settings.gateway.model_dump(mode="json"),
        "platforms": {name: one.model_dump(mode="json") for name, one in settings.platforms.items()},
        "routes": [row.model_dump(mode="json") for row in settings.routes],
        "coverage": [
            f"{row.project_kind} {row.adm_div} → {row.treasury} {row.since}–{row.until or ''}"
            for row in settings.coverage.rows
        ],
        "calendar": repr(settings.calendar),
    }


def _flat(value: Any, place: str = "") -> list[tuple[str, str]]:
    """Every leaf with its place: `platforms.GGZY-ZPT.connector.url`."""
    if isinstance(value, Mapping):
        return [
            leaf for name, one in value.items() for leaf in _flat(one, f"{place}.{name}" if place else name)
        ]
    if isinstance(value, list):
        return [leaf for number, one in enumerate(value) for leaf in _flat(one, f"{place}[{number}]")]
    return [(place, "" if value is None else str(value))]
