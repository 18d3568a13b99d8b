"""A receipt 回执: leaf, path and checkpoint of one message, made from its stored row alone."""

from __future__ import annotations

import base64
from typing import Any

from gateway.evidence.log import FORMAT, leaf_facts
from gateway.store.contract import MessageRow


def make_receipt(row: MessageRow) -> dict[str, Any]:
    """The receipt as JSON-ready data: hashes in hex, the signature in Base64, times in ms since 1970 UTC.

    The same row gives the same receipt, always. LookupError where the message was stored without evidence.
    """
    place = row.place
    if place is None:
        raise LookupError(f"message {row.id} has no place in an evidence log")
    return {
        "format": FORMAT,
        "message": leaf_facts(row),
        "log_id": place.log_id,
        "index": place.index,
        "path": [node.hex() for node in place.path],
        "checkpoint": {
            "size": place.size,
            "root": place.root.hex(),
            "signed_at": place.signed_at,
            "key_id": place.key_id,
            "signature": base64.b64encode(place.signature).decode(),
        },
    }
