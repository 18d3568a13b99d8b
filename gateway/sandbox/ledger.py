"""A platform's own ledger: what came, before any deduplication, and what became of it.

One JSON object a line, appended and on disk before the platform answers, so what a ledger holds survives
a crash of either side. Effects are counted here, never in the gateway's own tables.

Kinds: `request` (something arrived), `applied` (it took effect), `refused`, and on the sending side
`acknowledged` (the gateway took it over; `to` names who must have it).
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway import clock

REQUEST, APPLIED, REFUSED, ACKNOWLEDGED = "request", "applied", "refused", "acknowledged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `type` is the standard's number, `key` the idempotency (delivery) key, `digest` SM3 hex of
    the content without its envelope, `biz_key` the standard's business key, `body` the content as it was
    understood, in the platform's own names; `answer` what was answered, or the id of a sending at the
    gateway; `to` the receivers of a sending."""

    at: str
    node: str
    kind: str
    type: str
    key: str
    digest: str = ""
    biz_key: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    to: tuple[str, ...] = ()


Predicate = Callable[[Entry], bool]


class Ledger:
    """The ledger of one platform. Reads what its file holds when it is opened."""

    def __init__(self, node: str, path: Path):
        self.node = node
        self.path = path
        self.entries: list[Entry] = []
        self._effects: dict[str, Entry] = {}
        self._waiting: list[tuple[Predicate, asyncio.Future[Entry]]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._load()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        os.close(self._file)

    def append(
        self,
        kind: str,
        type: str,
        key: str,
        *,
        digest: str = "",
        biz_key: str = "",
        body: dict[str, Any] | None = None,
        answer: str = "",
        to: Iterable[str] = (),
    ) -> Entry:
        """Writes the line, waits for the disk, then wakes those who wait for it. A request's line reaches
        the disk with the line of what became of it: until then nothing was answered."""
        entry = Entry(clock.t17(), self.node, kind, type, key, digest, biz_key, body or {}, answer, tuple(to))
        line = json.dumps(asdict(entry), ensure_ascii=False, separators=(",", ":")) + "\n"
        os.write(self._file, line.encode())
        if kind != REQUEST:
            os.fsync(self._file)
        self._keep(entry)
        self._wake(entry)
        return entry

    def effect(self, key: str) -> Entry | None:
        """The effect under a key; a refusal binds nothing."""
        return self._effects.get(key)

    def find(
        self, kind: str, type: str = "", biz_key: str = "", test: Predicate | None = None
    ) -> list[Entry]:
        """Entries in the order of their coming; an empty condition does not bind."""
        return [
            entry
            for entry in self.entries
            if entry.kind == kind
            and (not type or entry.type == type)
            and (not biz_key or entry.biz_key == biz_key)
            and (test is None or test(entry))
        ]

    async def wait_for(self, predicate: Predicate, timeout_s: float, *, after: int = 0) -> Entry:
        """The first entry, there already or still to come, that the predicate holds for, without the
        first `after` ones. TimeoutError."""
        for entry in self.entries[after:]:
            if predicate(entry):
                return entry
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        waiting = (predicate, future)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            self._waiting.remove(waiting)

    def _wake(self, entry: Entry) -> None:
        for predicate, future in self._waiting:
            if not future.done() and predicate(entry):
                future.set_result(entry)

    def _keep(self, entry: Entry) -> None:
        self.entries.append(entry)
        if entry.kind == APPLIED:
            self._effects.setdefault(entry.key, entry)

    def _load(self) -> None:
        data = self.path.read_bytes()
        whole, newline, rest = data.rpartition(b"\n")
        if rest:
            # A crash while writing left half a line: it was never answered, so it is as if it never came.
            os.truncate(self.path, len(whole) + len(newline))
        for line in whole.splitlines():
            fields = json.loads(line)
            fields["to"] = tuple(fields.get("to", ()))
            self._keep(Entry(**fields))


@dataclass(frozen=True, slots=True)
class Effects:
    """What all ledgers together say. `duplicated`: contents that took effect under more than one key, or
    more than once under one; `lost`: taken over by the gateway, never applied by a receiver; `resends`:
    requests beyond the first under a key; `pending`: (receiver, type, business key) of what is lost so far.
    """

    applied: int
    duplicated: int
    lost: int
    resends: int
    pending: tuple[tuple[str, str, str], ...] = ()


def count_effects(ledgers: Iterable[Ledger]) -> Effects:
    """Counts over the ledgers of all platforms; what a ledger's owner refused is neither lost nor applied."""
    every = list(ledgers)
    pending = tuple(sorted(_missing(every)))
    return Effects(
        applied=sum(len(ledger.find(APPLIED)) for ledger in every),
        duplicated=sum(_duplicated(ledger) for ledger in every),
        lost=len(pending),
        resends=sum(_resends(ledger) for ledger in every),
        pending=pending,
    )


def _duplicated(ledger: Ledger) -> int:
    keys: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for entry in ledger.entries:
        if entry.kind == APPLIED:
            keys[entry.type, entry.digest][entry.key] += 1
    twice = sum(len(found) - 1 + sum(times - 1 for times in found.values()) for found in keys.values())
    return twice + _asked_under_two_keys(ledger, keys)


def _asked_under_two_keys(ledger: Ledger, applied: dict[tuple[str, str], Counter[str]]) -> int:
    """Contents that came under a second key and took effect only once because the platform noticed."""
    asked: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in ledger.entries:
        if entry.kind == REQUEST and (entry.type, entry.digest) in applied:
            asked[entry.type, entry.digest].add(entry.key)
    return sum(max(0, len(keys) - max(1, len(applied[content]))) for content, keys in asked.items())


def _resends(ledger: Ledger) -> int:
    times = Counter((entry.type, entry.key) for entry in ledger.entries if entry.kind == REQUEST)
    return sum(count - 1 for count in times.values())


def _missing(ledgers: list[Ledger]) -> Iterator[tuple[str, str, str]]:
    arrived: Counter[tuple[str, str, str]] = Counter()
    for ledger in ledgers:
        effects = {
            (ledger.node, entry.type, entry.biz_key, entry.key)
            for entry in ledger.entries
            if entry.kind in (APPLIED, REFUSED)
        }
        arrived.update((node, type, biz_key) for node, type, biz_key, _ in effects)
    there = {ledger.node for ledger in ledgers}
    for ledger in ledgers:
        sent = {
            (receiver, entry.type, entry.biz_key, entry.key)
            for entry in ledger.entries
            if entry.kind == ACKNOWLEDGED
            for receiver in entry.to
            if receiver in there
        }
        for receiver, type, biz_key, _ in sorted(sent):
            place = (receiver, type, biz_key)
            if arrived[place] > 0:
                arrived[place] -= 1
            else:
                yield place
