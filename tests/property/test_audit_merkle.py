from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from engine.audit.merkle import (
    RightEdge,
    Subtree,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)


@cache
def subtree(level: int, index: int) -> bytes:
    """An endless tree whose leaf `i` is the number `i`; only the asked part of it is computed."""
    if level > 12:  # far from any leaf that is asked for: its content does not matter, only that it never changes
        return leaf_hash(f"{level}:{index}".encode())
    if level == 0:
        return leaf_hash(str(index).encode())
    return node_hash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))


def small(size: int) -> Subtree:
    """The tree of `size` leaves, which refuses to be asked for anything beyond them."""

    def guarded(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        return subtree(level, index)

    return guarded


SIZES = st.integers(1, 4_000)


@given(SIZES, st.data())
def test_inclusion_proofs_hold_and_prove_nothing_else(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    root = tree_root(size, small(size))
    path = inclusion_path(leaf, size, small(size))
    assert verify_inclusion(leaf, size, subtree(0, leaf), path, root)
    assert verify_inclusion(other, size, subtree(0, leaf), path, root) == (other == leaf)
    assert verify_inclusion(leaf, size, subtree(0, other), path, root) == (other == leaf)


@given(SIZES, st.data())
def test_spoiled_inclusion_proofs_fail(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    path = list(inclusion_path(leaf, size, subtree))
    place = data.draw(st.integers(0, len(path)))
    if data.draw(st.booleans()) and place < len(path):
        path[place] = bytes(byte ^ 1 for byte in path[place])
    else:
        path.insert(place, data.draw(st.binary(min_size=32, max_size=32)))
    assert not verify_inclusion(leaf, size, subtree(0, leaf), path, tree_root(size, subtree))


@given(SIZES, st.data())
def test_consistency_proofs_hold_and_prove_nothing_else(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    other = data.draw(st.integers(1, new))
    path = consistency_path(old, new, small(new))
    old_root, new_root = tree_root(old, small(new)), tree_root(new, small(new))
    assert verify_consistency(old, new, old_root, new_root, path)
    assert verify_consistency(old, new, tree_root(other, subtree), new_root, path) == (other == old)


@given(st.integers(1, 2**40), st.data())
def test_proofs_in_a_huge_tree_read_and_carry_a_logarithm_of_it(size: int, data: st.DataObject) -> None:
    reads = 0

    def counted(level: int, index: int) -> bytes:
        nonlocal reads
        reads += 1
        assert (index + 1) << level <= size
        return leaf_hash(f"{level}:{index}".encode())

    path = inclusion_path(data.draw(st.integers(0, size - 1)), size, counted)
    assert len(path) <= (size - 1).bit_length()
    assert reads <= 2 * size.bit_length()
    reads = 0
    proof = consistency_path(data.draw(st.integers(1, size)), size, counted)
    assert len(proof) <= size.bit_length() + 1
    assert reads <= 2 * size.bit_length() + 1


@given(st.lists(st.binary(max_size=8), max_size=200), st.integers(0, 200))
def test_packing_the_edge_at_any_moment_changes_nothing(leaves: list[bytes], moment: int) -> None:
    straight, packed = RightEdge(), RightEdge()
    for number, data in enumerate(leaves):
        if number == moment:
            packed = RightEdge.unpack(packed.size, packed.pack()) or RightEdge()
        assert straight.append(leaf_hash(data)) == packed.append(leaf_hash(data))
    assert straight.root() == packed.root()
