"""What a platform knows, kept over a restart: a table of records, written as a journal of changes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Book:
    """Records by (kind, key). A `put` survives the process's end; that of the machine only with the next
    flush of its disk, unlike the ledger, which is the platform's word."""

    def __init__(self, path: Path):
        self.path = path
        self._records: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._load()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        os.close(self._file)

    def get(self, kind: str, key: str) -> Any:
        """The record, None if there is none. Change it only through `put`."""
        return self._records.get(kind, {}).get(key)

    def all(self, kind: str) -> dict[str, Any]:
        """Every record of a kind, in the order in which they first came."""
        return dict(self._records.get(kind, {}))

    def put(self, kind: str, key: str, record: Any) -> None:
        """Keeps a record; None takes it away."""
        line = json.dumps([kind, key, record], ensure_ascii=False, separators=(",", ":")) + "\n"
        os.write(self._file, line.encode())
        self._keep(kind, key, record)

    def next_number(self, name: str) -> int:
        """1, 2, 3 … for each name, never one twice."""
        number = int(self.get("serial", name) or 0) + 1
        self.put("serial", name, number)
        return number

    def _keep(self, kind: str, key: str, record: Any) -> None:
        if record is None:
            self._records.get(kind, {}).pop(key, None)
        else:
            self._records.setdefault(kind, {})[key] = record

    def _load(self) -> None:
        data = self.path.read_bytes()
        whole, newline, rest = data.rpartition(b"\n")
        if rest:
            os.truncate(self.path, len(whole) + len(newline))
        for line in whole.splitlines():
            kind, key, record = json.loads(line)
            self._keep(kind, key, record)
