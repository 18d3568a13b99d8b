"""Backups while the gateway runs: the database as it stood at one moment, then the attachments that it names.

The database comes first: a file of a message is complete before the message is, and never changes, so all that
the copy names is there afterwards. Keys are no part of a backup: they must lie elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway import __version__, clock
from gateway.keeping.manifest import (
    Certificates,
    NotIntact,
    check_files,
    file_entry,
    read_manifest,
    sync_folder,
    write_durably,
    write_manifest,
)
from gateway.security.keys import Identity
from gateway.store.blobs import Blobs
from gateway.store.postgres_snapshots import copy_postgres
from gateway.store.snapshots import Head, Snapshot, copy_sqlite

FORMAT = "ggzy-gateway backup v1"
FILES = "files"  # where complete attachments lie (store/uploads.py)


@dataclass(frozen=True, slots=True)
class Backup:
    """`size_bytes` of all files; `attachments`: parts of files, -1 where they were left out."""

    place: Path
    snapshot: Snapshot
    attachments: int
    size_bytes: int


async def make_backup(store_url: str, blobs: Blobs | None, into: Path, receipt: Identity) -> Backup:
    """A new folder in `into`, read back before it gets its name. `blobs` None leaves attachments out. OSError,
    StoreUnavailable, NotRestored, NotIntact."""
    name = f"backup-{clock.t17()}"
    draft, place = into / f".{name}", into / name
    draft.mkdir(parents=True, mode=0o700)
    snapshot = await take_snapshot(store_url, draft)
    attachments = await _copy_files(blobs, draft) if blobs is not None else []
    facts = {
        "format": FORMAT,
        "made_at": clock.t17(),
        "gateway": __version__,
        "snapshot": asdict(snapshot),
        "attachments": len(attachments) if blobs is not None else -1,
        "files": [file_entry(draft, one) for one in (*snapshot.files, *attachments)],
    }
    write_manifest(draft, facts, receipt)
    made = read_backup(draft, Certificates([receipt.sign_cert]))
    draft.rename(place)
    sync_folder(into)
    return Backup(place, made.snapshot, made.attachments, made.size_bytes)


async def take_snapshot(store_url: str, folder: Path) -> Snapshot:
    scheme, _, rest = store_url.partition("://")
    if scheme == "sqlite":
        return await asyncio.to_thread(copy_sqlite, Path(rest[1:]), folder)
    return await copy_postgres(store_url, folder)


async def _copy_files(blobs: Blobs, folder: Path) -> list[str]:
    """Every part of every complete file, under the same path."""
    names = []
    for blob in await blobs.list(FILES):
        name = f"{FILES}/{blob.name}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, bytes(await blobs.read(name)))
        names.append(name)
    return names


def read_backup(folder: Path, certificates: Certificates) -> Backup:
    """A backup whose signature and files hold. NotIntact."""
    manifest, _ = read_manifest(folder, FORMAT, certificates)
    size = check_files(folder, manifest["files"])
    try:
        snapshot = _snapshot(manifest["snapshot"])
    except (KeyError, TypeError) as error:
        raise NotIntact(f"{folder}: the manifest does not describe a snapshot: {error!r}") from error
    return Backup(folder, snapshot, manifest["attachments"], size)


def _snapshot(told: Mapping[str, Any]) -> Snapshot:
    made = {**told, "heads": tuple(Head(**one) for one in told["heads"])}
    return Snapshot(**{**made, "files": tuple(told["files"]), "parts": tuple(told["parts"])})
