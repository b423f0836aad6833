"""What belongs to runs, and the results of asking about them: all that a list of runs does without.

Import these names from `engine.tracking.model`, which loads this module when one of them is first used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from engine.artifacts.model import Artifact as Artifact  # noqa: PLC0414 given on to those who ask tracking
from engine.core.frozen import frozen
from engine.tracking.model import Run, RunStatus

if TYPE_CHECKING:
    from engine.tracking.logged_model_model import ModelMetric
    from engine.tracking.model import MetricPoint


@frozen
class ExperimentRecord:
    """A named group of runs, as programs read it back.

    Args:
        id: Its integer key.
        name: Its unique name.
        lifecycle: `active` or `deleted`.
        tags: Its tags.
        created_ms: When it was made, in milliseconds since the epoch.
        updated_ms: When it was last changed, in milliseconds since the epoch.
    """

    id: int
    name: str
    lifecycle: str
    tags: Mapping[str, str]
    created_ms: int
    updated_ms: int


@frozen
class Experiment(ExperimentRecord):
    """A named group of runs, as people look at it.

    Args:
        run_count: Its runs that are not deleted.
    """

    run_count: int


@frozen
class DatasetInput:
    """Data that a run read.

    Args:
        name: What it is called, such as `car_loan`.
        digest: What identifies its content, as computed by whoever logged it.
        schema: Its columns and types, as text (JSON where there is a choice); may be empty.
        rows: How many rows; `None` when unknown.
        context: What it was used for, such as `training`; may be empty.
        source_type: What kind of place it came from, such as `local` or `http`; may be empty.
        source: Where it came from, as text in the words of that kind; may be empty.
        profile: What describes it, as text (JSON where there is a choice); may be empty.
        tags: Further tags of this use.
    """

    name: str
    digest: str
    schema: str = ""
    rows: int | None = None
    context: str = ""
    source_type: str = ""
    source: str = ""
    profile: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@frozen
class ModelUse:
    """A logged model that a run made or read.

    Args:
        model_id: The model's public id; it need not be here.
        step: The step of the run at which it was made.
    """

    model_id: str
    step: int = 0


@frozen
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


@frozen
class RunDetail(Run):
    """A run with everything that belongs to it.

    Args:
        inputs: The data it read.
        environment: Where it executed; `None` when that was not captured.
        artifacts: Every file it left behind, by path.
        children: The ids of the runs that belong to it, oldest first.
        models_read: The logged models it read.
        models_made: The logged models it made.
    """

    inputs: tuple[DatasetInput, ...] = ()
    environment: Environment | None = None
    artifacts: tuple[Artifact, ...] = ()
    children: tuple[str, ...] = ()
    models_read: tuple[ModelUse, ...] = ()
    models_made: tuple[ModelUse, ...] = ()


@frozen
class RunRecord:
    """A run as programs read it back: with the step and time of its latest values, and what it read and made.

    Args:
        run: The run.
        latest: The latest point of each metric, by key.
        inputs: The data it read.
        models_read: The logged models it read.
        models_made: The logged models it made.
    """

    run: Run
    latest: tuple[MetricPoint, ...]
    inputs: tuple[DatasetInput, ...]
    models_read: tuple[ModelUse, ...]
    models_made: tuple[ModelUse, ...]


@frozen
class RunStart:
    """A run to be started.

    Args:
        experiment: Its experiment's name, made when missing, or its integer key, which must be there.
        name: Its display name; `run-` and eight digits of its id when empty.
        params: First parameters.
        tags: First tags.
        note: Free text about it.
        parent_run_id: The run it belongs to: its id, or an unambiguous beginning of it.
        user: Who runs it; the actor when empty.
        start_ms: When it began, in milliseconds since the epoch; now when `None`.
        status: `running`, or `scheduled` for one that waits.
        watched: Whether its process gives signs of life from now on.
        environment: Where it executes, as far as that is known.
    """

    experiment: str | int
    name: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    parent_run_id: str | None = None
    user: str = ""
    start_ms: int | None = None
    status: RunStatus = RunStatus.RUNNING
    watched: bool = False
    environment: Environment | None = None


@frozen
class RunReport:
    """What a program says of its run in one breath; `None` leaves a thing as it is.

    Args:
        metrics: Metric points: (key, value, step, time_ms) tuples.
        params: New parameters; one that is there already must have the same value.
        tags: Tags to set; one whose value is `None` is removed, and must be there.
        name: Its display name.
        note: Free text about it; empty removes it.
        parent_run_id: The whole id of the run it belongs to; empty takes it out.
        status: How it stands.
        end_ms: When it ended, in milliseconds since the epoch.
        measured: What it measured of logged models; `metrics` holds these points too, where they are the run's own.
    """

    metrics: Sequence[MetricPoint] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)
    name: str | None = None
    note: str | None = None
    parent_run_id: str | None = None
    status: RunStatus | None = None
    end_ms: int | None = None
    measured: Sequence[ModelMetric] = ()


@frozen
class RunLinks:
    """What a run read and made, to be noted.

    Args:
        inputs: Data it read.
        models_read: Logged models it read.
        models_made: Logged models it made.
    """

    inputs: Sequence[DatasetInput] = ()
    models_read: Sequence[ModelUse] = ()
    models_made: Sequence[ModelUse] = ()


@frozen
class ExperimentQuery:
    """Which experiments, in which order.

    Args:
        filter: In the filter language over `name`, `created`, `updated` and `tags.`; empty for all.
        order_by: Sort keys such as `name DESC`; newest first without any.
        lifecycle: `active`, `deleted` or `all`.
        limit: Experiments per page, 1 to 50,000.
        page_token: Continues an earlier page of the same query.
    """

    filter: str = ""
    order_by: tuple[str, ...] = ()
    lifecycle: str = "active"
    limit: int = 100
    page_token: str | None = None


@frozen
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


@frozen
class HistoryPoint:
    """The values of one metric in one stretch of steps or time.

    Args:
        x: Where the stretch begins: its first step, first time in milliseconds, or what another metric said there.
        low: The smallest value; NaN when every value is.
        high: The greatest value; NaN when every value is.
        first: The value logged at the stretch's first step.
        last: The value logged at its last step.
        count: Points in the stretch.
        mean: The mean of its numbers; NaN when there is none, or infinities of both signs.
    """

    x: float
    low: float
    high: float
    first: float
    last: float
    count: int
    mean: float


@frozen
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


@frozen
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


@frozen
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


@frozen
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


@frozen
class ExperimentImport:
    """An experiment from elsewhere, to be stored as it is.

    Args:
        name: Its unique name.
        created_ms: When it was made, in milliseconds since the epoch.
        updated_ms: When it was last changed, in milliseconds since the epoch.
        tags: Its tags.
        deleted_ms: When it was deleted, if it is; its runs come with their own.
    """

    name: str
    created_ms: int
    updated_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted_ms: int | None = None


@frozen
class RunImport:
    """A run from elsewhere, to be stored as it is.

    Args:
        experiment: The experiment's name; made when missing.
        name: The run's name.
        run_id: Its public id, up to 256 letters, digits, `-` and `_`; a new one when `None`.
        status: How it stands.
        start_ms: When it began, in milliseconds since the epoch.
        end_ms: When it ended, if it has.
        user: Who ran it; the importing actor when empty.
        params: Its parameters.
        metrics: Every point, in any order.
        tags: Its tags.
        note: Free text.
        parent_run_id: The run it belongs to, if any.
        deleted_ms: When it was deleted, if it is.
        inputs: The data it read.
        files: Its artifacts, whose bytes are stored already.
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
    parent_run_id: str | None = None
    deleted_ms: int | None = None
    inputs: Sequence[DatasetInput] = ()
    files: Sequence[Artifact] = ()
