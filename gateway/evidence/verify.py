"""Checks a receipt offline: with the receipt and the gateway's public key, and nothing else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError
from gateway.evidence.log import FORMAT, LEAF_FIELDS, checkpoint_text, leaf_data
from gateway.merkle import hash_leaf, root_from_path

Verify = Callable[[bytes, bytes], bool]
"""(text, signature) → does the signature of the gateway's receipt key hold?"""

_MOST_PATH = 64
_NUMBERS = frozenset({"accepted_at"})


class ReceiptInvalid(GatewayError):
    """The receipt proves nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt proves: that the log `log_id` held this message at `index`, when it had `size` leaves,
    and that the gateway signed so at `signed_at` (ms)."""

    message_id: str
    type: str
    sender: str
    idem_key: str
    fingerprint: str
    accepted_at: int
    log_id: str
    index: int
    size: int
    signed_at: int
    key_id: str


def verify_receipt(receipt: Mapping[str, Any], verify: Verify, key_id: str) -> Verified:
    """Leaf, path, root and signature, in this order. ReceiptInvalid where any does not hold, or where the
    receipt names another key than `key_id`, by which `verify` checks: nothing signs that name."""
    try:
        return _verify(receipt, verify, key_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReceiptInvalid(f"not a receipt: {error!r}") from error


def _verify(receipt: Mapping[str, Any], verify: Verify, key_id: str) -> Verified:
    if receipt["format"] != FORMAT:
        raise ReceiptInvalid(f"expected the format {FORMAT!r}, got {receipt['format']!r}")
    facts = _facts(receipt["message"])
    checkpoint = receipt["checkpoint"]
    log_id, root = str(receipt["log_id"]), bytes.fromhex(checkpoint["root"])
    index, size = _number(receipt["index"]), _number(checkpoint["size"])
    signed_at = _number(checkpoint["signed_at"])
    path = [bytes.fromhex(node) for node in receipt["path"]]
    if len(path) > _MOST_PATH:
        raise ReceiptInvalid("the audit path is too long")
    if root_from_path(hash_leaf(leaf_data(facts)), index, size, path) != root:
        raise ReceiptInvalid("the audit path does not lead from the message to the checkpoint's root")
    if checkpoint["key_id"] != key_id:
        raise ReceiptInvalid(f"expected the key {key_id}, the receipt names another")
    if not verify(checkpoint_text(log_id, size, root, signed_at), _signature(checkpoint["signature"])):
        raise ReceiptInvalid("the checkpoint's signature does not hold")
    return Verified(**facts, log_id=log_id, index=index, size=size, signed_at=signed_at, key_id=key_id)


def _facts(message: Mapping[str, Any]) -> dict[str, Any]:
    if set(message) != set(LEAF_FIELDS):
        raise ReceiptInvalid(f"expected the fields {', '.join(LEAF_FIELDS)}")
    for name, value in message.items():
        if not isinstance(value, int if name in _NUMBERS else str) or isinstance(value, bool):
            raise ReceiptInvalid(f"{name} has the wrong kind of value")
    return dict(message)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ReceiptInvalid(f"expected a whole number, got {value!r}")
    return value


def _signature(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ReceiptInvalid("the signature is not Base64") from error
