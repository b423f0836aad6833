"""Looking at files: each one that a glob finds is a window, and again when it has changed."""

from __future__ import annotations

import glob
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import QuarterdeckError
from engine.drift.captured import PREDICTION
from engine.monitoring.batch import Batch
from engine.monitoring.looking import Finding, Look, attempted
from engine.monitoring.model import Subject, Verdict, Window
from engine.monitoring.targets import target_of
from engine.monitoring.watching import MOST_REQUESTS, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.monitoring.looking import Test
    from engine.monitoring.memory import Memory
    from engine.monitoring.model import Kind, Monitor
    from engine.tables.model import Column

LABEL = "label"
"""The column of a file that holds what turned out to be true."""

MOST_FILES = 10_000
"""So many files of a glob are watched: the last ones by name, which are the newest."""

_ENDINGS = (".csv", ".csv.gz", ".parquet")
_LAST = "files end"
_FILE = "file "


def watched_files(pattern: str, folder: Path, *, most: int = MOST_FILES) -> tuple[Path, ...]:
    """The files of a glob, in the order of their names: partitions are named by their time.

    Args:
        pattern: The glob; one that does not begin at the root begins at `folder`.
        folder: The workspace's directory.
        most: At most so many: the last ones by name.
    """
    # Path.glob takes no pattern that begins at the root.
    found = (Path(each) for each in glob.iglob(str(folder / pattern), recursive=True))  # noqa: PTH207 same
    return tuple(sorted(each for each in found if each.name.lower().endswith(_ENDINGS) and each.is_file()))[-most:]


def files_seen(
    monitor: Monitor, folder: Path, tests: Mapping[Kind, Test], memory: Memory, now_ms: int, *, since_ms: int = 0
) -> Iterator[Seen]:
    """Look at files that are new or have changed, but not at those somebody may still be writing.

    Args:
        monitor: The monitor.
        folder: The workspace's directory.
        tests: What looks, by kind.
        memory: What it remembers; it is consistent whenever a window has been yielded.
        now_ms: The time, in milliseconds since the epoch.
        since_ms: Files that changed before are left out, in milliseconds since the epoch.

    Yields:
        What each file has shown.
    """
    paths = watched_files(target_of(monitor.settings.target).name, folder)
    files = SeenFiles(memory)
    files.keep(map(str, paths))
    for path in paths:
        try:
            told = path.stat()
        except OSError:
            continue  # it is gone again
        stamp, name = [told.st_mtime_ns, told.st_size], str(path)
        known = files.get(name)
        changed_ms = told.st_mtime_ns // 1_000_000
        waits = changed_ms + monitor.settings.lateness_ms > now_ms
        if waits or changed_ms < since_ms or (known is not None and known[:2] == stamp):
            continue
        end_ms = files.next_ms(changed_ms) if known is None else known[2]
        window = Window(end_ms - 1, end_ms, file=name)
        found = tuple(_found(monitor, window, tests, memory, now_ms, revised=known is not None))
        files.put(name, [*stamp, end_ms])
        yield Seen(window, known is not None, found)


class SeenFiles:
    """What is remembered of files: a part each, so that what one file takes does not depend on how many there are.

    Args:
        memory: Where.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def get(self, name: str) -> list[int] | None:
        """When a file had changed, its size, and its window's end; `None` for one that was never looked at."""
        found: list[int] | None = self._memory.said(_part(name), None)
        return found

    def put(self, name: str, known: list[int]) -> None:
        """Remember a file."""
        self._memory.say(_part(name), known)

    def keep(self, names: Iterable[str]) -> None:
        """Forget all files but these; when there are none at all, a disk may be away, and nothing is forgotten."""
        there = {_part(name) for name in names}
        for part in self._memory.named(_FILE) if there else ():
            if part not in there:
                self._memory.drop(part)

    def next_ms(self, changed_ms: int) -> int:
        """The end of the next window: when its file changed, but after all before."""
        end_ms = max(int(self._memory.said(_LAST, 0)) + 1, changed_ms)
        self._memory.say(_LAST, end_ms)
        return end_ms


def _part(name: str) -> str:
    """The part of a file; a name need not be valid Unicode, and may be long."""
    return _FILE + blake2b(name.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _found(
    monitor: Monitor, window: Window, tests: Mapping[Kind, Test], memory: Memory, now_ms: int, *, revised: bool
) -> Iterator[tuple[Look, Finding]]:
    problem: QuarterdeckError | None = None
    try:
        batch, rows = read_file(window.file)
    except QuarterdeckError as error:
        batch, rows, problem = _batch({}, 0), 0, error
    look = Look(
        monitor=monitor.name,
        settings=monitor.settings,
        subject=_subject(monitor.settings.against),
        window=window,
        batch=batch,
        told=_batch({}, 0),
        requests=rows,
        late=0,
        revised=revised,
        settled=True,
        now_ms=now_ms,
    )
    for kind, test in tests.items():
        if problem is not None:
            yield look, Finding(kind, Verdict.FAILED, problem.message, problem.hint)
            continue
        yield from ((look, finding) for finding in attempted(kind, test, look, memory))


def _subject(against: str) -> Subject:
    """The version whose baseline files are compared with."""
    model, _, version = against.rpartition("/")
    return Subject(model, int(version)) if model and version.isdigit() else Subject()


def read_file(path: str) -> tuple[Batch, int]:
    """The first rows of a file, and how many it has.

    Args:
        path: CSV, gzip CSV or Parquet.

    Returns:
        At most `MOST_REQUESTS` rows; columns named as in baselines of production hold answers, `label` the truth.

    Raises:
        NotFound: it is gone.
        InvalidInput: it is damaged.
        Conflict: it changed while it was read.
    """
    from engine.tables.source import open_table

    table = open_table([path])
    columns: dict[str, list[Any]] = {head.key: [] for head in table.columns}
    rows = kept = 0
    for partition in table.partitions():
        for chunk in partition.chunks():
            rows += chunk.rows
            take = min(chunk.rows, MOST_REQUESTS - kept)
            for key, column in chunk.columns.items() if take else ():
                columns[key] += values_of(column)[:take]
            kept += take
    return _batch(columns, kept), rows


def values_of(column: Column) -> list[Any]:
    """A column's values, `None` for those which are missing."""
    from engine.tables.model import Family

    if column.family is Family.EMPTY:
        return [None] * column.rows
    values = column.values.tolist()
    if column.family is Family.TEXT:
        values = [column.dictionary[place] for place in values]
    if column.known is None:
        return list(values)
    rest = iter(values)
    return [next(rest) if known else None for known in column.known.tolist()]


def _batch(columns: dict[str, list[Any]], rows: int) -> Batch:
    import numpy as np

    columns = {name: values for name, values in columns.items() if len(values) == rows}
    truths = columns.pop(LABEL, [None] * rows)
    answers = columns.pop(PREDICTION, [])
    chances = [columns.pop(name) for name in _chances(columns)]
    return Batch(
        requests=rows,
        ids=np.arange(rows, dtype=np.int64),
        times=np.zeros(rows, np.int64),
        latency_us=np.zeros(rows),
        columns=columns,
        answers=answers,
        chances=_matrix(chances),
        truths=truths,
    )


def _chances(columns: Mapping[str, object]) -> list[str]:
    return [name for name in columns if name.startswith(f"{PREDICTION} of ")]


def _matrix(chances: Sequence[list[Any]]) -> Any:
    import numpy as np

    if len(chances) < 2:
        return None
    try:
        matrix = np.array(chances, np.float64).T
    except (TypeError, ValueError):
        return None
    return matrix if bool(np.isfinite(matrix).all()) else None
