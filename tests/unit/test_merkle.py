"""The frontier against a tree built naively from all of its leaves, by RFC 9162's own recursion."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.merkle import Frontier, hash_leaf, hash_node, root_from_path, tree_before


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hash_node(naive_root(leaves[:split]), naive_root(leaves[split:]))


def naive_path(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*naive_path(leaves[:split], index), naive_root(leaves[split:])]
    return [*naive_path(leaves[split:], index - split), naive_root(leaves[:split])]


def some_leaves(count: int) -> list[bytes]:
    return [hash_leaf(b"%d" % number) for number in range(count)]


def test_the_published_vectors_of_certificate_transparency() -> None:
    data = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    growth = Frontier().extend([hash_leaf(bytes.fromhex(text)) for text in data])
    assert growth.root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert hash_leaf(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_the_empty_tree_hashes_nothing() -> None:
    assert Frontier().root == sha256(b"").digest()
    growth = Frontier().extend([])
    assert growth.frontier == Frontier() and growth.root == sha256(b"").digest() and growth.paths == ()


@settings(deadline=None)  # a shared machine is slow now and then
@given(st.lists(st.integers(1, 40), max_size=12))
def test_growing_by_batches_gives_the_roots_and_paths_of_the_whole_tree(batches: list[int]) -> None:
    leaves = some_leaves(sum(batches))
    frontier, done = Frontier(), 0
    for batch in batches:
        growth = frontier.extend(leaves[done : done + batch])
        frontier, whole = growth.frontier, leaves[: done + batch]
        assert growth.root == naive_root(whole) == frontier.root
        for offset, path in enumerate(growth.paths):
            assert list(path) == naive_path(whole, done + offset)
            assert root_from_path(whole[done + offset], done + offset, len(whole), path) == growth.root
        done += batch


@settings(deadline=None)  # a shared machine is slow now and then
@given(st.integers(1, 70), st.data())
def test_no_other_leaf_index_or_path_leads_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = some_leaves(size)
    growth = Frontier().extend(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = list(growth.paths[index])
    wrong = data.draw(st.sampled_from(["leaf", "index", "flip", "cut", "longer", "short-hash"]))
    leaf = leaves[index]
    if wrong == "leaf":
        leaf = hash_leaf(b"another")
    elif wrong == "index":
        index += data.draw(st.sampled_from([-1, 1]))
    elif wrong == "longer":
        path.append(b"\0" * 32)
    elif not path:
        return
    elif wrong == "flip":
        path[data.draw(st.integers(0, len(path) - 1))] = b"\1" * 32
    elif wrong == "cut":
        path.pop()
    else:
        path[-1] = path[-1][:31]
    try:
        root = root_from_path(leaf, index, size, path)
    except ValueError:
        return
    assert root != growth.root


def test_a_frontier_with_a_wrong_number_of_hashes_is_refused() -> None:
    with pytest.raises(ValueError, match="3 leaves"):
        Frontier(3, (b"\0" * 32,))


@settings(deadline=None)  # a shared machine is slow now and then
@given(st.integers(1, 70), st.data())
def test_a_leafs_path_holds_the_tree_before_it(size: int, data: st.DataObject) -> None:
    leaves, index = some_leaves(size), data.draw(st.integers(0, size - 1))
    before = tree_before(index, size, naive_path(leaves, index))
    assert before.size == index and before.root == naive_root(leaves[:index])


def test_a_path_that_is_none_holds_no_tree() -> None:
    with pytest.raises(ValueError, match="has not"):
        tree_before(3, 8, [hash_leaf(b"x")])
