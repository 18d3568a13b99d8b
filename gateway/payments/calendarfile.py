"""`config/calendar.yaml` as a checked model: the dates of the working calendar, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.payments.workdays import Calendar, CutOff, Term, YearEnd, days_between


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _dates(cls, value: object, info: object) -> object:
        """Dates are written yyyy-MM-dd, times HH:MM."""
        kind = cls.model_fields[info.field_name].annotation  # type: ignore[attr-defined]
        if isinstance(value, str) and kind in (date, time):
            return kind.fromisoformat(value)
        return value


class Rest(_Row):
    """A public holiday from `first` to `last`, both included."""

    name: str
    first: date
    last: date

    @model_validator(mode="after")
    def _ordered(self) -> Rest:
        if not self.first <= self.last or (self.last - self.first).days > 31:
            raise ValueError("expected at most a month that ends not before it begins")
        return self


class CutOffRow(_Row):
    adm_div: str = ""
    at: time
    since: date


class YearEndRow(_Row):
    adm_div: str = ""
    year: int = Field(ge=2000, le=2999)
    last_push: date


class TermRow(_Row):
    name: str
    days: int = Field(ge=1, le=3660)
    counting: Literal["calendar", "working"]
    since: date


class CalendarFile(_Row):
    """`works`: days of rest by the week that are working days all the same (调休)."""

    known_until: date
    rests: list[Rest]
    works: list[date]
    cut_offs: list[CutOffRow] = []
    year_ends: list[YearEndRow] = []
    terms: list[TermRow] = []

    @field_validator("works", mode="before")
    @classmethod
    def _days(cls, value: object) -> object:
        return [date.fromisoformat(str(day)) for day in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _consistent(self) -> CalendarFile:
        both = sorted(set(self._rest_days()) & set(self.works))
        if both:
            raise ValueError(f"expected a day to be of rest or of work, got both: {both[0]}")
        late = [day for day in (*self._rest_days(), *self.works) if day > self.known_until]
        if late:
            raise ValueError(f"expected no day after known_until, got {min(late)}")
        return self

    def _rest_days(self) -> Iterator[date]:
        for rest in self.rests:
            yield from days_between(rest.first, rest.last)

    def made(self) -> Calendar:
        return Calendar(
            rests=frozenset(self._rest_days()),
            works=frozenset(self.works),
            cut_offs=tuple(CutOff(row.adm_div, row.at, row.since) for row in self.cut_offs),
            year_ends=tuple(YearEnd(row.adm_div, row.year, row.last_push) for row in self.year_ends),
            terms=tuple(Term(row.name, row.days, row.counting, row.since) for row in self.terms),
            known_until=self.known_until,
        )
