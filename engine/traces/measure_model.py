"""Measures over many traces: how many, how long, how many tokens, over time and by what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.core.query import Filter


class Subject(Enum):
    """What is measured."""

    TRACES = "traces"
    SPANS = "spans"
    ASSESSMENTS = "assessments"


class Quantity(Enum):
    """What of it is measured: one for each when counting, the latency in milliseconds, tokens, or a numeric value."""

    COUNT = "count"
    SESSIONS = "sessions"
    LATENCY_MS = "latency_ms"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    TOTAL_TOKENS = "total_tokens"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class MeasureQuery:
    """What to measure.

    Args:
        subject: Traces, spans or assessments.
        quantity: What of them; not every subject has every quantity.
        by: Told apart by these of `name`, `state`, `kind`, `status` and `value` that the subject has.
        percentiles: Percentiles to tell, from 0 to 100, interpolated linearly.
        filter: Only of traces that pass, in the filter language over `TRACES`, or parsed. For spans, conditions on
            spans are those of the measured span.
        assessment: Only assessments of this name.
        experiment_ids: Integer keys of the experiments to look in; `None` looks in all.
        start_ms: Not before this time, in milliseconds since the epoch.
        end_ms: Not after this time.
        interval_ms: Told apart by pieces of time of this length; `None` takes all time together.
        limit: At most so many measures, the earliest first.
    """

    subject: Subject = Subject.TRACES
    quantity: Quantity = Quantity.COUNT
    by: tuple[str, ...] = ()
    percentiles: tuple[float, ...] = ()
    filter: str | Filter = ""
    assessment: str | None = None
    experiment_ids: tuple[int, ...] | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    interval_ms: int | None = None
    limit: int = 1_000


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Args:
        start_ms: Where its piece of time begins; `None` when all time was taken together.
        group: What it is of, by the names asked for.
        count: How many were measured.
        total: Their sum.
        least: The smallest.
        greatest: The greatest.
        percentiles: By percentile.
    """

    start_ms: int | None
    group: Mapping[str, str]
    count: int
    total: float
    least: float
    greatest: float
    percentiles: Mapping[float, float]

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return self.total / self.count
