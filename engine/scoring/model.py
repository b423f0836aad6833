"""What batch scoring is about: files in, partitions of them, parts out, and what is kept of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.tables.model import Cut, FileKind

if TYPE_CHECKING:
    from pathlib import Path

    from engine.runtimes.model import Interface, RuntimeKind


class OnError(StrEnum):
    """What becomes of a row that the model does not take."""

    FAIL = "fail"
    """All stops; nothing of its part is kept."""
    SKIP = "skip"
    """It is left out; a column `row` then says which rows the others are."""
    NULL = "null"
    """It stays, without an answer; a column `error` says why."""


class Begin(StrEnum):
    """How to begin where there is something already."""

    NEW = "new"
    """Only where there is nothing yet."""
    RESUME = "resume"
    """Go on with what an interrupted run has left; begin where there is nothing."""
    RESTART = "restart"
    """Remove what an earlier run has written."""


class Format(StrEnum):
    """How parts are written."""

    CSV = "csv"
    PARQUET = "parquet"


class State(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Args:
        reference: The version, such as `churn@production`.
        inputs: Files, folders and globs.
        output: The folder to write.
        format: Of the parts.
        columns: Columns of the inputs that are carried along.
        on_error: What becomes of rows that the model does not take.
        begin: How to begin where there is something already.
    """

    reference: str
    inputs: tuple[str, ...]
    output: Path
    format: Format = Format.PARQUET
    columns: tuple[str, ...] = ()
    on_error: OnError = OnError.FAIL
    begin: Begin = Begin.NEW


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that is scored.

    Args:
        path: Its absolute path.
        kind: How it is read.
        size_bytes: Its size.
        mtime_ns: When it last changed, in nanoseconds since the epoch.
        digest: SHA-256 of its bytes, 64 hex digits.
    """

    path: str
    kind: FileKind
    size_bytes: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the model does not take.

    Args:
        path: Its file.
        row: Its number in it, from 1; a header is no row.
        why: Why not.
    """

    path: str
    row: int
    why: str


@dataclass(frozen=True, slots=True)
class Written:
    """A part that is done.

    Args:
        rows_read: Rows of the input.
        rows: Rows in the part.
        refused: Rows that the model does not take.
        size_bytes: Of the part.
        digest: SHA-256 of the part, 64 hex digits.
        examples: The first refused rows.
    """

    rows_read: int
    rows: int
    refused: int
    size_bytes: int
    digest: str
    examples: tuple[RefusedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the output, and the piece of input it is made of.

    Args:
        name: Its file name.
        file: The place of its input file in the plan.
        cut: The piece.
        written: What was written; `None` while it is not.
    """

    name: str
    file: int
    cut: Cut
    written: Written | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What all parts of a run share; goes to workers.

    Args:
        model_file: The built model.
        file_digest: Its SHA-256, 64 hex digits.
        kind: How it answers.
        file_format: How it is stored.
        interface: What it takes and gives.
        folder: Where parts are written.
        format: Of the parts.
        columns: Columns that are carried along.
        on_error: What becomes of rows that the model does not take.
    """

    model_file: str
    file_digest: str
    kind: RuntimeKind
    file_format: str
    interface: Interface
    folder: str
    format: Format
    columns: tuple[str, ...]
    on_error: OnError


@dataclass(frozen=True, slots=True)
class Task:
    """One part to make.

    Args:
        job: What it shares with the others.
        file: Its input.
        part: Which.
        place: Its place among the parts, from 0.
    """

    job: Job
    file: InputFile
    part: Part
    place: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is.

    Args:
        parts: In all.
        parts_done: Written.
        bytes: Of the inputs, in all.
        bytes_done: Of those, read.
        rows: Rows of the inputs that were read.
        refused: Rows that the model does not take.
    """

    parts: int
    parts_done: int
    bytes: int
    bytes_done: int
    rows: int
    refused: int


@dataclass(frozen=True, slots=True)
class Scoring:
    """A batch of predictions that was made, or is being made.

    Args:
        id: Its number.
        model: The model's name.
        version: The version's number.
        digest: The version's digest, 64 hex digits.
        runtime: How it answered.
        inputs: The first files that were read; the manifest beside the output names all.
        input_files: How many there are.
        output: The folder of the answers.
        format: Of the parts.
        rows: Rows of the inputs that were read.
        refused: Rows that the model does not take.
        parts: Parts in all.
        parts_done: Parts written.
        state: How it stands: `running` also when its process was killed; `qd predict … --resume` goes on.
        problem: Why it failed; empty when it did not.
        actor: Who asked for it.
        began_ms: When, in milliseconds since the epoch.
        ended_ms: When it ended, or `None`.
    """

    id: int
    model: str
    version: int
    digest: str
    runtime: str
    inputs: tuple[InputFile, ...]
    input_files: int
    output: str
    format: str
    rows: int
    refused: int
    parts: int
    parts_done: int
    state: State
    problem: str
    actor: str
    began_ms: int
    ended_ms: int | None = None
    examples: tuple[RefusedRow, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """The version, such as `churn/7`."""
        return f"{self.model}/{self.version}"
