"""The proof of one message: its receipt, checked anew against what is stored and the gateway's own certificate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from gateway.evidence import ReceiptInvalid, make_receipt, verify_receipt
from gateway.message import GATEWAY_NODE
from gateway.security import keys
from gateway.settings import Settings
from gateway.store.contract import MessageRow

HOLDS, FAILS, OPEN = "holds", "fails", "open"


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: content | proof, a key of the texts with `proof.`; `verdict`: holds | fails | open (nothing can be said)."""

    name: str
    verdict: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    steps: tuple[Step, ...]

    @property
    def holds(self) -> bool:
        return all(step.verdict != FAILS for step in self.steps) and self.steps[-1].verdict == HOLDS


def check(settings: Settings, row: MessageRow) -> Proof:
    """Is what is stored what the receipt tells of; does the path lead to the checkpoint's root, and its
    signature hold? Reads the certificate: for a thread."""
    return Proof((_content(row), _receipt(settings, row)))


def _content(row: MessageRow) -> Step:
    if not row.body:
        return Step("content", OPEN, "purged")
    found = hashlib.sha256(row.body).hexdigest()
    if found == row.fingerprint:
        return Step("content", HOLDS)
    return Step("content", FAILS, f"SHA-256 {found}")


def _receipt(settings: Settings, row: MessageRow) -> Step:
    try:
        receipt = make_receipt(row)
    except LookupError as error:
        return Step("proof", OPEN, str(error))
    key_id = receipt["checkpoint"]["key_id"]
    known = find_receipt_key(settings, key_id)
    if known is None:
        return Step("proof", FAILS, f"no certificate with the thumbprint {key_id}")
    try:
        verify_receipt(receipt, known.verify_text, known.thumbprint)
    except ReceiptInvalid as error:
        return Step("proof", FAILS, str(error))
    return Step("proof", HOLDS)


def find_receipt_key(settings: Settings, key_id: str) -> keys.Certificate | None:
    """The gateway's certificate with that thumbprint: the one in use, or an earlier one that lies beside it."""
    for path in sorted((settings.certs_dir / GATEWAY_NODE).glob("receipt*.crt")):
        found = _load(path)
        if found is not None and found.thumbprint == key_id:
            return found
    return None


def _load(path: Path) -> keys.Certificate | None:
    try:
        return keys.load_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
