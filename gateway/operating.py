"""How a platform is spared and bounded: breaker, maintenance windows, limits (parts of the configuration)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway import clock

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class BreakerSettings(_Part):
    """After `failures` attempts in a row that did not reach it, a receiver is left alone for `first_s`
    seconds, twice as long after each probe that fails, at most `most_s`."""

    failures: int = Field(default=8, ge=1, le=1000)
    first_s: float = Field(default=2.0, gt=0)
    most_s: float = Field(default=60.0, gt=0)

    def open_s(self, times: int, asked_s: float = 0.0) -> float:
        """How long it stays open the `times`-th time in a row (from 1); at least what the receiver asked."""
        return max(min(self.first_s * 2.0 ** (min(times, 32) - 1), self.most_s), asked_s)


class MaintenanceWindow(_Part):
    """Nothing is sent from `from` to `to` (Asia/Shanghai), on these `days` or on this `date`; every day if
    neither is named. A window that ends before it begins ends on the next day; `days` name its first."""

    begins: time = Field(alias="from")
    ends: time = Field(alias="to")
    days: list[Day] = Field(default_factory=list)
    on: date | None = Field(default=None, alias="date")
    reason: str = ""

    def covers(self, moment: datetime) -> bool:
        """Is it open at this moment?"""
        local = moment.astimezone(clock.SHANGHAI)
        today, at = local.date(), local.time()
        if self.begins < self.ends:
            return self._is_of(today) and self.begins <= at < self.ends
        yesterday = today - timedelta(days=1)
        return (self._is_of(today) and at >= self.begins) or (self._is_of(yesterday) and at < self.ends)

    def _is_of(self, day: date) -> bool:
        if self.on is not None:
            return day == self.on
        return not self.days or _DAYS[day.weekday()] in self.days


class LimitSettings(_Part):
    """What one sender may ask of the gateway, all its processes together. `rate_per_s` 0: no limit; `burst`
    messages may come at once."""

    rate_per_s: float = Field(default=0.0, ge=0)
    burst: int = Field(default=100, ge=1)
    concurrency: int = Field(default=256, ge=1)


def find_window(windows: Sequence[MaintenanceWindow], moment: datetime) -> MaintenanceWindow | None:
    """The window that is open at this moment."""
    return next((one for one in windows if one.covers(moment)), None)
