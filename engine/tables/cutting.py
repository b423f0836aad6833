"""Cuts a CSV file into pieces that begin and end between records, in one pass that also takes its digest."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.tables.model import Cut

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Places = NDArray[np.intp]

CUT_BYTES = 32 << 20
"""A piece is cut at the end of the first record that reaches so far."""

_BLOCK_BYTES = 4 << 20
_NEWLINE, _RETURN, _QUOTE, _COMMA = 10, 13, 34, 44


def digest_of(path: Path) -> str:
    """SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        64 hex digits.

    Raises:
        OSError: it cannot be read.
    """
    hasher = sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            hasher.update(block)
    return hasher.hexdigest()


def cut(path: Path, begin: int, *, cut_bytes: int = CUT_BYTES) -> tuple[str, tuple[Cut, ...]]:
    """Cut a CSV file, and take its digest.

    Args:
        path: The file.
        begin: Where its header ends.
        cut_bytes: Pieces are about so large.

    Returns:
        The digest of the whole file, 64 hex digits, and the pieces, each of at least one row.

    Raises:
        OSError: it cannot be read.
    """
    hasher = sha256()
    cutter = _Cutter(begin, cut_bytes)
    with path.open("rb") as stream:
        hasher.update(stream.read(begin))
        while block := stream.read(_BLOCK_BYTES):
            hasher.update(block)
            cutter.take(block)
    return hasher.hexdigest(), cutter.finish()


class _Cutter:
    """Knows, at the end of each block, whether it stands inside quotes, and how many records came.

    Empty lines are no records. Where quotes or line ends are not as they should be (a quote inside of an unquoted
    value, a carriage return alone), nothing is cut from there on: the reader alone can tell records apart.
    """

    def __init__(self, begin: int, cut_bytes: int) -> None:
        self._cut_bytes = cut_bytes
        self._at = begin
        self._start = begin  # of the piece
        self._record = begin  # where the record begins that has not ended
        self._rows = 0  # of the piece
        self._row = 1  # the piece's first
        self._quoted = 0
        self._last = _NEWLINE  # the byte before the block
        self._regular = True
        self._cuts: list[Cut] = []

    def take(self, block: bytes) -> None:
        """Look at the next block."""
        import numpy as np

        if self._regular:
            data = np.frombuffer(block, np.uint8)
            ends = self._ends(block, data)
            if self._regular:
                self._count(data, ends)
            self._last = block[-1]
        self._at += len(block)

    def finish(self) -> tuple[Cut, ...]:
        """The pieces, the last one closed."""
        if not self._regular or self._record < self._at or self._rows:
            self._close(self._at)
        return tuple(self._cuts)

    def _ends(self, block: bytes, data: Any) -> Places:
        """Where records end in the block: after line feeds outside of quotes."""
        import numpy as np

        ends: Places = np.flatnonzero(data == _NEWLINE)
        if (b"\r" in block or self._last == _RETURN) and not self._plain_returns(block):
            self._regular = False
        if b'"' in block:
            quotes = np.flatnonzero(data == _QUOTE)
            opening = quotes[self._quoted :: 2]
            before = data[np.maximum(opening - 1, 0)]
            if len(opening) and opening[0] == 0:
                before = before.copy()
                before[0] = self._last
            if not np.isin(before, (_COMMA, _NEWLINE, _QUOTE)).all():
                self._regular = False
            inside = (self._quoted + np.searchsorted(quotes, ends)) % 2
            self._quoted = (self._quoted + len(quotes)) % 2
            outside: Places = ends[inside == 0]
            return outside
        return ends[:0] if self._quoted else ends

    def _plain_returns(self, block: bytes) -> bool:
        """Whether every carriage return stands before a line feed; one at the end is judged with the next block."""
        pairs = block.count(b"\r\n") + (block[-1] == _RETURN)
        started_well = self._last != _RETURN or block[0] == _NEWLINE
        return started_well and block.count(b"\r") == pairs

    def _count(self, data: Any, ends: Places) -> None:
        import numpy as np

        if not len(ends):
            return
        after = ends + (self._at + 1)
        lengths = np.diff(after, prepend=self._record)
        before = data[np.maximum(ends - 1, 0)]
        if ends[0] == 0:
            before = before.copy()
            before[0] = self._last
        empty = (lengths == 1) | ((lengths == 2) & (before == _RETURN))
        counted = np.cumsum(~empty)
        self._record = int(after[-1])
        taken = 0
        while (place := int(np.searchsorted(after, self._start + self._cut_bytes))) < len(after):
            rows = int(counted[place])
            self._rows += rows - taken
            taken = rows
            self._close(int(after[place]))
        self._rows += int(counted[-1]) - taken

    def _close(self, end: int) -> None:
        if end > self._start:
            self._cuts.append(Cut(self._start, end, self._row, end - self._start))
        self._row += self._rows
        self._start, self._rows = end, 0
