"""Merkle trees over SHA-256 as RFC 9162 section 2.1 (and RFC 6962) defines them, kept as a frontier.

A frontier holds the roots of the perfect subtrees that a tree of `size` leaves is made of, one for each
bit of `size` that is set, smallest first. With it a log grows by batches in O(batch + log size), and the
audit paths of the new leaves are found without any older leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32


def hash_leaf(data: bytes) -> bytes:
    """The hash of a leaf's data: SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves as the roots of its perfect subtrees, smallest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"a frontier of {self.size} leaves has not {len(self.hashes)} hashes")

    @property
    def root(self) -> bytes:
        """The tree's root; of the empty tree SHA-256 of nothing (RFC 9162 2.1.1)."""
        if not self.hashes:
            return sha256().digest()
        root, *larger = self.hashes
        for left in larger:
            root = hash_node(left, root)
        return root

    def extend(self, leaves: Sequence[bytes]) -> Growth:
        """The tree with more leaves behind. `leaves` are leaf hashes, not data."""
        if not leaves:
            return Growth(self, self.root, ())
        size = self.size + len(leaves)
        old = iter(self.hashes)
        paths: list[list[bytes]] = [[] for _ in leaves]
        level = list(leaves)
        kept: list[bytes] = []
        for height in range(size.bit_length()):
            start = self.size >> height
            if start & 1:
                held = next(old)
                level.insert(0, held)
                start -= 1
            _add_siblings(paths, level, start, self.size, height)
            perfect = size >> height
            if perfect & 1:
                kept.append(level[perfect - 1 - start])
            level = _pair(level)
        return Growth(Frontier(size, tuple(kept)), level[0], tuple(map(tuple, paths)))


@dataclass(frozen=True, slots=True)
class Growth:
    """A grown tree. `paths`: for each new leaf its audit path (RFC 9162 2.1.3) in the tree that has
    `frontier.size` leaves, from the leaf upwards."""

    frontier: Frontier
    root: bytes
    paths: tuple[tuple[bytes, ...], ...]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to (RFC 9162 2.1.3.2).

    `leaf` is the leaf's hash, `index` counts from 0. ValueError where the path cannot be one of leaf
    `index` in a tree of `size` leaves.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    root, last = leaf, size - 1
    for sibling in path:
        if len(sibling) != HASH_BYTES or last == 0:
            raise ValueError("the audit path does not fit the tree")
        if index & 1 or index == last:
            root = hash_node(sibling, root)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            root = hash_node(root, sibling)
        index >>= 1
        last >>= 1
    if last:
        raise ValueError("the audit path is too short")
    return root


def tree_before(index: int, size: int, path: Sequence[bytes]) -> Frontier:
    """The tree of the leaves before leaf `index`, as that leaf's audit path in a tree of `size` leaves holds it: the
    left siblings on the path are the roots of its perfect subtrees. So one path proves that a tree grew out of an
    earlier one (RFC 9162 2.1.4). ValueError where the path cannot be one of that leaf."""
    left, at, last = list[bytes](), index, size - 1
    for sibling in path:
        if at & 1 or at == last:
            left.append(sibling)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        at >>= 1
        last >>= 1
    return Frontier(index, tuple(left))


def _add_siblings(paths: list[list[bytes]], level: list[bytes], start: int, first: int, height: int) -> None:
    """Gives every new leaf its sibling at this height; the last node of an odd level has none."""
    count = len(level)
    for offset, path in enumerate(paths):
        sibling = (((first + offset) >> height) ^ 1) - start
        if sibling < count:
            path.append(level[sibling])


def _pair(level: list[bytes]) -> list[bytes]:
    """The next level; a last node without a partner goes up as it is."""
    paired = [hash_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    if len(level) & 1:
        paired.append(level[-1])
    return paired
