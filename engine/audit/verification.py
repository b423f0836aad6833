"""The check of a whole log, from its rows alone: pure, in one pass, in O(log n) memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.audit.merkle import Node, RightEdge, leaf_hash
from engine.audit.model import Columns, TreeHead, Verification, leaf_data
from engine.core.frozen import frozen

Row = tuple[Columns, bytes]
"""A record as stored, with its stored leaf hash."""

Progress = Callable[[int, int], None]
"""Called now and then with the records checked and the records there should be."""

PROGRESS_EVERY = 1_000


@frozen
class StoredLog:
    """Everything that is stored of a log; none of it is trusted.

    Args:
        rows: The records by growing seq; `None` in place of one that cannot be read.
        nodes: Gives the stored perfect subtrees of a level as `(index, hash)`, by growing index.
        node_count: Stored perfect subtrees of all levels.
        size: The size that the stored head tells; `None` when there is no head.
        edge: The packed right edge that the stored head tells.
    """

    rows: Iterable[Row | None]
    nodes: Callable[[int], Iterator[tuple[int, bytes]]]
    node_count: int
    size: int | None
    edge: bytes


@frozen
class _Fault:
    first_bad: int | None
    problem: str


def verify_log(
    log: StoredLog, *, now_ms: int, kept: TreeHead | None = None, progress: Progress | None = None
) -> Verification:
    """Recompute every leaf and the tree, and compare with what is stored and with a head kept elsewhere.

    Without a kept head, an edit by somebody who recomputed every hash as well cannot be seen; with one, every edit of
    the records that it covers is found.

    Args:
        log: What is stored.
        now_ms: The time to put on the recomputed head, in milliseconds since the epoch.
        kept: An earlier head, from outside the workspace.
        progress: Told how far the check has come.

    Returns:
        What was found; the check ends at the first thing that is wrong.
    """
    check = _Check(log, kept)
    fault = check.run(progress)
    edge = check.edge
    return Verification(
        ok=fault is None,
        size=edge.size,
        head=TreeHead(edge.size, edge.root(), now_ms),
        first_bad=fault.first_bad if fault else None,
        problem=fault.problem if fault else "",
    )


class _Check:
    """One pass over a log."""

    def __init__(self, log: StoredLog, kept: TreeHead | None) -> None:
        self.edge = RightEdge()
        self._log = log
        self._kept = kept
        self._kept_fault: _Fault | None = None
        self._levels: list[Iterator[tuple[int, bytes]]] = []

    def run(self, progress: Progress | None) -> _Fault | None:
        size = self._log.size
        if size is None:
            return _Fault(None, "The stored tree head is missing.")
        for row in self._log.rows:
            fault = self._record_fault(row, size)
            if fault:
                return self._told_by_records(fault)
            self._compare_with_kept()
            if progress and self.edge.size % PROGRESS_EVERY == 0:
                progress(self.edge.size, size)
        if progress:
            progress(self.edge.size, size)
        if self.edge.size == 0:
            self._compare_with_kept()
        return self._told_by_records(self._end_fault(size))

    def _record_fault(self, row: Row | None, size: int) -> _Fault | None:
        expected = self.edge.size + 1
        if row is None:
            return _Fault(expected, f"Record {expected} cannot be read.")
        columns, stored_leaf = row
        seq = columns[0]
        if seq < expected:
            return _Fault(seq, f"Record {seq} was put in; records begin at 1.")
        if seq > expected:
            return _Fault(expected, f"Record {expected} is missing.")
        if seq > size:
            put_in = _Fault(seq, f"Record {seq} was put in; the log ends at record {size}.")
            return self._edge_fault() or put_in
        computed = _leaf_of(columns)
        if computed is None or computed != stored_leaf:
            return _Fault(seq, f"Record {seq} was changed: its content does not match its hash.")
        return self._node_fault(self.edge.append(stored_leaf))

    def _node_fault(self, completed: list[Node]) -> _Fault | None:
        for level, index, computed in completed:
            if level > len(self._levels):
                self._levels.append(self._log.nodes(level))
            if next(self._levels[level - 1], None) != (index, computed):
                return _changed_between(index << level, (index + 1) << level)
        return None

    def _compare_with_kept(self) -> None:
        """Compare at the size that the kept head covers; the check goes on, since later records may tell more."""
        kept = self._kept
        if kept is None or kept.size != self.edge.size or kept.root_hash == self.edge.root():
            return
        self._kept_fault = _Fault(
            None,
            f"The first {kept.size} records are not those that the kept head was taken from: they were rewritten with "
            "all their hashes, or the head is from another workspace.",
        )

    def _told_by_records(self, fault: _Fault | None) -> _Fault | None:
        """Prefer the fault that names a record which the kept head covers, else what the kept head says."""
        if self._kept is None or self._kept_fault is None:
            return fault
        named = fault and fault.first_bad is not None and fault.first_bad <= self._kept.size
        return fault if named else self._kept_fault

    def _end_fault(self, size: int) -> _Fault | None:
        have = self.edge.size
        if have < size:
            return _Fault(have + 1, f"Record {have + 1} is missing; the log ends at record {size}.")
        if self._kept is not None and have < self._kept.size:
            return _Fault(have + 1, f"Record {have + 1} is missing; the kept head covers {self._kept.size} records.")
        if self._log.node_count != have - have.bit_count():
            return _Fault(None, "The stored tree has hashes that belong to no record.")
        return self._edge_fault()

    def _edge_fault(self) -> _Fault | None:
        stored = RightEdge.unpack(self.edge.size, self._log.edge)
        if stored is None:
            return _Fault(None, "The stored tree head is damaged.")
        for (start, end), computed, told in zip(self.edge.spans(), self.edge.hashes(), stored.hashes(), strict=True):
            if computed != told:
                return _changed_between(start, end)
        return None


def _leaf_of(columns: Columns) -> bytes | None:
    """The leaf hash of a stored record; `None` when no record that we wrote could look like this."""
    try:
        return leaf_hash(leaf_data(columns))
    except (TypeError, ValueError):
        return None


def _changed_between(start: int, end: int) -> _Fault:
    """Say that a subtree over leaves `start` to `end` differs though each leaf matches its own hash."""
    first, last = start + 1, end
    who = f"Record {first}" if first == last else f"One of the records {first} to {last}"
    return _Fault(first, f"{who} was changed and its hash recomputed: the stored tree says otherwise.")
