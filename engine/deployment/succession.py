"""Which version to go back to: a replay of everything that changed a model's Production."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One change of what is in Production.

    Args:
        version: The version that moved, or that serves again.
        entered: Whether it serves since (else somebody took it out by hand).
        digest: Digest of its bytes at that moment, 64 hex digits.
        rolled_back_from: The version that was given up by a rollback.
    """

    version: int
    entered: bool
    digest: str
    rolled_back_from: int | None = None


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a rollback goes.

    Args:
        leaving: The version that is given up, the one that entered last; `None` when nothing is in Production.
        target: The version to go back to.
        digest: Digest of the target's bytes when it last entered Production, 64 hex digits.
    """

    leaving: int | None
    target: int
    digest: str


def line(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The versions that have proved themselves, by the turn in which each last entered Production.

    A version that was rolled back from has not, nor has one that somebody took out of Production by hand without
    putting another in its place; both may earn it again by a new promotion. A version that was replaced stays.

    Args:
        turns: Every change of Production, oldest first.

    Returns:
        One turn a version; the newest comes last.
    """
    entries: list[Turn] = []
    for turn in turns:
        gone = (turn.version, turn.rolled_back_from)
        entries = [entry for entry in entries if entry.version not in gone]
        if turn.entered:
            entries.append(turn)
    return tuple(entries)


def way_back(turns: Iterable[Turn], *, production: Container[int], existing: Container[int]) -> WayBack | None:
    """Find where a rollback goes.

    Args:
        turns: Every change of Production, oldest first.
        production: The versions in Production now.
        existing: The versions that have not been deleted.

    Returns:
        The way, or `None` when nothing is left to go back to.
    """
    entries = [entry for entry in line(turns) if entry.version in existing]
    leaving = next((entry for entry in reversed(entries) if entry.version in production), None)
    earlier = entries if leaving is None else entries[: entries.index(leaving)]
    if not earlier:
        return None
    return WayBack(None if leaving is None else leaving.version, earlier[-1].version, earlier[-1].digest)
