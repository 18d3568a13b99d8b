"""The evidence log: each batch of accepted messages adds its leaves and one signed checkpoint.

Leaf data: the canonical JSON (UTF-8, keys sorted, no white space) of
`{"accepted_at": ms, "fingerprint": SHA-256 hex of the canonical body, "idem_key", "message_id", "sender",
"type"}`. Leaf and node hashes as RFC 9162 2.1.1. The checkpoint's text is five lines, each ended by LF:
format, log id, tree size, root (hex), time of signing (ms since 1970 UTC). It is signed with ECDSA P-256
and SHA-256 by the key that `key_id` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import orjson

from gateway import clock
from gateway.failpoints import reach
from gateway.merkle import Frontier, hash_leaf
from gateway.store.contract import MessageRow, SealedBatch

FORMAT = "ggzy-gateway evidence v1"
LEAF_FIELDS = ("accepted_at", "fingerprint", "idem_key", "message_id", "sender", "type")


def leaf_of(row: MessageRow) -> bytes:
    """The leaf data of a stored message."""
    return leaf_data(leaf_facts(row))


def leaf_facts(row: MessageRow) -> dict[str, str | int]:
    """What the leaf binds."""
    return {
        "accepted_at": row.accepted_at,
        "fingerprint": row.fingerprint,
        "idem_key": row.idem_key,
        "message_id": row.id,
        "sender": row.sender,
        "type": row.type,
    }


def leaf_data(facts: Mapping[str, str | int]) -> bytes:
    """The canonical JSON of a leaf's facts."""
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


def checkpoint_text(log_id: str, size: int, root: bytes, signed_at: int) -> bytes:
    """What a checkpoint's signature covers."""
    return f"{FORMAT}\n{log_id}\n{size}\n{root.hex()}\n{signed_at}\n".encode()


class EvidenceLog:
    """The log of one writer. `signer` signs a text with the private key of `key_id`."""

    def __init__(self, log_id: str, signer: Callable[[bytes], bytes], key_id: str):
        if "\n" in log_id or not log_id:
            raise ValueError("a log id is one line of text")
        self.log_id = self._name = log_id
        self.key_id = key_id
        self._signer = signer

    def go_on_as(self, suffix: str) -> None:
        """After a restore the log goes on under another name, so that no place in it is given twice."""
        self.log_id = self._name + suffix

    def seal_batch(self, frontier: Frontier, rows: Sequence[MessageRow]) -> SealedBatch:
        """For the store's writer: the log at `frontier` grown by `rows`, in order, under one signed checkpoint."""
        reach("evidence.before-sign")
        leaves = [hash_leaf(leaf_of(row)) for row in rows]
        growth = frontier.extend(leaves)
        signed_at = clock.now_ms()
        signature = self._signer(checkpoint_text(self.log_id, growth.frontier.size, growth.root, signed_at))
        reach("evidence.signed")
        return SealedBatch(
            self.log_id, growth.frontier, growth.root, signed_at, signature, self.key_id,
            tuple(leaves), growth.paths,
        )  # fmt: skip
