"""Messages over the last hour, by sender: each span of time is counted once and remembered.

What is stored is never read as a whole: a span that is over is final, so a look costs the messages of the last
half minute. Of the time before anybody looked, each look counts as many spans as it has time for, newest first.
A message that took longer than `_SETTLE_MS` to be stored is not drawn.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict

from gateway.store.contract import Store

MINUTES = 60
SPAN_MS = 15_000
_SETTLE_MS = 10_000
_TIME_S = 0.2  # for what was before; on SQLite a statement holds the event loop, a span is a short one


class Flow:
    def __init__(self, store: Store):
        self.store = store
        self._final: dict[int, dict[str, int]] = {}

    async def look(self, now_ms: int) -> dict[str, list[int]]:
        """By sender: how many messages came in each of the last 60 minutes, the current one last."""
        last = now_ms // SPAN_MS
        minute = now_ms // 60_000
        first = (minute - MINUTES + 1) * 60_000 // SPAN_MS
        for number in [one for one in self._final if one < first]:
            del self._final[number]
        found = dict(self._final)
        ends_s = time.monotonic() + _TIME_S
        for number in range(last, first - 1, -1):
            is_final = (number + 1) * SPAN_MS + _SETTLE_MS <= now_ms
            if number in self._final or (is_final and time.monotonic() > ends_s):
                continue
            found[number] = dict(await self.store.received(number * SPAN_MS, (number + 1) * SPAN_MS))
            if is_final:
                self._final[number] = found[number]
            await asyncio.sleep(0)
        return _by_minute(found, minute)


def _by_minute(spans: dict[int, dict[str, int]], last_minute: int) -> dict[str, list[int]]:
    counted: dict[str, Counter[int]] = defaultdict(Counter)
    for number, senders in spans.items():
        for sender, count in senders.items():
            counted[sender][number * SPAN_MS // 60_000] += count
    minutes = range(last_minute - MINUTES + 1, last_minute + 1)
    return {sender: [counts[one] for one in minutes] for sender, counts in counted.items()}
