"""What tracking knows: experiments, runs, what they log, and the results of asking about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MetricPoint: TypeAlias = "tuple[str, float, int, int]"
"""One logged value: key, value, step, time in milliseconds since the epoch. A plain tuple: they come by the million."""

LOST = "lost"
"""The state of a run that says it is running while its process no longer gives a sign of life."""

LOST_AFTER_MS = 45_000
"""Four missed heartbeats and a half: a process held up by swapping or a slow disk is not called lost."""


class RunStatus(StrEnum):
    """How a run stands, as last said by its program."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "killed"
    SCHEDULED = "scheduled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of the run."""
        return self in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named group of runs.

    Args:
        id: Its integer key.
        name: Its unique name.
        lifecycle: `active` or `deleted`.
        tags: Its tags.
        created_ms: When it was made, in milliseconds since the epoch.
        updated_ms: When it was last changed, in milliseconds since the epoch.
        run_count: Its runs that are not deleted.
    """

    id: int
    name: str
    lifecycle: str
    tags: Mapping[str, str]
    created_ms: int
    updated_ms: int
    run_count: int


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a program, with the latest of what it logged.

    Args:
        row_id: Its integer key; what virtual tables hold.
        run_id: Its public id, 32 hex digits.
        experiment: The experiment's name.
        experiment_id: The experiment's integer key.
        name: Its display name; need not be unique.
        status: As last said by its program.
        state: The status, or `lost` when it says running and its process no longer beats.
        lifecycle: `active` or `deleted`.
        start_ms: When it began, in milliseconds since the epoch.
        end_ms: When it ended; `None` while it has not.
        heartbeat_ms: The last sign of life; `None` for runs that are not watched (logged over HTTP, imported).
        user: Who ran it.
        parent_run_id: The run it belongs to, if any.
        params: Its parameters, or those that were asked for.
        metrics: The latest value of its metrics, or of those that were asked for.
        tags: Its tags, or those that were asked for.
        note: Free text about it.
    """

    row_id: int
    run_id: str
    experiment: str
    experiment_id: int
    name: str
    status: RunStatus
    state: str
    lifecycle: str
    start_ms: int
    end_ms: int | None
    heartbeat_ms: int | None
    user: str
    parent_run_id: str | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    note: str

    @property
    def duration_ms(self) -> int | None:
        """How long it ran, in milliseconds; `None` while it has not ended."""
        return None if self.end_ms is None else self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """Data that a run read.

    Args:
        name: What it is called, such as `car_loan`.
        digest: What identifies its content, as computed by whoever logged it.
        schema: Its columns and types, as text (JSON where there is a choice); may be empty.
        rows: How many rows; `None` when unknown.
        context: What it was used for, such as `training`; may be empty.
    """

    name: str
    digest: str
    schema: str = ""
    rows: int | None = None
    context: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where and with what a run executed.

    Args:
        git_commit: The checked-out commit, 40 hex digits; `None` outside a repository.
        git_dirty: Whether tracked files differed from it; `None` when unknown.
        python: The interpreter's version.
        packages: Installed distributions, name to version.
        seed: The random seed the program said it uses.
        host: The machine's name.
        command_line: The program's arguments, quoted for a shell.
        pid: Its process id on that host.
    """

    git_commit: str | None
    git_dirty: bool | None
    python: str
    packages: Mapping[str, str]
    seed: int | None
    host: str
    command_line: str
    pid: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file a run left behind, or a folder of them.

    Args:
        path: Its logical path in the run.
        digest: SHA-256 of the bytes; for a folder of its manifest.
        size_bytes: Its size; for a folder in all.
        is_dir: Whether it is a folder.
    """

    path: str
    digest: str
    size_bytes: int
    is_dir: bool = False


@dataclass(frozen=True, slots=True)
class RunDetail(Run):
    """A run with everything that belongs to it.

    Args:
        inputs: The data it read.
        environment: Where it executed; `None` when that was not captured.
        artifacts: Every file it left behind, by path.
        children: The ids of the runs that belong to it, oldest first.
    """

    inputs: tuple[DatasetInput, ...] = ()
    environment: Environment | None = None
    artifacts: tuple[Artifact, ...] = ()
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order.

    Args:
        filter: In the filter language, such as `metrics.auc > 0.9 AND params.model = 'tree'`; empty for all.
        order_by: Sort keys such as `metrics.auc DESC`; newest first without any.
        experiment: Only runs of the experiment of this name.
        lifecycle: `active`, `deleted` or `all`.
        limit: Runs per page, 1 to 50,000.
        page_token: Continues an earlier page of the same query.
    """

    filter: str = ""
    order_by: tuple[str, ...] = ()
    experiment: str | None = None
    lifecycle: str = "active"
    limit: int = 100
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class RunColumns:
    """The keys that runs of this workspace have used, each kind with the most used first.

    Args:
        metrics: Metric keys.
        params: Parameter keys.
        tags: Tag keys.
    """

    metrics: tuple[str, ...]
    params: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """The values of one metric in one stretch of steps or time.

    Args:
        x: The stretch's first step, or time in milliseconds since the epoch.
        low: The smallest value; NaN when every value is.
        high: The greatest value; NaN when every value is.
        first: The value logged at the stretch's first step.
        last: The value logged at its last step.
        count: Points in the stretch.
    """

    x: int
    low: float
    high: float
    first: float
    last: float
    count: int


@dataclass(frozen=True, slots=True)
class History:
    """One metric of a run, reduced for a chart.

    Args:
        key: The metric.
        total: Points logged in the asked range.
        points: The stretches that hold any, in order.
        exact: True when every point stands for itself.
    """

    key: str
    total: int
    points: tuple[HistoryPoint, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class ParamRow:
    """One parameter over several runs.

    Args:
        key: The parameter.
        values: Its value in each run, in the runs' order; `None` where missing.
        differs: Whether not all are the same.
    """

    key: str
    values: tuple[str | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric over several runs.

    Args:
        key: The metric.
        values: Its latest value in each run, in the runs' order; `None` where missing.
        deltas: Each value minus the baseline's; `None` where either is missing.
        differs: Whether not all are the same.
    """

    key: str
    values: tuple[float | None, ...]
    deltas: tuple[float | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs side by side.

    Args:
        runs: The runs, in the order asked for.
        baseline: Index in `runs` of the one that deltas are against.
        params: Parameters, those that differ first.
        metrics: Metrics, those that differ first.
    """

    runs: tuple[Run, ...]
    baseline: int
    params: tuple[ParamRow, ...]
    metrics: tuple[MetricRow, ...]


@dataclass(frozen=True, slots=True)
class RunImport:
    """A finished run from elsewhere, to be stored as it is.

    Args:
        experiment: The experiment's name; made when missing.
        name: The run's name.
        run_id: Its public id, 32 hex digits; a new one when `None`.
        status: How it ended.
        start_ms: When it began, in milliseconds since the epoch.
        end_ms: When it ended, if it has.
        user: Who ran it; the importing actor when empty.
        params: Its parameters.
        metrics: Every point, in any order.
        tags: Its tags.
        note: Free text.
    """

    experiment: str
    name: str
    start_ms: int
    run_id: str | None = None
    status: RunStatus = RunStatus.FINISHED
    end_ms: int | None = None
    user: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[MetricPoint] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
