"""When an application should have been paid, by the working calendar (DECISIONS.md 30). Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from gateway import clock
from gateway.payments.ground import Application
from gateway.payments.states import ENDED, MOVES, PAID
from gateway.payments.workdays import Calendar

TERM = "payment"  # the calendar's term that a payment is due by
OPEN_STATES = tuple(sorted(MOVES.keys() - PAID - ENDED))
_LONGEST_DAYS = 400
_DAY = timedelta(days=1)
_MS = timedelta(milliseconds=1)


def due_day(application: Application, calendar: Calendar, term: str = TERM) -> date | None:
    """The last day of a term, which counts from the working day for which the application came in; None where
    no such term was in force."""
    came_in = calendar.business_day(clock.from_ms(application.opened_at), application.adm_div)
    try:
        return calendar.due(term, came_in)
    except LookupError:
        return None


def days_overdue(application: Application, calendar: Calendar, today: date) -> int:
    """How many days after its term an application is still not paid; 0 where it is not late."""
    due = due_day(application, calendar)
    if due is None or application.state not in OPEN_STATES:
        return 0
    return max(0, (today - due).days)


def late_before(calendar: Calendar, today: date) -> datetime | None:
    """What was opened before this moment and is not paid is overdue `today`; None where nothing can be. The end
    of a term never goes back while its beginning goes on, so one moment parts them: the cut-off of the last
    working day whose term is over. Where a division has a cut-off of its own, its last hours of that day
    are on the other side."""
    for days in range(1, _LONGEST_DAYS):
        day = today - days * _DAY
        try:
            if not calendar.is_working_day(day) or calendar.due(TERM, day) >= today:
                continue
        except LookupError:
            return None
        cut_off = calendar.cut_off("", day)
        if cut_off is None:
            return datetime.combine(day + _DAY, time(), clock.SHANGHAI)
        return datetime.combine(day, cut_off, clock.SHANGHAI) + _MS
    return None
