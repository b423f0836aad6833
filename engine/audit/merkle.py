"""The Merkle tree of RFC 6962, section 2.1: hashes, the growing right edge, and proofs made and verified.

Positions are 0-based here, as in the RFC. A *perfect subtree* is named by `(level, index)`: it covers the leaves
`index << level` up to, not including, `(index + 1) << level`; level 0 is the leaves themselves.

Source: RFC 6962 section 2.1 (hashes and proofs), RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verification).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree `(level, index)`."""

Node = tuple[int, int, bytes]
"""A perfect subtree with its hash: `(level, index, hash)`."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf: SHA-256 over a zero byte and the data (32 bytes)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256 over a one byte and both children (32 bytes)."""
    return sha256(b"\x01" + left + right).digest()


class RightEdge:
    """All that is needed to grow a tree: its size and the perfect subtrees that make it up, the largest first.

    Appending costs one hash on average and O(log n) at worst; the memory is one hash for each one-bit of the size.

    Args:
        size: Leaves so far, from 0.
        hashes: One 32-byte hash for each one-bit of `size`, the largest subtree first.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> RightEdge | None:
        """Read what `pack` wrote; `None` when the number of bytes does not fit the size."""
        if size < 0 or len(packed) != size.bit_count() * HASH_BYTES:
            return None
        return cls(size, [packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)])

    def pack(self) -> bytes:
        """The hashes one after the other, the largest subtree first."""
        return b"".join(self._hashes)

    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of the perfect subtrees, the largest first, as `spans` lists their ranges."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> list[Node]:
        """Add one leaf.

        Args:
            leaf: Its leaf hash, 32 bytes.

        Returns:
            The perfect subtrees of level 1 and above which this leaf completed, the smallest first.
        """
        completed: list[Node] = []
        index, level, current = self.size, 0, leaf
        while index & 1:
            current = node_hash(self._hashes.pop(), current)
            index >>= 1
            level += 1
            completed.append((level, index, current))
        self._hashes.append(current)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The tree head: the hash over all leaves (of nothing, for the empty tree)."""
        if not self._hashes:
            return EMPTY_ROOT
        right = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            right = node_hash(left, right)
        return right

    def spans(self) -> list[tuple[int, int]]:
        """The half-open leaf ranges `(start, end)` that the hashes cover, in order."""
        spans: list[tuple[int, int]] = []
        start = 0
        for level in range(self.size.bit_length() - 1, -1, -1):
            if self.size >> level & 1:
                spans.append((start, start + (1 << level)))
                start += 1 << level
        return spans


def tree_root(size: int, subtree: Subtree) -> bytes:
    """The hash over the first `size` leaves.

    Args:
        size: Number of leaves, from 0.
        subtree: Gives the hash of any perfect subtree within them.

    Returns:
        The root, 32 bytes.
    """
    return _range_root(0, size, subtree) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """The audit path PATH(index, D[size]) of RFC 6962, section 2.1.1.

    Args:
        index: Position of the leaf, 0 <= index < size.
        size: Number of leaves of the tree.
        subtree: Gives the hash of any perfect subtree within the tree.

    Returns:
        The hashes from the leaf's sibling up to the root's child.
    """
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, subtree))
            end = middle
        else:
            path.append(_range_root(start, middle, subtree))
            start = middle
    return tuple(reversed(path))


def consistency_path(old_size: int, new_size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """The proof PROOF(old_size, D[new_size]) of RFC 6962, section 2.1.2.

    Args:
        old_size: Leaves of the earlier tree, 0 <= old_size <= new_size.
        new_size: Leaves of the later tree.
        subtree: Gives the hash of any perfect subtree within the later tree.

    Returns:
        The hashes that rebuild both roots; empty when `old_size` is 0 or `new_size`.
    """
    if old_size in (0, new_size):
        return ()
    path: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_range_root(middle, end, subtree))
            end = middle
        else:
            path.append(_range_root(start, middle, subtree))
            start = middle
    if start:  # the old tree is not one of the subtrees met on the way, so the verifier needs this one named
        path.append(_range_root(start, end, subtree))
    return tuple(reversed(path))


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether an audit path leads from a leaf to a root (RFC 9162, section 2.1.3.2).

    Args:
        index: Position of the leaf, from 0.
        size: Number of leaves of the tree.
        leaf: The leaf hash.
        path: The audit path, the leaf's sibling first.
        root: The tree head to reach.

    Returns:
        True when the leaf stands at that position of the tree with that root.
    """
    if not 0 <= index < size:
        return False
    node, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            node, last = _climb_to_right_child(node, last)
        else:
            current = node_hash(current, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and current == root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of the old head is a prefix of the tree of the new head (RFC 9162, section 2.1.4.2).

    Args:
        old_size: Leaves of the earlier tree.
        new_size: Leaves of the later tree.
        old_root: Root of the earlier tree.
        new_root: Root of the later tree.
        path: The consistency proof.

    Returns:
        True when nothing of the earlier tree was changed, removed or moved.
    """
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    # A power of two: the old root is itself the first subtree, so the proof leaves it out.
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    return bool(hashes) and _both_roots(old_size, new_size, hashes) == (old_root, new_root)


def _both_roots(old_size: int, new_size: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Rebuild the old and the new root from a proof; `None` when its length does not fit the sizes."""
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _climb_to_right_child(node, last)
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    return (old, new) if last == 0 else None


def _climb_to_right_child(node: int, last: int) -> tuple[int, int]:
    """Go up while the node is a left child without a sibling; stops at a right child or at the root."""
    while node and not node & 1:
        node >>= 1
        last >>= 1
    return node, last


def _split(count: int) -> int:
    """The largest power of two smaller than `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """Hash over leaves `start` to `end`, where `start` is a multiple of the range's largest perfect subtree."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return subtree(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_root(start, middle, subtree), _range_root(middle, end, subtree))
