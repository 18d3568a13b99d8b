"""Migrations of databases that hold something already."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.store import Store, open_store
from tests.store.samples import accept_id, message, new_log

_BEFORE_0011 = """
CREATE TABLE before (sender TEXT NOT NULL, idem_key TEXT NOT NULL, fingerprint TEXT NOT NULL, message_id TEXT NOT NULL,
    kind TEXT NOT NULL, outcome BLOB, PRIMARY KEY (sender, idem_key)) WITHOUT ROWID;
INSERT INTO before SELECT * FROM sender_key;
DROP TABLE sender_key;
ALTER TABLE before RENAME TO sender_key;
DROP TABLE console_token; -- later revisions make these again
DROP TABLE saved_filter;
UPDATE alembic_version SET version_num = '0010';
"""


async def test_keys_that_are_laid_out_anew_are_the_same_keys(
    sqlite_only: None, store: Store, tmp_path: Path, store_url: str
) -> None:
    first = message("a")
    accepted = await accept_id(store, first)
    await store.close()
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    rows = connection.execute("SELECT * FROM sender_key").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="rowid"):
        connection.executescript(_BEFORE_0011)
        connection.execute("SELECT rowid FROM sender_key")
    connection.close()
    again = open_store(store_url, tmp_path, evidence=new_log())
    await again.open()
    outcome = await again.accept(first)
    assert outcome.kind == "replayed" and outcome.message is not None and outcome.message.id == accepted
    await again.close()
    connection = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    assert connection.execute("SELECT * FROM sender_key").fetchall() == rows
    assert connection.execute("SELECT rowid FROM sender_key").fetchall() == [(1,)]
    connection.close()
