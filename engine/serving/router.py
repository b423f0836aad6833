"""Which version answers whom: keys in buckets, buckets with deployments, and as few moves as there can be."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BUCKETS = 1_000
"""Keys fall into as many buckets as a weight has steps, so that every weight is met exactly."""

_KEPT = 4_096
_LONGEST_KEPT_BYTES = 256
_SALT_BYTES = 64

Layout = tuple[int, ...]
"""The deployment of every bucket; as long as `BUCKETS`, empty when nothing answers."""


def bucket_of_one(salt: bytes, key: bytes) -> int:
    """The bucket of a key: the same in every process and for ever, and another one behind another endpoint.

    Args:
        salt: The endpoint's own, at most 64 bytes.
        key: What keeps a caller on one version.

    Returns:
        A number from 0, below `BUCKETS`.
    """
    digest = blake2b(key, digest_size=8, key=salt[:_SALT_BYTES]).digest()
    return int.from_bytes(digest, "big") % BUCKETS


_kept = lru_cache(_KEPT)(bucket_of_one)


def bucket_of(salt: bytes, key: bytes) -> int:
    """The same for keys that come again and again: those that are not too long to be kept are hashed once.

    Args:
        salt: The endpoint's own, at most 64 bytes.
        key: What keeps a caller on one version.

    Returns:
        A number from 0, below `BUCKETS`.
    """
    return _kept(salt, key) if len(key) <= _LONGEST_KEPT_BYTES else bucket_of_one(salt, key)


def laid_out(weights: Mapping[int, int], before: Layout = (), *, rest: int | None = None) -> Layout:
    """Give every bucket a deployment, moving no bucket that may stay.

    Whoever gets more takes the lowest buckets that others must give up; who takes the rest gives up its lowest, all
    others their highest. With one canary its buckets are therefore always the lowest.

    Args:
        weights: Each answering deployment's weight; together `BUCKETS`, or nothing.
        before: The layout until now.
        rest: The deployment that takes what no other does.

    Returns:
        The layout; empty without weights.
    """
    if not weights:
        return ()
    held: dict[int, list[int]] = {deployment: [] for deployment in weights}
    free: list[int] = []
    for bucket in range(BUCKETS):
        owner = before[bucket] if before else -1
        held.get(owner, free).append(bucket)
    for deployment, buckets in held.items():
        over = len(buckets) - weights[deployment]
        if over > 0 and deployment == rest:
            free += buckets[:over]
            del buckets[:over]
        elif over > 0:
            free += buckets[-over:]
            del buckets[-over:]
    free.sort()
    layout = dict.fromkeys(range(BUCKETS), 0)
    for deployment in sorted(weights, key=lambda each: (each == rest, each)):
        buckets = held[deployment]
        lacking = weights[deployment] - len(buckets)
        buckets += free[:lacking]
        del free[:lacking]
        layout.update(dict.fromkeys(buckets, deployment))
    return tuple(layout[bucket] for bucket in range(BUCKETS))
