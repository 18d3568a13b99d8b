"""One write transaction of a batch: its connection, its times, and what must be told once it is durable."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import bindparam
from sqlalchemy.dialects.sqlite import insert

from gateway.store import tables
from gateway.store.statements import Statement, insert_into

_tally = insert(tables.tally).values(
    receiver=bindparam("receiver"), state=bindparam("state"), count=bindparam("count")
)
_COUNT = Statement(
    _tally.on_conflict_do_update(
        index_elements=["receiver", "state"],
        set_={"count": tables.tally.c.count + _tally.excluded["count"]},
    )
)
_INSERT_EVENT = insert_into(tables.event, without=["id"])
MESSAGES = ""  # the tally's receiver under which messages are counted


class Transaction:
    """`at_ms`: wall clock, for people. `steady_ms`: for due times. `boot_s`: for leases."""

    __slots__ = ("_events", "_tally", "at_ms", "boot_s", "connection", "has_work", "settled", "steady_ms")

    def __init__(self, connection: sqlite3.Connection, at_ms: int, steady_ms: int, boot_s: float):
        self.connection = connection
        self.at_ms = at_ms
        self.steady_ms = steady_ms
        self.boot_s = boot_s
        self.settled: list[str] = []  # messages that came to rest
        self.has_work = False  # a delivery became ready
        self._tally: Counter[tuple[str, str]] = Counter()
        self._events: list[tuple[str, int, str, str]] = []

    def count(self, receiver: str, state: str, change: int) -> None:
        """Counts deliveries of a receiver, or messages, into (+) or out of (-) a state."""
        self._tally[receiver, state] += change

    def note(self, message_id: str, stage: str, detail: Mapping[str, Any]) -> None:
        """Adds a line to a message's timeline."""
        self._events.append((message_id, self.at_ms, stage, orjson.dumps(detail).decode()))

    def mark(self) -> tuple[int, int, bool, Counter[tuple[str, str]]]:
        """Where it stands, to come back to when what follows is undone."""
        return len(self._events), len(self.settled), self.has_work, self._tally.copy()

    def rewind(self, mark: tuple[int, int, bool, Counter[tuple[str, str]]]) -> None:
        events, settled, self.has_work, self._tally = mark
        del self._events[events:], self.settled[settled:]

    def finish(self) -> None:
        """Writes what was counted and noted."""
        _INSERT_EVENT.many(self.connection, self._events)
        _COUNT.many(self.connection, [(*key, change) for key, change in self._tally.items() if change])
        self._events.clear()
        self._tally.clear()
