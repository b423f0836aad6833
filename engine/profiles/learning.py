"""Learns a layout from a reference: what each column is and where its quantiles lie, from an even sample of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.profiles.features import Sample, feature_of
from engine.profiles.layout import Layout
from engine.profiles.texts import counted_levels
from engine.tables.model import Column, Family

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.compute.model import Executor
    from engine.profiles.model import FeatureKind
    from engine.tables.model import Chunk, ColumnHead, Partition, Table

SAMPLE_ROWS = 1 << 16
"""Most rows that quantiles are taken from, about; of fewer, all are."""


@dataclass(frozen=True, slots=True)
class PartSample:
    """Rows of a part, each `stride`-th.

    Args:
        rows: How many the part has.
        stride: A power of two.
        columns: By key, what was seen of it: pieces in order.
    """

    rows: int
    stride: int
    columns: Mapping[str, Sequence[Column]]


def learned(
    table: Table, executor: Executor | None = None, *, kinds: Mapping[str, FeatureKind] | None = None
) -> Layout:
    """Learn a layout.

    Args:
        table: The reference, or the first rows of what has none.
        executor: What looks at parts of it; without one, this thread does.
        kinds: What columns are, by key, where that is known better.

    Returns:
        The layout: the same whatever the executor.

    Raises:
        InvalidInput: a file is damaged.
        Conflict: a file changed while it was read.
        TaskFailed: as these, with an executor.
        WorkerLost: a worker died.
    """
    parts = table.partitions()
    most = max(1, SAMPLE_ROWS // max(1, len(parts)))
    look = partial(sampled, most=most)
    found = [look(each) for each in parts] if executor is None else list(executor.map(look, parts))
    stride = max((each.stride for each in found), default=1)
    features = []
    for head in table.columns:
        pieces = [piece for each in found for piece in _thinned(each, head.key, stride)]
        known = (kinds or {}).get(head.key)
        features.append(feature_of(head, _sample(pieces), known))
    return Layout(tuple(features))


def learned_from_chunks(columns: Sequence[ColumnHead], chunks: Iterable[Chunk]) -> Layout:
    """Learn a layout from rows that are in memory, such as the first of a stream.

    Args:
        columns: Heads of the columns.
        chunks: The rows; all are looked at.

    Returns:
        The layout.
    """
    held = list(chunks)
    return Layout(
        tuple(
            feature_of(each, _sample([chunk.columns[each.key] for chunk in held if each.key in chunk.columns]), None)
            for each in columns
        )
    )


def sampled(partition: Partition, *, most: int) -> PartSample:
    """Sample a part evenly.

    Args:
        partition: The part.
        most: More rows than twice this are not kept.

    Returns:
        The sample: it depends on nothing but the part.

    Raises:
        InvalidInput: it is damaged.
        Conflict: it changed while it was read.
    """
    stride, rows = 1, 0
    kept: list[tuple[int, Mapping[str, Column]]] = []  # the row of the first of each, and each `stride`-th from there
    for chunk in partition.chunks():
        first = -(-rows // stride) * stride
        kept.append((first, {key: _every(each, first - rows, stride) for key, each in chunk.columns.items()}))
        rows += chunk.rows
        while rows > 2 * most * stride:
            kept = [_halved(each, stride) for each in kept]
            stride *= 2
    columns: dict[str, list[Column]] = {}
    for _, found in kept:
        for key, each in found.items():
            columns.setdefault(key, []).append(each)
    return PartSample(rows, stride, columns)


def _halved(piece: tuple[int, Mapping[str, Column]], stride: int) -> tuple[int, Mapping[str, Column]]:
    first, columns = piece
    skipped = first // stride % 2
    return first + skipped * stride, {key: _every(each, skipped, 2) for key, each in columns.items()}


def _every(column: Column, first: int, stride: int) -> Column:
    """Each `stride`-th of the values that are there."""
    import numpy as np

    if (first, stride) == (0, 1) or column.family is Family.EMPTY:
        return column
    values = np.ascontiguousarray(column.values[first::stride])
    return Column(column.family, -(-column.rows // stride), values, 0, column.dictionary)


def _thinned(sample: PartSample, key: str, stride: int) -> Iterable[Column]:
    for each in sample.columns.get(key, ()):
        yield _every(each, 0, stride // sample.stride)


def _sample(pieces: Sequence[Column]) -> Sample:
    """What a column holds: numbers and moments by family, other values with their counts."""
    import numpy as np

    numbers: dict[Family, list[Any]] = {}
    texts: dict[str, int] = {}
    for each in pieces:
        if each.family is Family.TEXT:
            values, counts = counted_levels(each)
            for text, count in zip(values, counts.tolist(), strict=True):
                texts[str(text)] = texts.get(str(text), 0) + count
        elif each.family is not Family.EMPTY:
            numbers.setdefault(each.family, []).append(each.values)
    return Sample({family: np.concatenate(parts) for family, parts in numbers.items()}, texts)
