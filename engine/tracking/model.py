"""What tracking knows: experiments, runs, what they log, and the results of asking about them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.artifacts.model import Artifact
    from engine.core.query import Filter, OrderBy
    from engine.tracking.detail_model import (
        Comparison,
        DatasetInput,
        Environment,
        Experiment,
        ExperimentImport,
        ExperimentQuery,
        ExperimentRecord,
        History,
        HistoryPoint,
        MetricRow,
        ModelUse,
        ParamRow,
        RunColumns,
        RunDetail,
        RunImport,
        RunLinks,
        RunRecord,
        RunReport,
        RunStart,
    )

__all__ = [
    "DEFAULT_EXPERIMENT",
    "DEFAULT_EXPERIMENT_ID",
    "LOST",
    "LOST_AFTER_MS",
    "Artifact",
    "Comparison",
    "DatasetInput",
    "Environment",
    "Experiment",
    "ExperimentImport",
    "ExperimentQuery",
    "ExperimentRecord",
    "History",
    "HistoryPoint",
    "MetricPoint",
    "MetricRow",
    "ModelUse",
    "ParamRow",
    "Run",
    "RunColumns",
    "RunDetail",
    "RunImport",
    "RunLinks",
    "RunQuery",
    "RunRecord",
    "RunReport",
    "RunStart",
    "RunStatus",
]


MetricPoint: TypeAlias = "tuple[str, float, int, int]"
"""One logged value: key, value, step, time in milliseconds since the epoch. A plain tuple: they come by the million."""

DEFAULT_EXPERIMENT = "Default"
"""The experiment of runs that name none; its integer key is `DEFAULT_EXPERIMENT_ID`."""

DEFAULT_EXPERIMENT_ID = 0

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


@frozen
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


@frozen
class RunQuery:
    """Which runs, in which order.

    Args:
        filter: In the filter language, such as `metrics.auc > 0.9 AND params.model = 'tree'`, or parsed; empty for all.
        order_by: Sort keys such as `metrics.auc DESC`, or parsed; newest first without any.
        experiment: Only runs of the experiment of this name.
        experiment_ids: Only runs of the experiments of these integer keys; unknown ones hold no runs.
        lifecycle: `active`, `deleted` or `all`.
        limit: Runs per page, 1 to 50,000.
        page_token: Continues an earlier page of the same query.
        find: What else must hold, as people type it: `cfg.lr>=1e-3 -note:debug churn`; see `engine.core.query.quick`.
    """

    filter: str | Filter = ""
    order_by: tuple[str, ...] | tuple[OrderBy, ...] = ()
    experiment: str | None = None
    experiment_ids: tuple[int, ...] | None = None
    lifecycle: str = "active"
    limit: int = 100
    page_token: str | None = None
    find: str = ""


def __getattr__(name: str) -> object:
    # A dozen dataclasses cost 8 ms to define, a tenth of what listing runs may take.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from engine.tracking import detail_model

    return getattr(detail_model, name)
