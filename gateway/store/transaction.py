"""One write transaction of a batch: its connection, its times, and what must be told once it is durable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import bindparam

from gateway.store import audit, tables, watching
from gateway.store.accountrows import NewAct
from gateway.store.statements import Connection, Statement, insert, insert_into

_tally = insert(tables.tally).values(
    receiver=bindparam("receiver"),
    state=bindparam("state"),
    writer=bindparam("writer"),
    count=bindparam("count"),
)
_COUNT = Statement(
    _tally.on_conflict_do_update(
        index_elements=["receiver", "state", "writer"],
        set_={"count": tables.tally.c.count + _tally.excluded["count"]},
    )
)
_INSERT_EVENT = insert_into(tables.event, without=["id"])
Mark = tuple[int, int, int, int, bool, Counter[tuple[str, str]]]
MESSAGES = ""  # the tally's receiver under which messages are counted


class Transaction:
    """`at_ms`: wall clock, for people. `steady_ms`: for due times. `lease_s`: for leases. `writer`: whose
    counts these are, where several write at a time: so nobody waits for another's."""

    __slots__ = (
        "_acts", "_errors", "_events", "_tally", "at_ms", "connection", "forms", "has_work", "lease_s", "settled",
        "steady_ms", "writer",
    )  # fmt: skip

    def __init__(self, connection: Connection, at_ms: int, steady_ms: int, lease_s: float, writer: str = ""):
        self.connection = connection
        self.writer = writer
        self.at_ms = at_ms
        self.steady_ms = steady_ms
        self.lease_s = lease_s
        self.settled: list[str] = []  # messages that came to rest
        self.has_work = False  # a delivery became ready
        self.forms: dict[
            int, tuple[bytes, bytes]
        ] = {}  # (files, rendered) of deliveries that it wrote itself
        self._tally: Counter[tuple[str, str]] = Counter()
        self._errors: list[tuple[str, str]] = []
        self._events: list[tuple[str, int, str, str]] = []
        self._acts: list[NewAct] = []

    def count(self, receiver: str, state: str, change: int) -> None:
        """Counts deliveries of a receiver, or messages, into (+) or out of (-) a state."""
        self._tally[receiver, state] += change

    def count_error(self, node: str, kind: str) -> None:
        """Counts a refusal of a sender, or an attempt at a receiver that failed (watchingrows.py)."""
        self._errors.append((node, kind))

    def note(self, message_id: str, stage: str, detail: Mapping[str, Any]) -> None:
        """Adds a line to a message's timeline."""
        self._events.append((message_id, self.at_ms, stage, orjson.dumps(detail).decode()))

    def audit(self, act: NewAct) -> None:
        """Adds a line to the audit."""
        self._acts.append(act)

    def mark(self) -> Mark:
        """Where it stands, to come back to when what follows is undone."""
        lengths = len(self._events), len(self._acts), len(self.settled), len(self._errors)
        return *lengths, self.has_work, self._tally.copy()

    def rewind(self, mark: Mark) -> None:
        events, acts, settled, errors, self.has_work, self._tally = mark
        del self._events[events:], self._acts[acts:], self.settled[settled:], self._errors[errors:]
        self.forms.clear()  # their numbers may be given anew

    async def finish(self) -> None:
        """Writes what was counted, noted and audited."""
        await _INSERT_EVENT.many(self.connection, self._events)
        await _COUNT.many(
            self.connection,
            [(*key, self.writer, change) for key, change in self._tally.items() if change],
        )
        if self._errors:
            await watching.count_errors(self.connection, self.at_ms, Counter(self._errors), self.writer)
        if self._acts:
            await audit.append(self.connection, self.at_ms, self._acts)
        self._acts.clear()
        self._events.clear()
        self._tally.clear()
        self._errors.clear()
