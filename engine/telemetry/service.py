"""Telemetry: what endpoints were asked and answered, and what turned out to be true."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.telemetry import label_store, traffic_store
from engine.telemetry.captured import Captured
from engine.telemetry.labelling import Labelling
from engine.telemetry.lock import writer_status
from engine.telemetry.model import (
    MINUTES_KEPT_S,
    NOTHING,
    SECONDS_KEPT_S,
    STEPS_S,
    TelemetryStats,
    Totals,
    Traffic,
    Window,
)
from engine.telemetry.opening import looking
from engine.telemetry.spool_files import total_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.telemetry.model import CaptureCount
    from engine.telemetry.traffic_store import Found

MAX_WINDOWS = 10_000
"""Most steps of time that one answer holds."""

_MOST_SECONDS = 3600


class Telemetry(Captured, Labelling):
    """Traffic, captured predictions and labels of all endpoints.

    All of it lies in a database of its own, written by the capture writer; as long as there is none, every answer is
    empty. A commit there survives the end of a process, not a power cut.
    """

    _seen = 0

    def live(self, endpoint_id: int | str, *, seconds: int = 10) -> tuple[Traffic, ...]:
        """How the deployments of an endpoint do of late.

        Args:
            endpoint_id: The endpoint's row id, or its name.
            seconds: How long to look back from the second that is not over yet, in [1, 3600].

        Returns:
            One entry for each deployment and share that answered in that time, by them.

        Raises:
            InvalidInput: `seconds` is out of range.
            NotFound: no endpoint has that name.
            QuarterdeckError: the telemetry database cannot be read.
        """
        if not 1 <= seconds <= _MOST_SECONDS:
            raise InvalidInput(f"seconds must be from 1 to {_MOST_SECONDS}.")
        row_id = self._row_id(endpoint_id)
        now_s = self._clock.now_ms() // 1000
        with looking(self._database) as view:
            found = [] if view is None else traffic_store.windows(view, row_id, 1, now_s - seconds, now_s)
        groups: dict[tuple[int, str], list[Found]] = {}
        for row in found:
            groups.setdefault((row[1], row[2]), []).append(row)
        return tuple(_traffic(row_id, group, groups[group], seconds=seconds, now_s=now_s) for group in sorted(groups))

    def series(self, endpoint_id: int | str, since_ms: int, step_s: int = 1) -> tuple[Window, ...]:
        """What the deployments of an endpoint did, step by step.

        Args:
            endpoint_id: The endpoint's row id, or its name.
            since_ms: From when, in milliseconds since the epoch.
            step_s: The length of a step: seconds are kept for two hours, minutes for 30 days, hours for ever; any
                multiple of one of these up to a day.

        Returns:
            One entry for each step, deployment and share with requests, by time.

        Raises:
            InvalidInput: the step is out of range, or there would be too many of them.
            NotFound: no endpoint has that name.
            QuarterdeckError: the telemetry database cannot be read.
        """
        if not 1 <= step_s <= 24 * 3600:
            raise InvalidInput("A step must be from 1 second to 1 day.")
        before_s = self._clock.now_ms() // 1000 + 60
        since_s = max(since_ms // 1000, 0)
        since_s -= since_s % step_s
        if (before_s - since_s) // step_s > MAX_WINDOWS:
            raise InvalidInput(f"These are more than {MAX_WINDOWS} steps.", hint="Take longer steps or a later begin.")
        row_id = self._row_id(endpoint_id)
        kept = max(each for each in STEPS_S if step_s % each == 0)
        rows: dict[tuple[int, int, str], traffic_store.Row] = {}
        with looking(self._database) as view:
            found = [] if view is None else traffic_store.windows(view, row_id, kept, since_s, before_s)
        for start, deployment, share, _, sums in found:
            rows.setdefault((start - start % step_s, deployment, share), traffic_store.Row()).add(sums)
        return tuple(
            Window(start * 1000, deployment, share, rows[start, deployment, share].totals())
            for start, deployment, share in sorted(rows)
        )

    def totals(self, endpoint_id: int | str, deployment_id: int, generation_from: int = 0, since_ms: int = 0) -> Totals:
        """All that a deployment answered since a generation and a time.

        Args:
            endpoint_id: The endpoint's row id, or its name.
            deployment_id: The deployment's number.
            generation_from: The first generation that counts.
            since_ms: From when, in milliseconds since the epoch; exact to the second for two hours, to the minute for
                30 days, to the hour before.

        Returns:
            The sums, the second that is not over yet among them.

        Raises:
            NotFound: no endpoint has that name.
            QuarterdeckError: the telemetry database cannot be read.
        """
        now_s = self._clock.now_ms() // 1000
        since_s = max(since_ms // 1000, 0)
        step_s = _kept_step(now_s - since_s)
        row_id = self._row_id(endpoint_id)
        with looking(self._database) as view:
            if view is None:
                return NOTHING
            found = traffic_store.windows(view, row_id, step_s, since_s - since_s % step_s, 2**62)
        return _sum(row for row in found if row[1] == deployment_id and row[3] >= generation_from)

    def counts(self, endpoint_id: int | str | None = None) -> tuple[CaptureCount, ...]:
        """What became of the requests sampled for capture; `sent == stored + dropped`, exactly.

        Args:
            endpoint_id: The endpoint's row id, or its name; `None` for all.

        Returns:
            One entry a deployment.

        Raises:
            NotFound: no endpoint has that name.
            QuarterdeckError: the telemetry database cannot be read.
        """
        row_id = None if endpoint_id is None else self._row_id(endpoint_id)
        with looking(self._database) as view:
            return () if view is None else traffic_store.capture_counts(view, row_id)

    def stats(self) -> TelemetryStats:
        """What is kept, in numbers, and how the capture writer does.

        Raises:
            QuarterdeckError: the telemetry database cannot be read.
        """
        path = self._workspace.telemetry_db
        with looking(self._database) as view:
            predictions, oldest_ms, labels = (0, None, 0) if view is None else label_store.how_many(view)
            waiting = 0 if view is None else label_store.waiting(view)
            counts = () if view is None else traffic_store.capture_counts(view, None)
        return TelemetryStats(
            size_bytes=sum(_size(path.with_name(path.name + ending)) for ending in ("", "-wal")),
            spool_bytes=total_bytes(self._workspace.spool),
            predictions=predictions,
            oldest_ms=oldest_ms,
            labels=labels,
            waiting_labels=waiting,
            counts=counts,
            writer=writer_status(self._workspace),
        )

    def changed(self) -> bool:
        """Whether anything was written since this was last asked of this service; microseconds when nothing was.

        There is one who asks: whoever watches for all the screens of a console. The first time, it has changed if there
        is a telemetry database at all.

        Raises:
            QuarterdeckError: the telemetry database cannot be read.
        """
        before, self._seen = self._seen, self._database.version()
        return self._seen != before


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _kept_step(age_s: int) -> int:
    """The shortest windows that are still kept after so long."""
    if age_s < SECONDS_KEPT_S - 60:
        return 1
    return 60 if age_s < MINUTES_KEPT_S - 3600 else 3600


def _sum(rows: Iterable[Found]) -> Totals:
    total = traffic_store.Row()
    for row in rows:
        total.add(row[4])
    return total.totals()


def _traffic(endpoint: int, group: tuple[int, str], rows: list[Found], *, seconds: int, now_s: int) -> Traffic:
    totals = _sum(rows)
    last_s = max(row[0] for row in rows)
    last = _sum(row for row in rows if row[0] == now_s - 1)
    return Traffic(
        endpoint=endpoint,
        deployment=group[0],
        share=group[1],
        generation=max(row[3] for row in rows),
        seconds=seconds,
        rps=totals.requests / seconds,
        last_rps=last.requests,
        last_ms=last_s * 1000,
        error_rate=totals.error_rate,
        p50_ms=totals.percentile_ms(50),
        p95_ms=totals.percentile_ms(95),
        p99_ms=totals.percentile_ms(99),
        totals=totals,
    )
