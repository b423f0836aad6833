"""One run over the parts of an output: what is missing is made, and what is done is kept as it goes."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError, Stopped, TaskFailed
from engine.scoring.answering import EXAMPLES, close_runtimes, make_part
from engine.scoring.model import Standing, State, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.compute.model import Cancelled, Executor
    from engine.scoring.manifest import Folder, Manifest
    from engine.scoring.model import Job, RefusedRow, Written

    Progress = Callable[[Standing], object]

_KEEP_EVERY_S = 0.5
"""How much work a killed run may lose, besides what it was at."""

_TELL_EVERY_S = 2.0
_LONGEST = 500


class Run:
    """One run over its parts; the only writer of its manifest.

    Args:
        folder: Where it writes, held.
        manifest: What it does.
        stand: Writes down in the workspace how it stands, with why it failed.
        progress: Told how far it is.
    """

    def __init__(
        self, folder: Folder, manifest: Manifest, stand: Callable[[Manifest, str], None], progress: Progress | None
    ) -> None:
        self.manifest = manifest
        self._folder = folder
        self._stand = stand
        self._progress = progress
        self._parts = list(manifest.parts)
        self._kept_s = self._told_s = monotonic()

    def make(self, job: Job, executor: Executor, cancelled: Cancelled | None) -> None:
        """Make the parts that are missing.

        Args:
            job: What they share.
            executor: Does the work.
            cancelled: Asked several times a second whether to stop.

        Raises:
            QuarterdeckError: what `make_part` raises.
            Stopped: `cancelled` said so.
            TaskFailed: a worker failed in another way.
        """
        inputs = self.manifest.inputs
        missing = [
            Task(job, inputs[part.file], part, place) for place, part in enumerate(self._parts) if part.written is None
        ]
        self._tell()
        with unwrapped():
            made = executor.map(make_part, missing, cancelled=cancelled)
            for task, written in zip(missing, made, strict=True):
                self._done(task, written)

    def end(self, state: State, problem: str = "") -> None:
        """Write down how the run ended; an early end keeps what was done.

        Args:
            state: How.
            problem: Why it failed.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the manifest may not be written.
            WorkspaceError: the disk failed.
        """
        self.manifest = replace(self.manifest, parts=tuple(self._parts), state=state)
        try:
            self._folder.write(self.manifest)
        finally:
            self._stand(self.manifest, problem)

    def examples(self) -> tuple[RefusedRow, ...]:
        """The first rows that were refused."""
        found = (row for part in self._parts if part.written is not None for row in part.written.examples)
        return tuple(islice(found, EXAMPLES))

    def _done(self, task: Task, written: Written) -> None:
        self._parts[task.place] = replace(task.part, written=written)
        now = monotonic()
        if now - self._kept_s >= _KEEP_EVERY_S:
            self._kept_s = now
            self.manifest = replace(self.manifest, parts=tuple(self._parts))
            self._folder.write(self.manifest)
            if now - self._told_s >= _TELL_EVERY_S:
                self._told_s = now
                self._stand(self.manifest, "")
        self._tell()

    def _tell(self) -> None:
        if self._progress is None:
            return
        done = [each for each in self._parts if each.written is not None]
        self._progress(
            Standing(
                parts=len(self._parts),
                parts_done=len(done),
                bytes=sum(each.cut.size_bytes for each in self._parts),
                bytes_done=sum(each.cut.size_bytes for each in done),
                rows=sum(each.written.rows_read for each in done if each.written),
                refused=sum(each.written.refused for each in done if each.written),
            )
        )


@contextmanager
def ending(run: Run) -> Iterator[None]:
    """Write down how a run ends, however it does.

    Args:
        run: The run, which goes on inside.
    """
    try:
        yield
    except BaseException as error:
        stopped = isinstance(error, (KeyboardInterrupt, Stopped))
        said = error.message if isinstance(error, QuarterdeckError) else type(error).__name__
        with suppress(QuarterdeckError):  # what went wrong first is what is told
            run.end(State.INTERRUPTED if stopped else State.FAILED, "" if stopped else said[:_LONGEST])
        raise
    else:
        run.end(State.FINISHED)
    finally:
        close_runtimes()


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise an error of ours that a worker met as itself.

    Raises:
        QuarterdeckError: what the worker raised.
    """
    try:
        yield
    except TaskFailed as failed:
        if isinstance(failed.__cause__, QuarterdeckError):
            raise failed.__cause__ from failed
        raise
