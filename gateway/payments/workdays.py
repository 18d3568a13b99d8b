"""The working calendar: public holidays, exchanged working days, daily cut-off, year-end, terms (DECISIONS.md 30).

Everything that has a date is data (`config/calendar.yaml`); here is only how to count. A moment is in
Shanghai time. Beyond `known_until` nothing is announced yet and only weekends are days of rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class CutOff:
    """From `since` on, what comes after `at` counts for the next working day. `adm_div` "": everywhere."""

    adm_div: str
    at: time
    since: date


@dataclass(frozen=True, slots=True)
class YearEnd:
    """The fiscal year `year` of a division takes pushes until `last_push` (its cut-off included)."""

    adm_div: str
    year: int
    last_push: date


@dataclass(frozen=True, slots=True)
class Term:
    """Within how many days something must be done. `counting`: calendar | working."""

    name: str
    days: int
    counting: str
    since: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """`rests` and `works` are the days that differ from the week's own order."""

    rests: frozenset[date] = frozenset()
    works: frozenset[date] = frozenset()
    cut_offs: tuple[CutOff, ...] = ()
    year_ends: tuple[YearEnd, ...] = ()
    terms: tuple[Term, ...] = ()
    known_until: date = date.min

    def is_working_day(self, day: date) -> bool:
        return day in self.works or (day.weekday() < _SATURDAY and day not in self.rests)

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        return self.working_day_from(day + _DAY)

    def working_day_from(self, day: date) -> date:
        """`day` itself if it is one, else the first working day after it."""
        while not self.is_working_day(day):
            day += _DAY
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`."""
        for _ in range(count):
            day = self.next_working_day(day)
        return day

    def cut_off(self, adm_div: str, on: date) -> time | None:
        """The daily cut-off of a division; its own row counts before the row for all, the newest first."""
        found = [row for row in self.cut_offs if row.adm_div in (adm_div, "") and row.since <= on]
        return max(found, key=lambda row: (row.adm_div != "", row.since)).at if found else None

    def business_day(self, moment: datetime, adm_div: str) -> date:
        """The working day for which something counts that comes at `moment`."""
        day = moment.date()
        at = self.cut_off(adm_div, day)
        if at is not None and moment.time() > at:
            return self.next_working_day(day)
        return self.working_day_from(day)

    def is_closed(self, year: int, adm_div: str, on: date) -> bool:
        """Does the division take no push of that fiscal year any more?"""
        ends = [row for row in self.year_ends if row.year == year and row.adm_div in (adm_div, "")]
        return bool(ends) and on > max(ends, key=lambda row: row.adm_div != "").last_push

    def due(self, term: str, start: date) -> date:
        """The last day of a term that began on `start`: a day of rest moves it to the next working day.
        LookupError for an unknown term."""
        found = [row for row in self.terms if row.name == term and row.since <= start]
        if not found:
            raise LookupError(f"there is no term {term} on {start}")
        row = max(found, key=lambda one: one.since)
        if row.counting == "working":
            return self.add_working_days(start, row.days)
        return self.working_day_from(start + row.days * _DAY)


NO_CALENDAR = Calendar()


def days_between(first: date, last: date) -> Iterable[date]:
    """Every day from `first` to `last`, both included."""
    return (first + offset * _DAY for offset in range((last - first).days + 1))
