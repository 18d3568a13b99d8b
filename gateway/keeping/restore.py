"""Restoring a backup into an empty place. Delivery starts paused: what was delivered after the backup is not known
here, and a person decides when it goes on. It goes on under the same delivery keys, which the receivers know.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from gateway import clock
from gateway.keeping.backup import FILES, Backup, read_backup
from gateway.keeping.manifest import Certificates, sync_folder
from gateway.store import open_store
from gateway.store.blobs import Blobs
from gateway.store.postgres_snapshots import is_empty, place_postgres
from gateway.store.snapshots import POSTGRESQL, SQLITE, NotRestored, Snapshot, place_sqlite

ACTOR = "restore"
_SIDES = ("-wal", "-shm", ".lock")


@dataclass(frozen=True, slots=True)
class Restored:
    """`suffix`: how the names of the evidence logs end from now on."""

    backup: Backup
    suffix: str


async def restore_backup(
    folder: Path, store_url: str, data_dir: Path, blobs: Blobs, certificates: Certificates
) -> Restored:
    """NotIntact where the backup is not what was signed, NotRestored where the place is not empty or what was put
    there is not what was backed up; StoreUnavailable, OSError."""
    backup = read_backup(folder, certificates)
    kind = SQLITE if store_url.startswith("sqlite:") else POSTGRESQL
    if backup.snapshot.store != kind:
        raise NotRestored(
            f"a backup of {backup.snapshot.store} goes into {backup.snapshot.store}, not {kind}"
        )
    await _check_empty(kind, store_url, blobs, files=backup.attachments >= 0)
    moment = clock.t17()
    suffix, reason = f"-{moment}", f"restored from {folder.name}"
    await _place_files(folder, blobs, backup)
    if kind == SQLITE:
        await _place_file(folder, _path(store_url), data_dir, backup.snapshot, suffix, reason)
    else:
        placed = await place_postgres(store_url, folder, backup.snapshot, suffix, ACTOR, reason)
        _compare(backup.snapshot, placed)
    return Restored(backup, suffix)


async def _place_files(folder: Path, blobs: Blobs, backup: Backup) -> None:
    if backup.attachments < 1:
        return
    for path in sorted((folder / FILES).rglob("*")):
        if path.is_file():
            await blobs.put(path.relative_to(folder).as_posix(), path.read_bytes())


async def _place_file(
    folder: Path, path: Path, data_dir: Path, told: Snapshot, suffix: str, reason: str
) -> None:
    """The database gets its name last: until then no gateway can open it, and with it everything is paused."""
    draft = path.with_name(f".{path.name}.restoring")
    _compare(told, await asyncio.to_thread(_draw, folder, path, draft))
    store = open_store(f"sqlite:///{draft.absolute()}", data_dir)
    await store.open()
    try:
        await store.hold_restored(suffix, ACTOR, reason)
    finally:
        await store.close()
    await asyncio.to_thread(_name, draft, path)


def _draw(folder: Path, path: Path, draft: Path) -> Snapshot:
    path.parent.mkdir(parents=True, exist_ok=True)
    for one in (draft, *_sides(draft)):
        one.unlink(missing_ok=True)
    return place_sqlite(folder, draft)


def _name(draft: Path, path: Path) -> None:
    if any(one.exists() and one.stat().st_size for one in _sides(draft)[:2]):
        raise NotRestored(f"{draft} was not written whole")
    draft.rename(path)
    for one in _sides(draft):
        one.unlink(missing_ok=True)
    sync_folder(path.parent)


async def _check_empty(kind: str, store_url: str, blobs: Blobs, *, files: bool) -> None:
    if kind == SQLITE and _path(store_url).exists():
        raise NotRestored(f"{_path(store_url)} is there already; restore into a new folder")
    if kind == POSTGRESQL and not await is_empty(store_url):
        raise NotRestored("the database is not empty; restore into a new one")
    if files and await blobs.list(FILES):
        raise NotRestored("the store of attachments is not empty; restore into a new one")


def _path(store_url: str) -> Path:
    return Path(store_url.partition("://")[2][1:])


def _sides(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in _SIDES]


def _compare(told: Snapshot, found: Snapshot) -> None:
    """Schema, rows and evidence must be those of the backup."""
    for name in ("revision", "heads"):
        if getattr(told, name) != getattr(found, name):
            raise NotRestored(f"{name}: expected {getattr(told, name)}, found {getattr(found, name)}")
    if dict(told.rows) != dict(found.rows):
        raise NotRestored("the numbers of rows are not those of the backup")
