"""Archives of months: every message with all that belongs to it, one JSON line each, compressed, signed.

A line is `{"digest", "record", "receipt"}`: the record of store/records.py, SHA-256 over its canonical JSON, and the
message's receipt (null where it was stored without evidence). So an archive can be read and proven with nothing but
itself and the gateway's receipt certificate.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway import __version__, clock
from gateway.evidence import ReceiptInvalid, make_receipt, verify_receipt
from gateway.keeping.manifest import (
    Certificates,
    NotIntact,
    check_files,
    file_entry,
    read_manifest,
    sync_folder,
    write_manifest,
)
from gateway.security.keys import Identity
from gateway.store import Store
from gateway.store.contract import ArchiveRow
from gateway.store.migrations import HEAD
from gateway.store.months import Month
from gateway.store.records import record_digest

FORMAT = "ggzy-gateway archive v1"
LINES = "messages.jsonl.gz"
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Archived:
    """`digest`: SHA-256 hex of the manifest; `size_bytes` of all files."""

    month: str
    place: Path
    digest: str
    messages: int
    size_bytes: int


async def make_archive(store: Store, month: Month, into: Path, receipt: Identity) -> Archived:
    """Writes the month into a new folder of `into`, reads it back, and notes it in the store. NotIntact, OSError."""
    name = f"{month}-{clock.t17()}"
    draft, place = into / f".{name}", into / name
    draft.mkdir(parents=True)
    messages = await _write_lines(store, month, draft / LINES)
    facts = {
        "format": FORMAT,
        "month": str(month),
        "made_at": clock.t17(),
        "gateway": __version__,
        "schema": HEAD,
        "messages": messages,
        "files": [file_entry(draft, LINES)],
    }
    write_manifest(draft, facts, receipt)
    archived = verify_archive(draft, Certificates([receipt.sign_cert]), strict=False)
    draft.rename(place)
    sync_folder(into)
    row = ArchiveRow(str(month), str(place), archived.digest, messages, clock.now_ms())
    await store.put_archive(row)
    return Archived(str(month), place, archived.digest, messages, archived.size_bytes)


async def _write_lines(store: Store, month: Month, path: Path) -> int:
    count, last = 0, ""
    with path.open("wb") as file:
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            while batch := await store.month_records(month, last, _BATCH):
                for row, record in batch:
                    proof = make_receipt(row) if row.place is not None else None
                    line = {"digest": record_digest(record), "record": record, "receipt": proof}
                    packed.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                count, last = count + len(batch), batch[-1][0].id
        file.flush()
        os.fsync(file.fileno())
    return count


def verify_archive(folder: Path, certificates: Certificates, *, strict: bool = True) -> Archived:
    """Reads an archive back, whole: signature, files, every record, content and receipt. `strict` False passes over
    the signature of receipts by a key that is not among the certificates. NotIntact."""
    manifest, digest = read_manifest(folder, FORMAT, certificates)
    size = check_files(folder, manifest["files"])
    count, last = 0, ""
    for line in read_lines(folder):
        _check_line(line, certificates, strict=strict)
        id_ = line["record"]["message"]["id"]
        if id_ <= last:
            raise NotIntact(f"{folder}: message {id_} is out of order")
        count, last = count + 1, id_
    if count != manifest["messages"]:
        raise NotIntact(f"{folder}: {count} messages, the manifest says {manifest['messages']}")
    return Archived(manifest["month"], folder, digest, count, size)


def read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Every line, in the order of message ids. NotIntact where it cannot be read."""
    try:
        with gzip.open(folder / LINES, "rb") as packed:
            for line in packed:
                yield orjson.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise NotIntact(f"{folder / LINES}: {error}") from error


def read_digests(folder: Path) -> Iterator[dict[str, str]]:
    """Message id → digest of its record, in batches."""
    batch: dict[str, str] = {}
    for line in read_lines(folder):
        batch[line["record"]["message"]["id"]] = line["digest"]
        if len(batch) == _BATCH:
            yield batch
            batch = {}
    if batch:
        yield batch


def _check_line(line: Mapping[str, Any], certificates: Certificates, *, strict: bool) -> None:
    record, proof = line["record"], line["receipt"]
    message = record["message"]
    if record_digest(record) != line["digest"]:
        raise NotIntact(f"message {message['id']}: not what its digest says")
    body = base64.b64decode(record["content"]["body"])
    if hashlib.sha256(body).hexdigest() != message["fingerprint"]:
        raise NotIntact(f"message {message['id']}: its content is not what was accepted")
    if proof is None:
        if record["leaf"] is not None:
            raise NotIntact(f"message {message['id']}: it has evidence and no receipt")
        return
    key_id = proof["checkpoint"]["key_id"]
    try:
        verify = certificates.verifier(key_id)
    except NotIntact:
        if strict:
            raise
        return
    try:
        told = verify_receipt(proof, verify, key_id)
    except ReceiptInvalid as error:
        raise NotIntact(f"message {message['id']}: {error}") from error
    if (told.message_id, told.fingerprint) != (message["id"], message["fingerprint"]):
        raise NotIntact(f"message {message['id']}: the receipt is another's")
