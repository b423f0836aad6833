"""Profiles tables, part by part, wherever the parts are looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from engine.profiles.counting import FeatureCounting
from engine.profiles.numbers import Scratch
from engine.profiles.profile import Profile
from engine.profiles.rows import counted_rows, no_rows
from engine.tables.model import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.compute.model import Executor
    from engine.profiles.layout import Layout
    from engine.tables.model import Chunk, Partition


@dataclass(frozen=True, slots=True)
class PartTask:
    """A part to profile; goes to workers.

    Args:
        partition: The part.
        layout: How.
        duplicates: Whether rows are told apart.
        distinct: Whether different numbers are told apart.
    """

    partition: Partition
    layout: Layout
    duplicates: bool = False
    distinct: bool = False


class Counting:
    """Counts chunks by a layout.

    Args:
        layout: How.
        duplicates: Whether rows are told apart, which takes longer than all else.
        distinct: Whether different numbers are told apart, which takes several times as long as to count them.
    """

    def __init__(self, layout: Layout, *, duplicates: bool = False, distinct: bool = False) -> None:
        self._row_counts = no_rows() if duplicates else None
        self._layout = layout
        scratch = Scratch()
        self._features = {each.key: FeatureCounting(each, scratch, distinct=distinct) for each in layout.features}
        self._rows = self._damaged = 0
        self._others: Counter[str] = Counter()

    def add(self, chunk: Chunk) -> None:
        """Count a chunk.

        Args:
            chunk: Rows; columns that the layout does not know are counted as such, those that it lacks as missing.
        """
        self._rows += chunk.rows
        self._damaged += chunk.damaged
        if self._row_counts is not None:
            self._row_counts += counted_rows(chunk, self._layout.features)
        for key, feature in self._features.items():
            column = chunk.columns.get(key)
            if column is None:
                feature.lack(chunk.rows)
            else:
                feature.add(column)
        for key in chunk.columns:
            if key not in self._features:
                self._others[key] += chunk.rows

    def finish(self) -> Profile:
        """What was counted."""
        features = {key: each.finish() for key, each in self._features.items()}
        return Profile(self._layout.digest, self._rows, features, self._damaged, dict(self._others), self._row_counts)


def profile(
    source: Table | Iterable[Chunk],
    layout: Layout,
    executor: Executor | None = None,
    *,
    duplicates: bool = False,
    distinct: bool = False,
) -> Profile:
    """Profile a table.

    Args:
        source: A table, or chunks.
        layout: How it is counted.
        executor: What looks at parts of a table; without one, this thread does.
        duplicates: Whether rows are told apart, which takes longer than all else.
        distinct: Whether different numbers are told apart, which takes several times as long as to count them; without,
            `engine.profiles.quantities.distinct` knows bounds.

    Returns:
        The profile: the same whatever the executor.

    Raises:
        InvalidInput: a file is damaged.
        Conflict: a file changed while it was read.
        TaskFailed: as these, with an executor.
        WorkerLost: a worker died.
    """
    if not isinstance(source, Table):
        return _counted(source, layout, duplicates=duplicates, distinct=distinct)
    tasks = (PartTask(part, layout, duplicates, distinct) for part in source.partitions())
    if executor is None:
        wanted = layout.wanted
        chunks = (chunk for task in tasks for chunk in task.partition.chunks(wanted))
        return _counted(chunks, layout, duplicates=duplicates, distinct=distinct)
    none = Counting(layout, duplicates=duplicates, distinct=distinct).finish()
    return reduce(add, executor.map(profile_part, tasks, ordered=False), none)


def profile_part(task: PartTask) -> Profile:
    """Profile a part.

    Args:
        task: The part, and how.

    Returns:
        Its profile.

    Raises:
        InvalidInput: it is damaged.
        Conflict: it changed while it was read.
    """
    chunks = task.partition.chunks(task.layout.wanted)
    return _counted(chunks, task.layout, duplicates=task.duplicates, distinct=task.distinct)


def _counted(chunks: Iterable[Chunk], layout: Layout, *, duplicates: bool, distinct: bool) -> Profile:
    counting = Counting(layout, duplicates=duplicates, distinct=distinct)
    for chunk in chunks:
        counting.add(chunk)
    return counting.finish()
