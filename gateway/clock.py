"""Time as the messages write it: Asia/Shanghai, D8, T14, T17; and the ids that sort by time."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

# Shanghai has had no daylight saving since 1991; a fixed zone needs no zone database on the machine.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
DAY_MS, SHANGHAI_MS = 86_400_000, 8 * 3_600_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_PLACES = range(120, -1, -10)
# A test sets the clock of one process wrong; seconds, read once.
_WRONG_BY = timedelta(seconds=int(os.environ.get("GATEWAY_CLOCK_OFFSET_S", "0")))
_WRONG_BY_MS = int(_WRONG_BY.total_seconds() * 1000)


def now() -> datetime:
    return datetime.now(SHANGHAI) + _WRONG_BY


def now_ms() -> int:
    """Milliseconds since 1970-01-01 UTC, as stored in every `…_at` column."""
    return time.time_ns() // 1_000_000 + _WRONG_BY_MS


def now_s() -> int:
    """Whole seconds since 1970-01-01 UTC, as seals carry them."""
    return now_ms() // 1000


def from_ms(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC).astimezone(SHANGHAI)


def time_of(ms: int) -> str:
    """Shanghai time with milliseconds, as people read it; "" for never."""
    return from_ms(ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if ms else ""


def d8(moment: datetime | date | None = None) -> str:
    """yyyyMMdd."""
    moment = moment or now()
    return _d8(moment.year, moment.month, moment.day)


@lru_cache(maxsize=64)
def _d8(year: int, month: int, day: int) -> str:
    return f"{year:04d}{month:02d}{day:02d}"


def day_number(at_ms: int) -> int:
    """The day of Shanghai, counted from 1970-01-01."""
    return (at_ms + SHANGHAI_MS) // DAY_MS


def t14(moment: datetime | None = None) -> str:
    """yyyyMMddHHmmss."""
    return _t14(int((moment or now()).timestamp()))


def t17(moment: datetime | None = None) -> str:
    """yyyyMMddHHmmssSSS."""
    moment = moment or now()
    return f"{_t14(int(moment.timestamp()))}{moment.microsecond // 1000:03d}"


def t14_of(at_ms: int) -> str:
    """The T14 of milliseconds since 1970."""
    return _t14(at_ms // 1000)


def t17_of(at_ms: int) -> str:
    """The T17 of milliseconds since 1970."""
    return f"{_t14(at_ms // 1000)}{at_ms % 1000:03d}"


@lru_cache(maxsize=64)
def _t14(second: int) -> str:
    """Many messages share a second, and strftime is slow. Seconds since 1970, in Shanghai time."""
    return datetime.fromtimestamp(second, SHANGHAI).strftime("%Y%m%d%H%M%S")


def parse_t(text: str) -> datetime:
    """A D8, T14 or T17 in Shanghai time; ValueError if it is none of them."""
    if len(text) == 8:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=SHANGHAI)
    if len(text) not in (14, 17):
        raise ValueError(f"not a D8, T14 or T17: {text!r}")
    moment = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    return moment if len(text) == 14 else moment.replace(microsecond=int(text[14:]) * 1000)


def new_id() -> str:
    """A ULID: 26 characters, sorts by time of making, 80 random bits."""
    value = (now_ms() << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join([_PAIRS[value >> place & 1023] for place in _PLACES])


def first_id(at_ms: int) -> str:
    """The least ULID that can be made at that time."""
    return "".join([_PAIRS[at_ms << 80 >> place & 1023] for place in _PLACES])


def ms_of_id(ulid: str) -> int:
    """When a ULID was made, in milliseconds since 1970 UTC."""
    value = 0
    for letter in ulid[:10]:
        value = value << 5 | _CROCKFORD.index(letter)
    return value
