"""A run that is executing: what a training program holds in its hand."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from engine.artifacts.model import safe_path
from engine.core.errors import InvalidInput
from engine.tracking.heartbeat import Heartbeat
from engine.tracking.model import RunStatus
from engine.tracking.rules import (
    MAX_PARAM,
    MAX_TAG,
    NO_METRICS,
    MetricColumns,
    check_pairs,
    checked_columns,
    metric_columns,
    series_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Protocol

    from engine.tracking.heartbeat import Pulse
    from engine.tracking.model import Artifact, DatasetInput, MetricPoint, RunDetail
    from engine.tracking.sampling import Sampler

    class Logging(Pulse, Protocol):
        """What an active run needs of the service it writes through."""

        def log_columns(self, run_id: str, batch: Batch) -> None:
            """Store a batch."""

        def log_input(self, run_id: str, dataset: DatasetInput) -> None:
            """Note a dataset."""

        def log_bytes(self, run_id: str, data: bytes, path: str) -> Artifact:
            """Keep bytes."""

        def log_files(self, run_id: str, files: list[tuple[Path, str]]) -> tuple[Artifact, ...]:
            """Keep files."""

        def set_note(self, run_id: str, note: str) -> RunDetail:
            """Replace the note."""

        def finish(self, run_id: str, status: RunStatus) -> None:
            """Set the status."""

        def now_ms(self) -> int:
            """Tell the time."""


_NO_PAIRS: Mapping[str, str] = {}


class Batch(NamedTuple):
    """What one call logs, checked.

    Args:
        metrics: Metric points, by column.
        params: Parameters.
        tags: Tags.
    """

    metrics: MetricColumns = NO_METRICS
    params: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}

    @classmethod
    def of(
        cls,
        metrics: MetricColumns = NO_METRICS,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> Self:
        """Check a batch; parameter and tag values become text.

        Raises:
            InvalidInput: a key or value cannot be kept.
        """
        return cls(
            metrics,
            check_pairs(_texts(params), "param", MAX_PARAM) if params else _NO_PAIRS,
            check_pairs(_texts(tags), "tag", MAX_TAG) if tags else _NO_PAIRS,
        )


def _texts(pairs: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in pairs.items()}


class ActiveRun:
    """A run to log to. Every call is durable when it returns; every method may be called from any thread.

    Used as a context manager it finishes as `finished`, as `failed` on an exception, as `killed` on Ctrl-C.

    Args:
        runs: The service to write through.
        run_id: The run's id.
        row_id: Its integer key.
        beat: Give signs of life until it is finished.
        capture: Find out the slow parts of its environment, in the background.
        sample_s: Seconds between two samples of the machine; `None` for none. Only a run that beats has some.
    """

    def __init__(
        self, runs: Logging, run_id: str, row_id: int, *, beat: bool, capture: bool, sample_s: float | None = None
    ) -> None:
        self._runs = runs
        self.id = run_id
        self.row_id = row_id
        self._heartbeat = Heartbeat(runs, run_id, capture=capture) if beat else None
        self._sampler: Sampler | None = None
        if self._heartbeat is not None:
            self._heartbeat.start()
            if sample_s is not None:
                self._sampler = _sampler(self, self._heartbeat, sample_s)
                self._sampler.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.finish(_status_after(error))

    def log_param(self, key: str, value: object) -> None:
        """Log one parameter; its value becomes text.

        Raises:
            InvalidInput: the key or value cannot be kept.
            Conflict: it has another value already, or the run is deleted.
        """
        self.log_params({key: value})

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters; values become text.

        Raises:
            InvalidInput: a key or value cannot be kept.
            Conflict: one has another value already, or the run is deleted.
        """
        self._runs.log_columns(self.id, Batch.of(params=params))

    def log_metric(self, key: str, value: float, step: int = 0, time_ms: int | None = None) -> None:
        """Log one metric point.

        Args:
            key: The metric.
            value: Any float, NaN and infinities included.
            step: Its step.
            time_ms: Its time in milliseconds since the epoch; now when `None`.

        Raises:
            InvalidInput: the key or a number cannot be kept.
            Conflict: the run is deleted.
        """
        self.log_metrics({key: value}, step=step, time_ms=time_ms)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0, time_ms: int | None = None) -> None:
        """Log one point of each of several metrics.

        Args:
            metrics: Value by metric.
            step: Their step.
            time_ms: Their time in milliseconds since the epoch; now when `None`.

        Raises:
            InvalidInput: a key or number cannot be kept.
            Conflict: the run is deleted.
        """
        at = self._runs.now_ms() if time_ms is None else time_ms
        count = len(metrics)
        columns = checked_columns(
            list(metrics), list(metrics.values()), list(repeat(step, count)), list(repeat(at, count))
        )
        self._runs.log_columns(self.id, Batch(columns))

    def log_batch(
        self,
        metrics: Iterable[MetricPoint] = (),
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        """Log many things at once: all of them or none. The fast way to log.

        Args:
            metrics: (key, value, step, time_ms) tuples.
            params: Parameters; values become text.
            tags: Tags; values become text.

        Raises:
            InvalidInput: something cannot be kept; the message names it.
            Conflict: a parameter has another value already, or the run is deleted.
        """
        self._runs.log_columns(self.id, Batch.of(metric_columns(metrics), params, tags))

    def log_series(self, key: str, steps: object, values: object, times_ms: object = None) -> None:
        """Log many points of one metric, all of them or none.

        Args:
            key: The metric.
            steps: Integers, shape (n,): a numpy array or any sequence.
            values: Numbers, shape (n,).
            times_ms: Milliseconds since the epoch, shape (n,), or one for all; now when `None`.

        Raises:
            InvalidInput: the lengths differ, or a number cannot be kept.
            Conflict: the run is deleted.
        """
        at = self._runs.now_ms() if times_ms is None else times_ms
        self._runs.log_columns(self.id, Batch(series_columns(key, steps, values, at)))

    def set_tag(self, key: str, value: object) -> None:
        """Set a tag; its value becomes text.

        Raises:
            InvalidInput: the key or value cannot be kept.
            Conflict: the run is deleted.
        """
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags; values become text.

        Raises:
            InvalidInput: a key or value cannot be kept.
            Conflict: the run is deleted.
        """
        self._runs.log_columns(self.id, Batch.of(tags=tags))

    def note(self, text: str) -> None:
        """Replace the run's note.

        Raises:
            InvalidInput: the text cannot be kept.
        """
        self._runs.set_note(self.id, text)

    def log_dataset(self, dataset: DatasetInput) -> None:
        """Note data that the run reads.

        Raises:
            InvalidInput: a text of it cannot be kept.
            Conflict: the run is deleted.
        """
        self._runs.log_input(self.id, dataset)

    def log_artifact(self, local: str | Path, path: str = "") -> Artifact:
        """Keep a copy of a file.

        Args:
            local: The file.
            path: The folder it goes into; the top when empty.

        Returns:
            The artifact.

        Raises:
            NotFound: there is no such file.
            InvalidInput: it is no regular file, or the path is not safe.
            Conflict: a folder of its name is there, or the run is deleted.
            WorkspaceError: the disk failed or is full.
        """
        source = Path(local)
        return self._runs.log_files(self.id, [(source, _below(path, source.name))])[0]

    def log_artifacts(self, folder: str | Path, path: str = "") -> tuple[Artifact, ...]:
        """Keep copies of every file below a folder; all of them or none show up.

        Args:
            folder: The local folder; links to folders in it are not followed.
            path: The folder they go into; the top when empty.

        Returns:
            The artifacts.

        Raises:
            InvalidInput: it is no folder, a file in it is no regular file, or a name in it is not safe.
            Conflict: a file stands where a folder is needed, or the run is deleted.
            WorkspaceError: the disk failed or is full.
        """
        root = Path(folder)
        if not root.is_dir():
            raise InvalidInput(f"{root} is not a folder.", hint="Log single files with log_artifact.")
        files = [(local, _below(path, local.relative_to(root).as_posix())) for local in _files_below(root)]
        return self._runs.log_files(self.id, files)

    def log_bytes(self, data: bytes, path: str) -> Artifact:
        """Keep bytes as a file.

        Args:
            data: The bytes.
            path: Where, such as `plots/roc.png`.

        Returns:
            The artifact.

        Raises:
            InvalidInput: the path is not safe.
            Conflict: a folder of that path is there, or the run is deleted.
            WorkspaceError: the disk failed or is full.
        """
        return self._runs.log_bytes(self.id, data, path)

    def finish(self, status: RunStatus = RunStatus.FINISHED) -> None:
        """End the run; a second call sets the status again.

        Raises:
            NotFound: the workspace was replaced by one without this run.
            Conflict: the run is deleted.
            WorkspaceError: the disk failed; the run will be shown as lost.
        """
        if self._sampler is not None:
            self._sampler.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._runs.finish(self.id, status)


def _sampler(run: ActiveRun, heartbeat: Heartbeat, interval_s: float) -> Sampler:
    from engine.tracking.sampling import Sampler  # a run that is logged to by its id does without

    return Sampler(run.log_metrics, lambda: heartbeat.over, name=f"sampler-{run.id[:8]}", interval_s=interval_s)


def _status_after(error: BaseException | None) -> RunStatus:
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return RunStatus.FINISHED
    return RunStatus.KILLED if isinstance(error, KeyboardInterrupt) else RunStatus.FAILED


def _below(folder: str, name: str) -> str:
    return safe_path(f"{folder}/{name}" if folder else name)


def _files_below(root: Path) -> Iterator[Path]:
    for entry in sorted(root.iterdir()):
        if entry.is_dir():
            if not entry.is_symlink():
                yield from _files_below(entry)
        else:
            yield entry
