"""When to try again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.schedule import Schedule, parse_retry_after

SCHEDULE = Schedule(first_s=2, factor=2, most_s=60, jitter=0.5, attempts=8)


@given(st.integers(1, 7))
def test_delays_grow_within_their_bounds(attempt: int) -> None:
    delay = SCHEDULE.delay_s(attempt)
    full = min(2 * 2 ** (attempt - 1), 60)
    assert delay is not None and full / 2 <= delay <= full


def test_the_last_attempt_has_no_successor() -> None:
    assert SCHEDULE.delay_s(8) is None


def test_what_the_receiver_asks_for_is_the_least() -> None:
    delay = SCHEDULE.delay_s(1, retry_after_s=120)
    assert delay is not None and delay >= 120


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("999999999", 86_400.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_delay_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)) == seconds
