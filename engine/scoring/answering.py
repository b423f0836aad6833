"""Makes one part: reads its piece, asks the model, writes what it answers. Runs in any worker."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, QuarterdeckError, RowRefused
from engine.core.text import clean
from engine.runtimes.row_check import RowCheck
from engine.scoring.answers import ERROR, ROW, output_columns, output_fields
from engine.scoring.model import OnError, RefusedRow, Task, Written
from engine.scoring.planning import check_unchanged
from engine.scoring.reading import slabs
from engine.scoring.writing import PartWriter
from engine.tables import arrow
from engine.tables.heads import reading, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from engine.runtimes.model import Outputs, Runtime
    from engine.scoring.model import Job
    from engine.scoring.reading import Slab

EXAMPLES = 20
"""Refused rows that a part names."""

_idle: dict[str, list[Runtime]] = {}
_lock = Lock()


def make_part(task: Task) -> Written:
    """Make a part.

    Args:
        task: Which.

    Returns:
        What was written.

    Raises:
        InvalidInput: a row is not what the model takes, or the file is damaged or has changed.
        RowRefused: the model refuses a row.
        PredictionFailed: the model broke.
        IntegrityError: the built model is gone, or its bytes have changed.
        NotServable: its bytes make no model.
        WorkspaceFull: no space is left.
        WorkspaceReadOnly: the part may not be written.
        WorkspaceError: the disk failed.
    """
    from threadpoolctl import threadpool_limits

    path = Path(task.file.path)
    with reading(path):
        check_unchanged(task.file)
    with _borrowed(task.job) as runtime, threadpool_limits(1):
        maker = _Maker(task, runtime)
        with PartWriter(Path(task.job.folder, task.part.name), task.job.format, maker.schema) as writer:
            for slab in slabs(task.file, task.part.cut, task.job.interface, task.job.columns):
                writer.write(maker.batch(slab))
            with reading(path):
                check_unchanged(task.file)
            digest, size = writer.finish()
    return Written(maker.rows_read, maker.rows, maker.refused, size, digest, tuple(maker.examples))


def close_runtimes() -> None:
    """Close the models that this process has loaded."""
    with _lock:
        closing = [each for several in _idle.values() for each in several]
        _idle.clear()
    for each in closing:
        each.close()


@contextmanager
def _borrowed(job: Job) -> Iterator[Runtime]:
    """A loaded model that nobody else uses meanwhile; models are loaded once for each that works at once."""
    with _lock:
        waiting = _idle.get(job.file_digest)
        runtime = waiting.pop() if waiting else None
    if runtime is None:
        from engine.runtimes.loading import load

        runtime = load(Path(job.model_file), job.kind, job.file_format, job.interface, digest=job.file_digest)
    try:
        yield runtime
    finally:
        with _lock:
            _idle.setdefault(job.file_digest, []).append(runtime)


class _Maker:
    """Answers slab after slab, and counts."""

    def __init__(self, task: Task, runtime: Runtime) -> None:
        self._task = task
        self._job = task.job
        self._runtime = runtime
        self._check = RowCheck(task.job.interface)
        self.schema = _schema(task)
        self.rows_read = self.rows = self.refused = 0
        self.examples: list[RefusedRow] = []

    def batch(self, slab: Slab) -> Any:
        """What is written of a slab."""
        import numpy as np
        import pyarrow as pa

        asked = self._answered(slab)
        refused = slab.refused
        self.rows_read += slab.size
        self.refused += len(refused)
        for place in sorted(refused)[: EXAMPLES - len(self.examples)]:
            self.examples.append(RefusedRow(self._task.file.path, slab.row + place, refused[place]))
        places = np.concatenate([each for each, _ in asked]) if asked else np.empty(0, np.int64)
        columns = self._carried(slab)
        if self._job.on_error is OnError.SKIP:
            kept = arrow.numbers(places)
            columns = [each.take(kept) for each in columns]
            columns.append(arrow.numbers(places + slab.row))
            columns += output_columns(self._job.interface, _joined(asked), np.arange(len(places)), len(places))
        else:
            columns += output_columns(self._job.interface, _joined(asked), places, slab.size)
        if self._job.on_error is OnError.NULL:
            columns.append(arrow.texts(refused.get(place) for place in range(slab.size)))
        made = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        self.rows += made.num_rows
        return made

    def _carried(self, slab: Slab) -> list[Any]:
        return [
            column if column.type.equals(field.type) else _cast(column, field)
            for column, field in zip(slab.carried, self.schema, strict=False)
        ]

    def _answered(self, slab: Slab) -> list[tuple[NDArray[Any], Outputs]]:
        """What the model answers, in order; rows it does not take are found by halving, and noted with the slab."""
        import numpy as np

        if slab.refused and self._job.on_error is OnError.FAIL:
            first = min(slab.refused)
            raise InvalidInput(self._where(slab, first, slab.refused[first]), hint=_HINT)
        places = np.arange(slab.size)
        if slab.refused:
            places = np.delete(places, sorted(slab.refused))
        waiting = [places] if len(places) else []
        answered: list[tuple[NDArray[Any], Outputs]] = []
        while waiting:
            some = waiting.pop()
            try:
                answered.append((some, self._ask(slab, some)))
            except (InvalidInput, RowRefused) as error:
                if len(some) == 1:
                    self._refuse(slab, int(some[0]), error)
                    continue
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]
        return answered

    def _ask(self, slab: Slab, places: NDArray[Any]) -> Outputs:
        if len(places) == slab.size:
            return self._runtime.predict(self._check.columns(slab.values, slab.size))
        return self._runtime.predict(
            self._check.columns({name: each[places] for name, each in slab.values.items()}, len(places))
        )

    def _refuse(self, slab: Slab, place: int, error: QuarterdeckError) -> None:
        # It was asked about alone, as row 0; here rows have the numbers of the file.
        why = error.message.removeprefix("Row 0 of ").replace(" of row 0 ", " ", 1).rstrip(".")
        if self._job.on_error is OnError.FAIL:
            raise type(error)(self._where(slab, place, why), hint=_HINT) from error
        slab.refused[place] = why

    def _where(self, slab: Slab, place: int, why: str) -> str:
        return f"{shown(Path(self._task.file.path))}, row {slab.row + place}: {clean(why, limit=200)}."


_HINT = "Mend it, or leave such rows out with --on-error skip, or empty with --on-error null."


def _joined(answered: list[tuple[NDArray[Any], Outputs]]) -> Any:
    import numpy as np

    if len(answered) == 1:
        return answered[0][1]
    if not answered:
        return _Nothing()
    return {name: np.concatenate([outputs[name] for _, outputs in answered]) for name in answered[0][1]}


class _Nothing(dict[str, Any]):
    """The answers to no rows."""

    def __missing__(self, name: str) -> Any:
        import numpy as np

        return np.empty(0)


def _schema(task: Task) -> Any:
    """The columns of a part: the same for all parts whose inputs are alike."""
    import pyarrow as pa

    job = task.job
    fields = [*_carried_fields(task)]
    if job.on_error is OnError.SKIP:
        fields.append(pa.field(ROW, pa.int64()))
    fields += output_fields(job.interface)
    if job.on_error is OnError.NULL:
        fields.append(pa.field(ERROR, pa.string()))
    return pa.schema(fields)


def _carried_fields(task: Task) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    from engine.tables.model import FileKind

    if task.file.kind is not FileKind.PARQUET:
        yield from (pa.field(name, pa.string()) for name in task.job.columns)
    elif task.job.columns:
        found = parquet.read_schema(task.file.path)
        for name in task.job.columns:
            kind = found.field(name).type
            yield pa.field(name, kind.value_type if pa.types.is_dictionary(kind) else kind)


def _cast(column: Any, field: Any) -> Any:
    """Carried bytes as text: what is not UTF-8 was read in the slow way, and shows so."""
    import pyarrow as pa

    if pa.types.is_binary(column.type):
        return arrow.texts(None if each is None else each.decode(errors="replace") for each in column.to_pylist())
    return column.cast(field.type)
