"""When an application should have been paid, by the working calendar (DECISIONS.md 30). Pure."""

from __future__ import annotations

from datetime import date, timedelta

from gateway import clock
from gateway.payments.ground import Application
from gateway.payments.states import ENDED, MOVES, PAID
from gateway.payments.workdays import Calendar

TERM = "payment"
OPEN_STATES = tuple(sorted(MOVES.keys() - PAID - ENDED))
_LONGEST_DAYS = 400


def due_day(application: Application, calendar: Calendar) -> date | None:
    """The last day of the term of payment, from the day of the application; None where no term was in force."""
    try:
        return calendar.due(TERM, clock.from_ms(application.opened_at).date())
    except LookupError:
        return None


def days_overdue(application: Application, calendar: Calendar, today: date) -> int:
    """How many days after its term an application is still not paid; 0 where it is not late."""
    due = due_day(application, calendar)
    if due is None or application.state not in OPEN_STATES:
        return 0
    return max(0, (today - due).days)


def late_before(calendar: Calendar, today: date) -> date | None:
    """What was opened before this day and is not paid is overdue `today`; None where nothing can be. The end
    of a term never goes back while its beginning goes on, so one day parts them."""
    for days in range(1, _LONGEST_DAYS):
        day = today - timedelta(days=days)
        try:
            if calendar.due(TERM, day) < today:
                return day + timedelta(days=1)
        except LookupError:
            return None
    return None
