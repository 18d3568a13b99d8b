"""Working days, cut-off, year-end and terms come from dates, not from code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway import configfile
from gateway.clock import SHANGHAI
from gateway.errors import ConfigError
from gateway.payments.calendarfile import CalendarFile
from gateway.payments.ground import Application
from gateway.payments.overdue import days_overdue, due_day
from gateway.payments.workdays import Calendar, CutOff, Term, YearEnd

from .conftest import Desk, application

FILE = Path(__file__).parents[3] / "config" / "calendar.yaml"
CALENDAR = configfile.validate(CalendarFile, configfile.load_document(FILE)).made()
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


def at(day: str, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour, minute), SHANGHAI)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-09-30", True),
        ("2026-10-01", False),  # National Day
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),  # a Saturday that is worked
        ("2026-10-11", False),
        ("2026-02-14", True),
        ("2026-02-16", False),
    ],
)
def test_holidays_and_exchanged_days_differ_from_the_week(day: str, works: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is works


def test_what_comes_after_the_cut_off_counts_for_the_next_working_day() -> None:
    assert CALENDAR.business_day(at("2026-09-30", 17), "310000") == date(2026, 9, 30)
    assert CALENDAR.business_day(at("2026-09-30", 17, 1), "310000") == date(2026, 10, 8)
    assert CALENDAR.business_day(at("2026-10-03"), "310000") == date(2026, 10, 8)


def test_a_divisions_own_cut_off_counts_before_the_one_for_all_and_the_newest_before_older_ones() -> None:
    since = date(2021, 1, 1)
    rows = (
        CutOff("", time(17), since), CutOff("310115", time(16), since), CutOff("310115", time(15), date(2026, 1, 1)),
    )  # fmt: skip
    dates = Calendar(cut_offs=rows)
    assert dates.cut_off("310000", date(2026, 5, 6)) == time(17)
    assert dates.cut_off("310115", date(2025, 5, 6)) == time(16)
    assert dates.cut_off("310115", date(2026, 5, 6)) == time(15)
    assert dates.cut_off("310115", date(2020, 5, 6)) is None


def test_a_year_is_closed_after_its_last_push_and_by_the_divisions_own_day() -> None:
    rows = (YearEnd("", 2026, date(2026, 12, 31)), YearEnd("310115", 2026, date(2026, 12, 25)))
    dates = Calendar(year_ends=rows)
    assert not dates.is_closed(2026, "310000", date(2026, 12, 31))
    assert dates.is_closed(2026, "310000", date(2027, 1, 1))
    assert dates.is_closed(2026, "310115", date(2026, 12, 26))
    assert not dates.is_closed(2026, "310115", date(2026, 12, 25))
    assert not dates.is_closed(2027, "310000", date(2027, 6, 1))


def test_a_term_that_ends_on_a_day_of_rest_ends_on_the_next_working_day() -> None:
    assert CALENDAR.due("payment", date(2026, 9, 4)) == date(2026, 10, 8)  # 4 October is a holiday
    with pytest.raises(LookupError):
        CALENDAR.due("payment", date(2020, 8, 31))  # the law was not in force
    with pytest.raises(LookupError):
        CALENDAR.due("no such term", date(2026, 1, 1))


def test_a_term_may_count_working_days() -> None:
    dates = Calendar(CALENDAR.rests, CALENDAR.works, terms=(Term("review", 3, "working", date(2021, 1, 1)),))
    assert dates.due("review", date(2026, 9, 29)) == date(2026, 10, 9)


@settings(deadline=None)
@given(DAYS, st.integers(0, 40))
def test_as_many_working_days_lie_between_as_were_counted(day: date, count: int) -> None:
    end = CALENDAR.add_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(map(CALENDAR.is_working_day, between)) == count
    assert count == 0 or CALENDAR.is_working_day(end)


@settings(deadline=None)
@given(DAYS, st.times())
def test_a_moment_counts_for_a_working_day_not_before_it(day: date, clock_time: time) -> None:
    counts = CALENDAR.business_day(datetime.combine(day, clock_time, SHANGHAI), "310000")
    assert CALENDAR.is_working_day(counts) and counts >= day
    assert (counts == day) == (CALENDAR.is_working_day(day) and clock_time <= time(17))


@pytest.mark.parametrize(
    "change",
    [
        {"works": ["2026-10-01"]},  # a day of rest as well
        {"known_until": "2026-06-30"},  # days after it
        {"rests": [{"name": "x", "first": "2026-05-02", "last": "2026-05-01"}]},
        {"terms": [{"name": "x", "days": 0, "counting": "calendar", "since": "2026-01-01"}]},
        {"cut_offs": [{"at": "25:00", "since": "2026-01-01"}]},
        {"year_ends": [{"year": 26, "last_push": "2026-12-31"}]},
        {"holidays": []},
    ],
)
def test_a_calendar_that_contradicts_itself_is_not_read(change: dict[str, object]) -> None:
    data = {**configfile.load_document(FILE).data, **change}
    with pytest.raises(ValidationError):
        CalendarFile.model_validate(data)


def test_a_finding_of_the_calendar_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(FILE.read_text("utf-8").replace("counting: calendar", "counting: lunar", 1), "utf-8")
    with pytest.raises(ConfigError) as caught:
        configfile.validate(CalendarFile, configfile.load_document(path))
    (finding,) = caught.value.findings
    assert finding.line > 1 and "terms" in finding.field


def test_an_application_that_came_after_the_cut_off_is_overdue_a_day_later() -> None:
    desk = Desk()
    desk.walk(("3001", application()))
    known = desk.ground.application("SQ-1")
    assert known is not None

    def opened(moment: datetime, **changes: Any) -> Application:
        assert known is not None
        return replace(known, opened_at=int(moment.timestamp() * 1000), **changes)

    in_time, late = opened(at("2026-09-04", 16)), opened(at("2026-09-04", 18))
    assert due_day(in_time, CALENDAR) == date(2026, 10, 8)  # 4 October is a holiday
    assert due_day(late, CALENDAR) == date(2026, 10, 8) and due_day(late, CALENDAR, "payment-agreed") == date(
        2026, 11, 6
    )
    assert days_overdue(in_time, CALENDAR, date(2026, 10, 8)) == 0
    assert days_overdue(in_time, CALENDAR, date(2026, 10, 9)) == 1
    assert days_overdue(replace(in_time, state="70", open_fen=0), CALENDAR, date(2026, 12, 1)) == 0
    assert days_overdue(replace(in_time, state="90"), CALENDAR, date(2026, 12, 1)) == 0
