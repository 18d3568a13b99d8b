"""A signed manifest: what a folder holds, file by file, under the gateway's receipt key.

`manifest.json` (UTF-8), `manifest.sig` (Base64 of the DER ECDSA signature over its bytes, P-256 and SHA-256) and
`receipt.crt` (PEM, for convenience: who checks takes the certificate that he knows).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.message import GATEWAY_NODE
from gateway.security.keys import Certificate, Identity, load_certificate

NAME, SIGNATURE, CERTIFICATE = "manifest.json", "manifest.sig", "receipt.crt"
_BLOCK = 1024 * 1024


class NotIntact(GatewayError):
    """What was read back is not what was written or signed; the text says where."""


class Certificates:
    """The receipt certificates that are trusted, by thumbprint: the current one, and older ones beside it."""

    def __init__(self, known: Iterable[Certificate]):
        self._known = {one.thumbprint: one for one in known}

    @classmethod
    def in_folder(cls, certs_dir: Path) -> Certificates:
        """Every `receipt*.crt` of the gateway. OSError or ValueError where one cannot be read."""
        files = sorted((certs_dir / GATEWAY_NODE).glob("receipt*.crt"))
        return cls(load_certificate(path.read_bytes()) for path in files)

    def verifier(self, key_id: str) -> Callable[[bytes, bytes], bool]:
        """NotIntact for a key that is not known."""
        found = self._known.get(key_id)
        if found is None:
            raise NotIntact(f"signed by a receipt key that is not known here: {key_id[:80]}")
        return found.verify_text


def file_entry(folder: Path, name: str) -> dict[str, Any]:
    """{name, size, sha256} of a file in the folder."""
    digest, size = hashlib.sha256(), 0
    with (folder / name).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return {"name": name, "size": size, "sha256": digest.hexdigest()}


def write_manifest(folder: Path, facts: Mapping[str, Any], receipt: Identity) -> str:
    """Signs and writes, durably; SHA-256 hex of the manifest."""
    key_id = receipt.sign_cert.thumbprint
    data = orjson.dumps({**facts, "key_id": key_id}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_durably(folder / CERTIFICATE, receipt.sign_cert.pem)
    write_durably(folder / SIGNATURE, base64.b64encode(receipt.sign_text(data)) + b"\n")
    write_durably(folder / NAME, data)
    sync_folder(folder)
    return hashlib.sha256(data).hexdigest()


def read_manifest(folder: Path, format: str, certificates: Certificates) -> tuple[dict[str, Any], str]:
    """The manifest whose signature holds, and its SHA-256 in hex. NotIntact."""
    try:
        data = (folder / NAME).read_bytes()
        signature = base64.b64decode((folder / SIGNATURE).read_bytes().strip(), validate=True)
        manifest = orjson.loads(data)
        found, key_id = str(manifest["format"]), str(manifest["key_id"])
    except (OSError, binascii.Error, ValueError, KeyError, TypeError) as error:
        raise NotIntact(f"{folder}: no manifest that can be read: {error}") from error
    if found != format:
        raise NotIntact(f"{folder}: expected {format!r}, got {found[:60]!r}")
    if not certificates.verifier(key_id)(data, signature):
        raise NotIntact(f"{folder}: the manifest's signature does not hold")
    return manifest, hashlib.sha256(data).hexdigest()


def check_files(folder: Path, entries: Sequence[Mapping[str, Any]]) -> int:
    """Reads every file back; how many bytes. NotIntact where one is missing or another."""
    for entry in entries:
        name = str(entry["name"])
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise NotIntact(f"{folder}: {name!r} is no file of this folder")
        try:
            found = file_entry(folder, name)
        except OSError as error:
            raise NotIntact(f"{folder / name}: {error.strerror or error}") from error
        if found != dict(entry):
            raise NotIntact(f"{folder / name}: not what the manifest says")
    return sum(int(entry["size"]) for entry in entries)


def write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """What was made, renamed or removed in it is so after a crash."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
