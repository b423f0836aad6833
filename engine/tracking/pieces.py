"""Bytes made of runs, kept as long as nobody writes: most pages that are asked for again are the same runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.db.transaction import Snapshot
    from engine.tracking.model import RunRecord

    Make = Callable[[RunRecord], bytes]

MOST_BYTES = 2 << 20
"""Most bytes that are kept for one reader."""

_LONGEST_BYTES = MOST_BYTES // 64


class Pieces:
    """What was made of runs, by integer key, up to a size.

    Args:
        most_bytes: Most bytes that are kept.
    """

    __slots__ = ("_made", "_most_bytes", "_size_bytes")

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._made: dict[int, bytes] = {}
        self._most_bytes = most_bytes
        self._size_bytes = 0

    def of(self, row_ids: Iterable[int]) -> dict[int, bytes]:
        """The pieces of these runs that are kept."""
        return {row_id: self._made[row_id] for row_id in row_ids if row_id in self._made}

    def keep(self, made: Mapping[int, bytes]) -> None:
        """Keep pieces; when they become too many, those before go."""
        for row_id, piece in made.items():
            if len(piece) > _LONGEST_BYTES:
                continue
            if self._size_bytes + len(piece) > self._most_bytes:
                self._made.clear()
                self._size_bytes = 0
            self._made[row_id] = piece
            self._size_bytes += len(piece)


def pieces_of(view: Snapshot, make: Make) -> Pieces:
    """What was made of the runs of exactly this view by that function; nothing where nothing is kept."""
    if view.kept is None:
        return Pieces()
    found: Pieces = view.kept.setdefault(make, Pieces())
    return found
