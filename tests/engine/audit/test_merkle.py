"""The published vectors of the Certificate Transparency reference implementation, and every small tree."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest

from engine.audit.merkle import (
    EMPTY_ROOT,
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

LEAVES = tuple(
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)

ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

HASH_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
HASH_23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
HASH_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
HASH_45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
HASH_67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
HASH_4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

SIZES = 70


def subtree_of(leaves: list[bytes]) -> Subtree:
    @cache
    def subtree(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))

    return subtree


def definition_of_root(data: list[bytes]) -> bytes:
    """MTH(D[n]), word for word from RFC 6962 section 2.1, over the data itself."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return sha256(b"\x01" + definition_of_root(data[:k]) + definition_of_root(data[k:])).digest()


DATA = [f"record {number}".encode() for number in range(SIZES)]
TREE = subtree_of([leaf_hash(item) for item in DATA])
SIZED_ROOTS = [definition_of_root(DATA[:size]) for size in range(SIZES + 1)]

KNOWN = subtree_of([leaf_hash(item) for item in LEAVES])


def unhex(*texts: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(text) for text in texts)


def test_root_of_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert RightEdge().root() == tree_root(0, KNOWN) == EMPTY_ROOT


@pytest.mark.parametrize(("size", "root"), list(enumerate(ROOTS, start=1)))
def test_known_roots(size: int, root: str) -> None:
    edge = RightEdge()
    for item in LEAVES[:size]:
        edge.append(leaf_hash(item))
    assert edge.root().hex() == root
    assert tree_root(size, KNOWN).hex() == root


@pytest.mark.parametrize(
    ("leaf", "size", "path"),
    [
        (0, 1, unhex()),
        (0, 8, unhex(HASH_1, HASH_23, HASH_4567)),
        (5, 8, unhex(HASH_4, HASH_67, ROOTS[3])),
        (2, 3, unhex(ROOTS[1])),
        (1, 5, unhex(ROOTS[0], HASH_23, HASH_4)),
    ],
)
def test_known_audit_paths(leaf: int, size: int, path: tuple[bytes, ...]) -> None:
    assert inclusion_path(leaf, size, KNOWN) == path
    assert verify_inclusion(leaf, size, leaf_hash(LEAVES[leaf]), path, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, unhex()),
        (1, 8, unhex(HASH_1, HASH_23, HASH_4567)),
        (6, 8, unhex(HASH_45, HASH_67, ROOTS[3])),
        (2, 5, unhex(HASH_23, HASH_4)),
    ],
)
def test_known_consistency_proofs(old: int, new: int, path: tuple[bytes, ...]) -> None:
    assert consistency_path(old, new, KNOWN) == path
    assert verify_consistency(old, new, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]), path)


def test_growing_tree_has_the_defined_root_at_every_size() -> None:
    edge = RightEdge()
    for size, item in enumerate(DATA, start=1):
        edge.append(leaf_hash(item))
        assert edge.size == size
        assert edge.root() == SIZED_ROOTS[size] == tree_root(size, TREE)


def test_growing_tree_reports_every_perfect_subtree_once_when_it_is_complete() -> None:
    edge = RightEdge()
    seen: dict[tuple[int, int], bytes] = {}
    for number, item in enumerate(DATA, start=1):
        for level, index, value in edge.append(leaf_hash(item)):
            assert (index + 1) << level == number
            assert (level, index) not in seen
            seen[level, index] = value
    assert seen == {
        (level, index): TREE(level, index) for level in range(1, SIZES.bit_length()) for index in range(SIZES >> level)
    }
    assert len(seen) == SIZES - SIZES.bit_count()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 6, 7, 8, 21, 64, 70])
def test_packed_edge_continues_as_the_original_would(size: int) -> None:
    edge = RightEdge()
    for item in DATA[:size]:
        edge.append(leaf_hash(item))
    copy = RightEdge.unpack(size, edge.pack())
    assert copy is not None
    assert copy.hashes() == edge.hashes()
    assert copy.append(leaf_hash(b"more")) == edge.append(leaf_hash(b"more"))
    assert copy.root() == edge.root()


@pytest.mark.parametrize(("size", "packed"), [(1, b""), (0, bytes(32)), (3, bytes(63)), (3, bytes(65)), (-1, b"")])
def test_packed_edge_of_another_size_is_refused(size: int, packed: bytes) -> None:
    assert RightEdge.unpack(size, packed) is None


def test_spans_tile_the_leaves_with_the_subtrees_of_the_edge() -> None:
    edge = RightEdge()
    for item in DATA:
        edge.append(leaf_hash(item))
        spans = edge.spans()
        assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
        assert spans[-1][1] == edge.size
        for (start, end), value in zip(spans, edge.hashes(), strict=True):
            assert definition_of_root(DATA[start:end]) == value


def test_every_audit_path_of_every_small_tree_verifies_and_no_other_position_or_size_does() -> None:
    for size in range(1, SIZES + 1):
        root = SIZED_ROOTS[size]
        for leaf in range(size):
            path = inclusion_path(leaf, size, TREE)
            assert len(path) <= (size - 1).bit_length()
            assert verify_inclusion(leaf, size, TREE(0, leaf), path, root)
            assert not verify_inclusion((leaf + 1) % (size + 1), size, TREE(0, leaf), path, root)
            assert not verify_inclusion(leaf, size, TREE(0, (leaf + 1) % SIZES), path, root)
            assert not verify_inclusion(leaf, size, TREE(0, leaf), (*path, root), root)
            assert not verify_inclusion(leaf, size, TREE(0, leaf), path, SIZED_ROOTS[size - 1])
            if path:
                assert not verify_inclusion(leaf, size, TREE(0, leaf), path[:-1], root)
                assert not verify_inclusion(leaf, size, TREE(0, leaf), (*path[:-1], root), root)


def test_every_consistency_proof_of_every_small_tree_verifies_and_no_spoiled_one_does() -> None:
    for new in range(SIZES + 1):
        for old in range(new + 1):
            path = consistency_path(old, new, TREE)
            old_root, new_root = SIZED_ROOTS[old], SIZED_ROOTS[new]
            assert verify_consistency(old, new, old_root, new_root, path)
            assert not verify_consistency(old, new, bytes(32), new_root, path)
            assert not verify_consistency(old, new, old_root, new_root, (*path, old_root))
            if old not in (0, new):
                assert len(path) <= new.bit_length() + 1
                assert not verify_consistency(old, new, old_root, bytes(32), path)
                assert not verify_consistency(old, new, old_root, new_root, path[:-1])
                assert not verify_consistency(old, new, old_root, new_root, (bytes(32), *path[1:]))


@pytest.mark.parametrize(("leaf", "size"), [(-1, 4), (4, 4), (0, 0), (9, 4)])
def test_positions_outside_the_tree_never_verify(leaf: int, size: int) -> None:
    assert not verify_inclusion(leaf, size, TREE(0, 0), (), SIZED_ROOTS[size])


@pytest.mark.parametrize(("old", "new"), [(-1, 4), (5, 4)])
def test_a_log_that_shrinks_is_never_consistent(old: int, new: int) -> None:
    assert not verify_consistency(old, new, SIZED_ROOTS[5], SIZED_ROOTS[4], ())
