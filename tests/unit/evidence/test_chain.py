"""Checkpoints in a row: what was forged, left out or rewritten is found, at its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.evidence.chain import ChainCheck, check_chain
from gateway.evidence.log import checkpoint_text
from gateway.merkle import Frontier, hash_leaf
from gateway.store.contract import ChainLink, CheckpointRow
from tests.store.samples import sign, verify

KEYS = {"k": verify}


def grow(batches: list[list[str]], frontier: Frontier | None = None) -> tuple[list[ChainLink], Frontier]:
    """The links of these batches of leaves, and the tree behind them."""
    tree, links = frontier or Frontier(), []
    for number, batch in enumerate(batches):
        leaves = [hash_leaf(one.encode()) for one in batch]
        growth = tree.extend(leaves)
        size, root = growth.frontier.size, growth.root
        row = CheckpointRow("L", size, root, number, sign(checkpoint_text("L", size, root, number)), "k")
        links.append(ChainLink(row, leaves[0], size, growth.paths[0]))
        tree = growth.frontier
    return links, tree


BATCHES = [["a"], ["b", "c", "d"], ["e"], ["f", "g"], [*"hijklmnop"], ["q"]]


def test_a_log_that_was_let_alone_holds() -> None:
    links, tree = grow(BATCHES)
    assert check_chain("L", None, links, KEYS) == ChainCheck(6, 17, tree.root.hex())
    assert check_chain("L", links[1].checkpoint, links[2:], KEYS) == ChainCheck(4, 17, tree.root.hex())
    assert check_chain("L", None, [], KEYS) == ChainCheck(0, 0, Frontier().root.hex())


def test_a_log_that_was_made_anew_from_the_middle_on_did_not_grow_out_of_what_was_signed() -> None:
    links, _ = grow(BATCHES)
    forged, _ = grow([["a"], ["b", "X", "d"], *BATCHES[2:]])
    found = check_chain("L", links[1].checkpoint, forged[2:], KEYS)
    assert (found.checked, found.fault, found.broken_size) == (0, "grown", 5)
    mixed = check_chain("L", None, [*links[:3], *forged[3:]], KEYS)
    assert (mixed.checked, mixed.size, mixed.fault, mixed.broken_size) == (3, 5, "grown", 7)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"root": b"\x00" * 32}, "signature"),
        ({"signed_at": 99}, "signature"),
        ({"size": 6}, "signature"),
        ({"signature": b""}, "signature"),
        ({"key_id": "other"}, "key"),
    ],
)
def test_a_checkpoint_that_was_changed_is_named(change: dict[str, object], fault: str) -> None:
    links, _ = grow(BATCHES)
    links[2] = replace(links[2], checkpoint=replace(links[2].checkpoint, **change))  # type: ignore[arg-type]
    found = check_chain("L", None, links, KEYS)
    assert (found.checked, found.size, found.fault) == (2, 4, fault)


def test_a_checkpoint_that_was_taken_away_leaves_a_gap() -> None:
    links, _ = grow(BATCHES)
    # The store gives the leaf behind the checkpoint that is left: it is of the tree that is missing.
    joined = replace(links[3], leaf=links[2].leaf, tree_size=links[2].tree_size, path=links[2].path)
    assert check_chain("L", None, [*links[:2], joined], KEYS).fault == "gap"
    assert check_chain("L", None, [replace(links[0], leaf=None)], KEYS).fault == "gap"


def test_a_leaf_that_was_changed_does_not_lead_to_the_root() -> None:
    links, _ = grow(BATCHES)
    links[1] = replace(links[1], leaf=hash_leaf(b"X"))
    assert check_chain("L", None, links, KEYS).fault == "root"
    links[1] = replace(links[1], path=())
    assert check_chain("L", None, links, KEYS).fault == "root"
