"""Labels: what turned out to be true, which comes late, by request id, and may be revised."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput
from engine.telemetry import label_store as store
from engine.telemetry.label_files import check_file, label_rows
from engine.telemetry.label_rules import id_problem, time_problem, value_problem, value_text
from engine.telemetry.lookup import TelemetryPart
from engine.telemetry.model import LabelReport
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.core.access import Actor
    from engine.telemetry.label_store import LabelRow
    from engine.telemetry.model import Label, StoredLabel

MAX_LABELS = 10_000
"""Most labels of one call; a file may have any number."""

_ROWS_A_STEP = 5_000


class Labelling(TelemetryPart):
    """Takes labels. Those that name no captured request wait for it, for as long as predictions are kept."""

    def label(self, rows: Sequence[Label]) -> LabelReport:
        """Say what turned out to be true of predictions.

        The same label again changes nothing. Another value for the same request is kept beside the first; the one that
        became known last holds.

        Args:
            rows: At most 10,000 labels.

        Returns:
            What became of them.

        Raises:
            InvalidInput: there are too many, or one has no usable id, value or time; the message says which. None of
                them was stored.
            PermissionDenied: the actor may not log.
            ReadOnlyMode: the engine was opened read-only.
            QuarterdeckError: the telemetry database cannot be written.
        """
        actor = self._access.require(Role.WRITER, "labels add")
        if len(rows) > MAX_LABELS:
            raise InvalidInput(f"More than {MAX_LABELS} labels were given at once.", hint="Give them in parts.")
        checked = [_checked(number, row) for number, row in enumerate(rows, start=1)]
        return self._store(iter([checked]), len(checked), actor, actor.name)

    def import_labels(
        self, path: str | os.PathLike[str], *, progress: Callable[[int, int], None] | None = None
    ) -> LabelReport:
        """Take labels from a CSV file: all of them, or none when one is wrong.

        Args:
            path: A CSV file in UTF-8 with the columns `request_id` and `label`, and perhaps `time`: milliseconds since
                the epoch, or a date and time.
            progress: Told bytes done and bytes in all; the file is read twice.

        Returns:
            What became of them.

        Raises:
            NotFound: there is no such file.
            InvalidInput: it cannot be read, a column is missing, or rows are wrong: the details name the first 20 of
                them by line.
            Conflict: it changed while it was read; nothing was stored.
            PermissionDenied: the actor may not log.
            ReadOnlyMode: the engine was opened read-only.
            QuarterdeckError: the telemetry database cannot be written.
        """
        actor = self._access.require(Role.WRITER, "labels import")
        file = Path(path)
        seen, number = check_file(file, progress)
        return self._store(_same(file, seen, progress), number, actor, f"{actor.name}: {file.name}"[:200])

    def labels(self, request_id: str) -> tuple[StoredLabel, ...]:
        """What was said of one request, whether it was captured or not; the last one holds.

        Args:
            request_id: The request's id.

        Raises:
            QuarterdeckError: the telemetry database cannot be read.
        """
        with looking(self._database) as view:
            return () if view is None else store.labels_of(view, request_id)

    def _store(self, pieces: Iterator[list[LabelRow]], given: int, actor: Actor, source: str) -> LabelReport:
        self._database.migrate()
        with self._database.transaction(actor) as tx:
            last = store.last_label(tx)
            stored = sum(store.insert_labels(tx, piece, source) for piece in pieces if piece)
            waiting = store.waiting(tx, last)
        return LabelReport(given=given, stored=stored, repeated=given - stored, waiting=waiting)


def _same(file: Path, seen: os.stat_result, progress: Callable[[int, int], None] | None) -> Iterator[list[LabelRow]]:
    """The rows of a checked file in pieces; refuses them after all if it is no longer the file that was checked."""
    piece: list[LabelRow] = []
    for row in label_rows(file, progress):
        if isinstance(row, str):
            break
        piece.append(row)
        if len(piece) == _ROWS_A_STEP:
            yield piece
            piece = []
    yield piece
    now = file.stat()
    if (now.st_size, now.st_mtime_ns, now.st_ino) != (seen.st_size, seen.st_mtime_ns, seen.st_ino):
        raise Conflict(f"{file.name} changed while it was read; nothing was stored.", hint="Import it again.")


def _checked(number: int, row: Label) -> LabelRow:
    problem = id_problem(row.request_id) or value_problem(row.value) or time_problem(row.time_ms)
    if problem:
        raise InvalidInput(f"Label {number} {problem}; none of them was stored.")
    return row.request_id, value_text(row.value), row.time_ms or 0
