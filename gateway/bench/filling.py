"""Many stored messages in little time: what the store wrote for one message is written again in bulk.

The rows of the model are read from every table that holds some, and inserted with other numbers, ids, keys,
digests and times: so the tables hold what `accept`, `claim` and `record` write, with all indexes and of the same
sizes. Contents are the model's own. `tests/store/test_filling.py` holds a filled message against an accepted one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import asyncpg

CHUNK = 50_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARS = 10
EVERY_MS = 20
_CACHE_KIB = 1024 * 1024
# What belongs to a message, and by which of its values.
MODEL: dict[str, str] = {
    "message": "id = {id}",
    "content": "message_seq = (SELECT seq FROM message WHERE id = {id})",
    "sender_key": "message_id = {id}",
    "business_key": "message_id = {id}",
    "seen_token": "jti = (SELECT jti FROM message WHERE id = {id})",
    "event": "message_id = {id}",
    "delivery": "message_id = {id}",
    "form": "delivery_id IN (SELECT id FROM delivery WHERE message_id = {id})",
    "attempt": "delivery_id IN (SELECT id FROM delivery WHERE message_id = {id})",
    "leaf": "(log_id, leaf_index) IN (SELECT log_id, leaf_index FROM message WHERE id = {id})",
}
_NUMBERS = {
    ("message", "seq"),
    ("content", "message_seq"),
    ("delivery", "id"),
    ("form", "delivery_id"),
    ("attempt", "delivery_id"),
}
_KEYS = {
    ("message", "biz_key"),
    ("business_key", "biz_key"),
    ("delivery", "biz_key"),
    ("delivery", "line"),
    ("business_object", "key"),
}
_DIGESTS = {"idem_key", "fingerprint", "delivery_key", "rendered_digest"}
_BLOBS = {"hash", "outcome", "used_for"}
_TIMES = {"received_at", "accepted_at", "at", "started_at", "ended_at", "done_at", "due_at"}


class Database(Protocol):
    """What differs between the two: how a digest, a number and a series are said."""

    def number(self, n: str) -> str: ...
    def digest(self, kind: str, *, raw: bool = False) -> str: ...
    def padded(self, n: str) -> str: ...
    def series(self) -> str: ...
    def parameter(self, place: int, value: Any) -> str: ...
    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]: ...
    async def run(self, sql: str, *values: Any) -> None: ...


@dataclass(slots=True)
class Filler:
    """`model` is the id of a stored message. `changed`: (table, column) → SQL over `n`, the place in the fill
    (from `first`), where rows must differ from the model. `tables`: those that are filled."""

    database: Database
    model: str
    changed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    tables: Sequence[str] = tuple(MODEL)
    every_ms: int = EVERY_MS  # between two messages

    async def fill(self, first: int, count: int, began_ms: int) -> None:
        """Messages `first` … `first + count - 1`, the first of them at `began_ms`."""
        plans = [plan async for plan in self._plans(began_ms - first * self.every_ms)]
        for start in range(first, first + count, CHUNK):
            last = min(start + CHUNK, first + count) - 1
            for sql, values in plans:
                await self.database.run(sql, start, last, *values)

    async def _plans(self, epoch_ms: int) -> Any:
        for table in self.tables:
            rows = await self.database.rows(
                f"SELECT * FROM {table} WHERE {MODEL[table].format(id=self.database.parameter(1, ''))}",
                self.model,
            )
            rows.sort(key=lambda row: row.get("id", 0))
            for place, row in enumerate(rows):
                values: list[Any] = []
                said = [
                    self._said(table, name, value, place, len(rows), epoch_ms, values)
                    for name, value in row.items()
                ]
                yield (
                    f"INSERT INTO {table} ({', '.join(row)}) SELECT {', '.join(said)} FROM {self.database.series()}",
                    values,
                )

    def _said(
        self, table: str, name: str, value: Any, place: int, of: int, epoch_ms: int, values: list[Any]
    ) -> str:
        database = self.database
        if (table, name) in self.changed:
            return self.changed[table, name]
        if (table, name) in _NUMBERS:
            return database.number("n")
        if (table, name) in {("delivery", "seq"), ("message", "leaf_index"), ("leaf", "leaf_index")}:
            return "n"
        if (table, name) == ("leaf", "tree_size"):
            return "n + 1"
        if (table, name) == ("event", "id"):
            return f"n * {of} + {place}"
        at = f"({epoch_ms} + n * {self.every_ms})"
        if name == "message_id" or (table, name) == ("message", "id"):
            return self._id(at)
        if (table, name) in _KEYS:
            return self._key(value, values)
        if name == "search":
            return f"{self._key(value[:40], values)} || {self._given(value[40:], values)}"
        if name == "jti":
            return f"{self._time(at)} || substr({database.digest('jti')}, 1, {len(value) - _TIME_CHARS})"
        if name in _DIGESTS:
            return database.digest(name)
        if name in _BLOBS:
            return database.digest("hash" if name == "outcome" else name, raw=True)
        if name in _TIMES and value:
            return at
        return self._given(value, values)

    def _given(self, value: Any, values: list[Any]) -> str:
        if value is None:
            return "NULL"
        values.append(value)
        return self.database.parameter(len(values) + 2, value)

    def _key(self, value: str, values: list[Any]) -> str:
        """As long as the model's, and another one each: 16 of its characters are random."""
        return f"{self._given(value[:4], values)} || substr({self.database.digest('biz_key')}, 1, 16) || {self._given(value[20:], values)}"

    def _id(self, at: str) -> str:
        """A ULID of that moment."""
        return f"{self._time(at)} || {self.database.padded('n')}"

    def _time(self, at: str) -> str:
        """How it begins."""
        return " || ".join(
            f"substr('{_CROCKFORD}', CAST(({at} >> {shift}) & 31 AS integer) + 1, 1)"
            for shift in range(45, -1, -5)
        )


class Sqlite:
    """A database file that nobody else has open. What is filled in is durable once `close` has returned."""

    def __init__(self, path: Path):
        self._path = path
        self._raw = sqlite3.connect(path, isolation_level=None)
        self._raw.row_factory = sqlite3.Row
        self._raw.create_function("digest", 2, _digest, deterministic=True)
        self._raw.create_function("digest_raw", 2, _digest_raw, deterministic=True)
        for name, value in (("journal_mode", "OFF"), ("synchronous", "OFF"), ("cache_size", -_CACHE_KIB)):
            self._raw.execute(f"PRAGMA {name} = {value}")

    def number(self, n: str) -> str:
        return n

    def digest(self, kind: str, *, raw: bool = False) -> str:
        return f"{'digest_raw' if raw else 'digest'}('{kind}', n)"

    def padded(self, n: str) -> str:
        return f"printf('%016d', {n})"

    def series(self) -> str:
        return "(WITH RECURSIVE each(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM each WHERE n < ?2) SELECT n FROM each)"

    def parameter(self, place: int, value: Any) -> str:
        return f"?{place}"

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._raw.execute(sql, values)]

    async def run(self, sql: str, *values: Any) -> None:
        self._raw.execute(sql, values)

    async def close(self) -> None:
        self._raw.execute("PRAGMA journal_mode = WAL")
        self._raw.close()
        await asyncio.to_thread(_sync, self._path)


class Postgres:
    """A database of PostgreSQL."""

    _TYPES: Mapping[type, str] = {int: "bigint", str: "text", bytes: "bytea", float: "float8"}

    def __init__(self, raw: Any):
        self.raw = raw

    @classmethod
    async def connect(cls, url: str) -> Postgres:
        return cls(
            await asyncpg.connect(url, command_timeout=600, server_settings={"synchronous_commit": "off"})
        )

    def number(self, n: str) -> str:
        return f"gateway_month() * 1000000000000 + {n}"

    def digest(self, kind: str, *, raw: bool = False) -> str:
        digest = f"sha256(convert_to('{kind} ' || n, 'UTF8'))"
        return digest if raw else f"encode({digest}, 'hex')"

    def padded(self, n: str) -> str:
        return f"lpad(CAST({n} AS text), 16, '0')"

    def series(self) -> str:
        return "generate_series($1::bigint, $2::bigint) AS each(n)"

    def parameter(self, place: int, value: Any) -> str:
        return f"${place}::{self._TYPES[type(value)]}"

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.raw.fetch(sql, *values)]

    async def run(self, sql: str, *values: Any) -> None:
        await self.raw.execute(sql, *values)

    async def close(self) -> None:
        await self.raw.close()


async def count_in(database: Database, states: Mapping[tuple[str, str], int]) -> None:
    """Adds to the counts: (receiver, state) → how many; the receiver of messages is ""."""
    for (receiver, state), count in states.items():
        said = [database.parameter(place, value) for place, value in enumerate((receiver, state, count), 1)]
        await database.run(
            f"INSERT INTO tally (receiver, state, writer, count) VALUES ({said[0]}, {said[1]}, 'bench', {said[2]})",
            receiver, state, count,
        )  # fmt: skip


async def grow_log(database: Database, size: int) -> None:
    """The evidence log's size, with as many hashes in its frontier as a tree of that size has."""
    frontier = b"".join(hashlib.sha256(str(bit).encode()).digest() for bit in _bits(size))
    await database.run(
        f"UPDATE evidence_log SET size = {database.parameter(1, size)}, frontier = {database.parameter(2, frontier)}",
        size, frontier,
    )  # fmt: skip


def _bits(number: int) -> Iterator[int]:
    return (place for place in range(number.bit_length()) if number >> place & 1)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _digest(kind: str, n: int) -> str:
    return hashlib.sha256(f"{kind} {n}".encode()).hexdigest()


def _digest_raw(kind: str, n: int) -> bytes:
    return hashlib.sha256(f"{kind} {n}".encode()).digest()
