"""What performance is held against: the first rows of a version whose labels came, once there are enough of them."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.monitoring.scoring import METRICS, Scored, Task, realised

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engine.monitoring.batch import Batch
    from engine.monitoring.memory import Memory
    from engine.monitoring.scoring import Judged
    from engine.stats.cbpe import Cbpe
    from engine.stats.dle import Dle

LEARNED_FROM = 500
"""Labelled rows that make a standard."""


@dataclass(frozen=True, slots=True)
class Standard:
    """A version's performance as it was at first.

    Args:
        task: What it does.
        scores: By metric.
        cbpe: What its probabilities mean; `None` for what gives none.
        rows: Rows it was learned from.
        dle: What its errors follow from, by metric; of numbers only.
    """

    task: Task
    scores: Mapping[str, Scored]
    cbpe: Cbpe | None
    rows: int
    dle: Mapping[str, Dle]


class Standards:
    """Learns standards from windows, and reads them."""

    def __init__(self) -> None:
        self._fitted: dict[bytes, Mapping[str, Dle]] = {}

    def learn(self, memory: Memory, version: str, batch: Batch, rows: Judged) -> None:
        """Remember labelled rows of a version until there are enough of them.

        Args:
            memory: What is remembered.
            version: The version's public name.
            batch: The window.
            rows: The same rows as scores need them.
        """
        import numpy as np

        part = f"labelled {version}"
        kept = _loaded(memory.get(part))
        if kept is not None and len(kept["ids"]) >= LEARNED_FROM:
            return
        fresh = rows.known if kept is None else rows.known & ~np.isin(batch.ids, kept["ids"])
        if not fresh.any():
            return
        found = _rows_of(batch, rows, fresh)
        if kept is not None and set(kept) == set(found) and kept["features"].shape[1] == found["features"].shape[1]:
            found = {name: np.concatenate([kept[name], each]) for name, each in found.items()}
        memory.put(part, _dumped(found))

    def read(self, memory: Memory, version: str, classes: tuple[str, ...]) -> Standard | None:
        """A version's standard; `None` while too few of its rows have labels.

        Args:
            memory: What is remembered.
            version: The version's public name.
            classes: Its classes as words, in the order of its probabilities.
        """
        from engine.stats.cbpe import learned

        content = memory.get(f"labelled {version}")
        kept = _loaded(content)
        if content is None or kept is None or len(kept["ids"]) < LEARNED_FROM:
            return None
        rows = _judged(kept, classes)
        scores = {metric: realised(rows, metric) for metric in METRICS[rows.task]}
        cbpe = None
        if rows.score is not None and rows.positive:
            cbpe = learned(rows.score, rows.truth == rows.positive)
        dle = self._dle(content, kept) if rows.task is Task.NUMBERS else {}
        return Standard(rows.task, scores, cbpe, len(kept["ids"]), dle)

    def _dle(self, content: bytes, kept: Mapping[str, NDArray[Any]]) -> Mapping[str, Dle]:
        """What errors follow from: fitted once a process, since it takes a while; the same rows give the same."""
        from engine.stats.dle import METRICS as ESTIMATED
        from engine.stats.dle import learned

        if content not in self._fitted:
            rows = kept["features"], kept["said"], kept["truth"]
            with one_thread():
                self._fitted = {content: {metric: learned(metric, *rows) for metric in ESTIMATED}}
        return self._fitted[content]


def one_thread() -> AbstractContextManager[object]:
    """While this holds, models of scikit-learn use one thread: theirs wait for each other where cores are few."""
    from threadpoolctl import threadpool_limits

    limited: AbstractContextManager[object] = threadpool_limits(1)
    return limited


def features_of(batch: Batch) -> NDArray[np.float64]:
    """Numbers of a window's columns, by name, shape (rows, columns): NaN for what is none, truths as 0 and 1.

    Args:
        batch: The rows.
    """
    import numpy as np

    found = np.full((len(batch), len(batch.columns)), np.nan)
    for place, name in enumerate(sorted(batch.columns)):
        values = batch.columns[name]
        found[:, place] = [float(each) if isinstance(each, int | float) else np.nan for each in values]
    return found


def _rows_of(batch: Batch, rows: Judged, mask: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    import numpy as np

    numbers = rows.task is Task.NUMBERS
    found = {
        "task": np.array([rows.task.value] * int(mask.sum())),
        "ids": batch.ids[mask],
        "said": rows.said[mask] if numbers else rows.said[mask].astype(str),
        "truth": rows.truth[mask] if numbers else rows.truth[mask].astype(str),
        "features": features_of(batch)[mask] if numbers else np.zeros((int(mask.sum()), 0)),
    }
    return found if rows.chances is None else {**found, "chances": rows.chances[mask]}


def _judged(kept: Mapping[str, NDArray[Any]], classes: tuple[str, ...]) -> Judged:
    import numpy as np

    from engine.monitoring.scoring import Judged

    task = Task(str(kept["task"][0]))
    chances = kept.get("chances")
    score = chances[:, 1] if task is Task.BINARY and chances is not None else None
    said, truth = kept["said"], kept["truth"]
    if task is not Task.NUMBERS:
        said, truth = said.astype(object), truth.astype(object)
    return Judged(task, said, score, chances, truth, np.ones(len(said), bool), classes)


def _dumped(found: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as the bytes of .npy files, one after the other by name; the same arrays give the same bytes."""
    import numpy as np
    from msgspec import msgpack

    parts = []
    for name in sorted(found):
        stream = io.BytesIO()
        np.save(stream, found[name], allow_pickle=False)
        parts.append([name, stream.getvalue()])
    return msgpack.encode(parts)


def _loaded(content: bytes | None) -> dict[str, NDArray[Any]] | None:
    import numpy as np
    from msgspec import msgpack

    if content is None:
        return None
    return {name: np.load(io.BytesIO(each), allow_pickle=False) for name, each in msgpack.decode(content)}
