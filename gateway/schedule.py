"""When to try again: exponential backoff with jitter, and what a receiver asks for by Retry-After."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """The durable retry schedule of a route. Delays in seconds.

    Attempt n (from 1) is followed by min(first_s·factor^(n-1), most_s), of which the last `jitter`
    share is random, so that receivers coming back are not met by a wave. `attempts` bounds the tries.
    """

    first_s: float = 2.0
    factor: float = 2.0
    most_s: float = 600.0
    jitter: float = 0.5
    attempts: int = 12

    def delay_s(self, attempt: int, retry_after_s: float | None = None) -> float | None:
        """Seconds until the next attempt; None when attempt number `attempt` was the last."""
        if attempt >= self.attempts:
            return None
        full = min(self.first_s * self.factor ** (attempt - 1), self.most_s)
        delay = full * (1 - self.jitter) + full * self.jitter * random.random()
        return max(delay, retry_after_s or 0.0)


def parse_retry_after(value: str | None, at: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 10.2.3: delay or HTTP date), at most one day."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text), 86_400))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - (at or datetime.now(UTC))).total_seconds(), 0.0), 86_400.0)
