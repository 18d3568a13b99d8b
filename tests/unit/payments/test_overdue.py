"""Overdue by the working calendar: a term that ends on a day of rest ends on the next working day."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from gateway.clock import SHANGHAI, from_ms
from gateway.payments.ground import Application
from gateway.payments.overdue import OPEN_STATES, days_overdue, due_day, late_before
from gateway.payments.workdays import Calendar, CutOff, Term

CALENDAR = Calendar(
    rests=frozenset({date(2026, 10, day) for day in range(1, 8)}),
    terms=(Term("payment", 30, "calendar", date(2020, 9, 1)),),
)


def opened(on: date, state: str = "40", hour: int = 12) -> Application:
    at = int(datetime(on.year, on.month, on.day, hour, 30, tzinfo=SHANGHAI).timestamp() * 1000)
    return Application("A", "C", state, "O", "T", ("P",), "310000", "01", "2026", 1, 1, opened_at=at)


def test_a_term_that_ends_in_the_holidays_ends_after_them() -> None:
    assert due_day(opened(date(2026, 9, 2)), CALENDAR) == date(2026, 10, 8)


@pytest.mark.parametrize(("today", "days"), [(date(2026, 10, 8), 0), (date(2026, 10, 9), 1)])
def test_the_last_day_of_the_term_is_not_late(today: date, days: int) -> None:
    assert days_overdue(opened(date(2026, 9, 2)), CALENDAR, today) == days


@pytest.mark.parametrize("state", ["70", "80", "90", "99"])
def test_what_is_paid_or_ended_is_never_late(state: str) -> None:
    assert days_overdue(opened(date(2026, 1, 1), state), CALENDAR, date(2026, 12, 1)) == 0
    assert state not in OPEN_STATES


@pytest.mark.parametrize("cut_offs", [(), (CutOff("", time(17), date(2020, 1, 1)),)])
def test_one_moment_parts_the_late_from_the_others(cut_offs: tuple[CutOff, ...]) -> None:
    """The same as asking each application."""
    calendar = replace(CALENDAR, cut_offs=cut_offs)
    for number in range(120):
        today = date(2026, 8, 20) + timedelta(days=number)
        parting = late_before(calendar, today)
        assert parting is not None
        for days, hour in itertools.product(range(60), (9, 23)):
            one = opened(today - timedelta(days=days), hour=hour)
            assert (days_overdue(one, calendar, today) > 0) == (from_ms(one.opened_at) < parting), (
                today,
                days,
            )


def test_without_a_term_nothing_is_late() -> None:
    none = replace(CALENDAR, terms=())
    assert late_before(none, date(2026, 12, 1)) is None
    assert days_overdue(opened(date(2026, 1, 1)), none, date(2026, 12, 1)) == 0
