"""Backup and restore on every database: one state while it is written to, and what it says afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
import pytest

from gateway.evidence import EvidenceLog, make_receipt, verify_receipt
from gateway.keeping.backup import FILES, make_backup, read_backup
from gateway.keeping.manifest import NAME, Certificates, NotIntact
from gateway.keeping.restore import restore_backup
from gateway.security import keys
from gateway.store import Store, open_store
from gateway.store.blobs import Blobs
from gateway.store.contract import ALL_RECEIVERS
from gateway.store.snapshots import NotRestored
from tests.postgres import the_server
from tests.store.samples import accept_id, claim_one, ended, message, says, to


@pytest.fixture
async def empty_url(store_url: str, tmp_path: Path) -> str:
    """A place like the store's own, with nothing in it."""
    if store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'new' / 'gateway.db'}"
    connection = await asyncpg.connect(the_server().url())
    try:
        await connection.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")
        await connection.execute("CREATE DATABASE restored")
    finally:
        await connection.close()
    return the_server().url("restored")


def log_of(receipt: keys.Identity) -> EvidenceLog:
    return EvidenceLog("GW-1", receipt.sign_text, receipt.sign_cert.thumbprint)


async def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it(
    store_url: str, empty_url: str, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    blobs, later = Blobs.at_folder(tmp_path / "files"), Blobs.at_folder(tmp_path / "later")
    await blobs.put(f"{FILES}/sm3/ab/abcd/1/0", b"sealed")
    store = open_store(store_url, tmp_path, evidence=log_of(receipt))
    await store.open()
    acknowledged: list[str] = []
    stop, many = asyncio.Event(), asyncio.Event()

    async def send(sender: int) -> None:
        number = 0
        while not stop.is_set():
            key = f"{sender}-{number}"
            arrival = message(key * 100, idem_key=key, biz_key=key, jti=key, judge=says(to("CZ", key)))
            acknowledged.append(await accept_id(store, arrival))
            number += 1
            if len(acknowledged) >= 200:
                many.set()

    senders = [asyncio.create_task(send(number)) for number in range(8)]
    await many.wait()
    before = list(acknowledged)
    made = await make_backup(store_url, blobs, tmp_path / "backups", receipt)
    stop.set()
    await asyncio.gather(*senders)
    await store.close()
    assert len(acknowledged) > len(before), "nothing was written meanwhile"
    rows = made.snapshot.rows
    assert len(before) <= rows["message"] <= len(acknowledged) and rows["sender_key"] == rows["message"]
    assert sum(head.size for head in made.snapshot.heads) == rows["leaf"] == rows["message"]
    restored = await restore_backup(made.place, empty_url, tmp_path / "new", later, known)
    found = open_store(empty_url, tmp_path / "new", evidence=log_of(receipt))
    await found.open()
    try:
        missing = [id_ for id_ in before if await found.get_message(id_) is None]
        assert missing == [] and (await found.counts()).messages == rows["message"]
        assert bytes(await later.read(f"{FILES}/sm3/ab/abcd/1/0")) == b"sealed"
        await _goes_on(found, receipt, restored.suffix)
    finally:
        await found.close()


async def _goes_on(store: Store, receipt: keys.Identity, suffix: str) -> None:
    """Paused; keys known; deliveries under their old keys; no place in the log twice."""
    (pause,) = await store.pauses()
    assert (pause.receiver, pause.actor) == (ALL_RECEIVERS, "restore") and "backup-" in pause.reason
    again = await store.accept(message("0-0" * 100, idem_key="0-0", biz_key="0-0", jti="other"))
    assert again.kind == "replayed" and again.message is not None
    (delivery,) = await store.deliveries(again.message.id)
    assert delivery.delivery_key == "key-CZ-0-0"
    assert (await claim_one(store)).delivery_key.startswith("key-CZ-")
    fresh = (await store.accept(message("after", judge=says(to("CZ", "after"))))).message
    assert fresh is not None and fresh.place is not None
    assert (fresh.place.log_id, fresh.place.index) == (f"GW-1{suffix}", 0) and suffix
    verify, key_id = receipt.sign_cert.verify_text, receipt.sign_cert.thumbprint
    for row in (again.message, fresh):
        assert verify_receipt(make_receipt(row), verify, key_id).message_id == row.id
    claimed = await claim_one(store, limit=1)
    assert await store.record(ended(claimed))


async def test_a_backup_goes_into_an_empty_place_alone(
    store_url: str, store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    await accept_id(store, message("one"))
    made = await make_backup(store_url, None, tmp_path / "backups", receipt)
    blobs = Blobs.at_folder(tmp_path / "files")
    with pytest.raises(NotRestored, match=r"there already|not empty"):
        await restore_backup(made.place, store_url, tmp_path, blobs, known)
    other = (
        "postgresql://nobody@127.0.0.1:1/none"
        if store_url.startswith("sqlite")
        else f"sqlite:///{tmp_path}/x.db"
    )
    with pytest.raises(NotRestored, match="goes into"):
        await restore_backup(made.place, other, tmp_path, blobs, known)


async def test_a_backup_that_was_changed_is_not_restored(
    store_url: str, empty_url: str, store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    await accept_id(store, message("one"))
    made = await make_backup(store_url, None, tmp_path / "backups", receipt)
    blobs = Blobs.at_folder(tmp_path / "files")
    file = made.place / made.snapshot.files[-1]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(NotIntact, match="not what the manifest says"):
        await restore_backup(made.place, empty_url, tmp_path, blobs, known)
    manifest = made.place / NAME
    manifest.write_bytes(manifest.read_bytes().replace(b'"message": 1', b'"message": 2'))
    with pytest.raises(NotIntact, match="signature"):
        read_backup(made.place, known)


async def test_a_restore_that_broke_off_leaves_nothing_that_could_be_opened(
    sqlite_only: None,
    store_url: str,
    store: Store,
    tmp_path: Path,
    receipt: keys.Identity,
    known: Certificates,
) -> None:
    """The draft of a restore that was killed is no database of anybody's, and the next restore takes its place."""
    await accept_id(store, message("one"))
    made = await make_backup(store_url, None, tmp_path / "backups", receipt)
    target = tmp_path / "new" / "gateway.db"
    target.parent.mkdir()
    draft = target.with_name(".gateway.db.restoring")
    draft.write_bytes(b"half of a copy")
    await restore_backup(
        made.place, f"sqlite:///{target}", tmp_path / "new", Blobs.at_folder(tmp_path / "f"), known
    )
    assert not draft.exists()
    with sqlite3.connect(target) as opened:
        assert opened.execute("SELECT count(*) FROM message").fetchone() == (1,)
        assert opened.execute("SELECT receiver FROM receiver_pause").fetchone() == (ALL_RECEIVERS,)
