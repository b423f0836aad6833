"""Runs side by side: pure rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.keys import is_system
from engine.tracking.model import Comparison, MetricRow, ParamRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.tracking.model import Run


def compared(runs: Sequence[Run], baseline: int) -> Comparison:
    """Put runs side by side.

    Args:
        runs: At least one run, with all their parameters and metrics.
        baseline: Index of the run that deltas are against.

    Returns:
        The comparison: rows that differ first, each group by key; metrics of the machines last.
    """
    param_keys = sorted({key for run in runs for key in run.params})
    metric_keys = sorted({key for run in runs for key in run.metrics})
    params = [_param_row(key, [run.params.get(key) for run in runs]) for key in param_keys]
    metrics = [_metric_row(key, [run.metrics.get(key) for run in runs], baseline) for key in metric_keys]
    return Comparison(
        runs=tuple(runs),
        baseline=baseline,
        params=tuple(sorted(params, key=lambda row: not row.differs)),
        metrics=tuple(sorted(metrics, key=lambda row: (is_system(row.key), not row.differs))),
    )


def _param_row(key: str, values: Sequence[str | None]) -> ParamRow:
    return ParamRow(key, tuple(values), differs=len(set(values)) > 1)


def _metric_row(key: str, values: Sequence[float | None], baseline: int) -> MetricRow:
    base = values[baseline]
    deltas = tuple(None if value is None or base is None else value - base for value in values)
    # By text, so that NaN equals NaN: two runs that both diverged do not differ.
    return MetricRow(key, tuple(values), deltas, differs=len(set(map(repr, values))) > 1)
