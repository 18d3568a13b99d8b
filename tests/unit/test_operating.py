"""Maintenance windows and breaker times: pure arithmetic on Shanghai's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway import clock
from gateway.operating import BreakerSettings, MaintenanceWindow, find_window

NIGHT = MaintenanceWindow.model_validate({"from": "22:00", "to": "02:00", "days": ["fri"]})
NOON = MaintenanceWindow.model_validate({"from": "12:00", "to": "13:00", "date": "2026-12-31"})


def at(text: str) -> datetime:
    return clock.parse_t(text)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("20261127220000", True),  # a Friday
        ("20261127215959", False),
        ("20261128015959", True),  # its own night, on Saturday
        ("20261128020000", False),
        ("20261127013000", False),  # Thursday's night is none
        ("20261128220000", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins(moment: str, is_open: bool) -> None:
    assert NIGHT.covers(at(moment)) is is_open


def test_a_window_of_one_date_is_open_on_it_alone() -> None:
    assert find_window([NIGHT, NOON], at("20261231123000")) is NOON
    assert find_window([NIGHT, NOON], at("20261230123000")) is None


def test_times_are_shanghais_wherever_the_machine_is() -> None:
    assert NOON.covers(datetime(2026, 12, 31, 4, 30, tzinfo=UTC))
    assert not NOON.covers(datetime(2026, 12, 31, 12, 30, tzinfo=UTC))


def test_a_breaker_stays_open_twice_as_long_each_time_up_to_a_bound() -> None:
    breaker = BreakerSettings(failures=3, first_s=2, most_s=10)
    assert [breaker.open_s(times) for times in (1, 2, 3, 4, 99)] == [2, 4, 8, 10, 10]
    assert breaker.open_s(1, asked_s=30) == 30
