"""Checks checkpoints of one log in a row: each signed, and each tree grown out of the one before.

A checkpoint of `size` leaves follows one of `before` leaves. The audit path of leaf `before`, the first of its batch, leads
to its root, and holds the earlier tree beside it (merkle.tree_before): both roots from one path, so nothing that the
earlier one held was changed or left out. No leaf besides is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.evidence.log import checkpoint_text
from gateway.evidence.verify import Verify
from gateway.merkle import Frontier, root_from_path, tree_before
from gateway.store.contract import ChainLink, CheckpointRow

SIGNATURE, KEY, ROOT, GROWN, GAP = "signature", "key", "root", "grown", "gap"


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """`checked` checkpoints hold, the last of them of `size` leaves with `root` (hex). `fault`: what is wrong with the
    next one, of `broken_size` leaves: signature | key (not here) | root | grown (not out of the one before) | gap;
    "" where all hold."""

    checked: int
    size: int
    root: str
    fault: str = ""
    broken_size: int = 0


def check_chain(
    log_id: str, before: CheckpointRow | None, links: Iterable[ChainLink], keys: Mapping[str, Verify]
) -> ChainCheck:
    """`links` in order behind `before` (None: from the log's beginning); `keys` by the name that checkpoints give."""
    checked, size, root = 0, before.size if before else 0, before.root if before else Frontier().root
    for link in links:
        one = link.checkpoint
        fault = _fault(log_id, size, root, link, keys)
        if fault:
            return ChainCheck(checked, size, root.hex(), fault, one.size)
        checked, size, root = checked + 1, one.size, one.root
    return ChainCheck(checked, size, root.hex())


def _fault(log_id: str, size: int, root: bytes, link: ChainLink, keys: Mapping[str, Verify]) -> str:
    one = link.checkpoint
    verify = keys.get(one.key_id)
    if verify is None:
        return KEY
    if not verify(checkpoint_text(log_id, one.size, one.root, one.signed_at), one.signature):
        return SIGNATURE
    if one.size <= size or link.leaf is None or link.tree_size != one.size:
        return GAP
    try:
        if root_from_path(link.leaf, size, one.size, link.path) != one.root:
            return ROOT
        return "" if tree_before(size, one.size, link.path).root == root else GROWN
    except ValueError:
        return ROOT
