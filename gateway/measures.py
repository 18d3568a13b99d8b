"""What a process counts of itself: plain numbers, so that counting costs next to nothing; /metrics reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNITS = (1, 2, 4, 8, 16, 32, 64, 128)


class Spread:
    """How often values lay in which range: `counts[i]` of those up to `bounds[i]`, the last one of all beyond."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]):
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class WriterMeasures:
    """Of one writer of the store. `commit_s` is the wait for the disk alone, `batch_s` from a batch's first
    statement until it is durable."""

    waiting: int = 0
    waiting_bytes: int = 0
    batch_units: Spread = field(default_factory=lambda: Spread(UNITS))
    batch_s: Spread = field(default_factory=lambda: Spread(SECONDS))
    commit_s: Spread = field(default_factory=lambda: Spread(SECONDS))


class Measures:
    """`taken`: (type, platform, result) of each message whose sender was known; `attempts`: (receiver, result)."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, str, str]] = Counter()
        self.take_s = Spread(SECONDS)
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.attempt_s: dict[str, Spread] = {}

    def count_taken(self, type_: str, platform: str, result: str, seconds: float) -> None:
        self.taken[type_, platform, result] += 1
        self.take_s.add(seconds)

    def count_attempt(self, receiver: str, result: str, seconds: float) -> None:
        self.attempts[receiver, result] += 1
        spread = self.attempt_s.get(receiver)
        if spread is None:
            spread = self.attempt_s[receiver] = Spread(SECONDS)
        spread.add(seconds)
