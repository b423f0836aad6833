"""What endpoints were asked and answered: what data planes report, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.core.frozen import frozen
from engine.telemetry.histogram import percentile_us

STEPS_S = (1, 60, 3600)
"""The lengths of the windows that are kept, in seconds."""

SECONDS_KEPT_S = 2 * 3600
"""How long windows of a second are kept, in seconds."""

MINUTES_KEPT_S = 30 * 24 * 3600
"""How long windows of a minute are kept, in seconds; those of an hour are kept for ever."""

Source = tuple[int, int]
"""An endpoint's row id and a deployment's number."""


class Origin(NamedTuple):
    """What many captured predictions have in common; a data plane makes one per routed deployment and table.

    Args:
        endpoint: The endpoint's row id.
        deployment: The deployment's number.
        generation: The generation that routed the requests.
        share: What the deployment got: `live`, `canary`, `shadow` or `standby`.
        model: The model's name.
        version: The version's number.
        columns: Names of the values of a row, in their order.
    """

    endpoint: int
    deployment: int
    generation: int
    share: str
    model: str
    version: int
    columns: tuple[str, ...] = ()


class CapturedPrediction(NamedTuple):
    """A sampled request and its answer, as a data plane reports it.

    Args:
        origin: Who answered; the same object for all requests of one table.
        request_id: The request's id, as in its answer's header.
        time_ms: When it arrived, in milliseconds since the epoch.
        latency_us: How long the answer took, in microseconds.
        status: HTTP status of the answer.
        inputs: The rows, each a list of values in the order of `origin.columns`: as JSON text, or as what can be
            written as JSON (numpy arrays too), which is then done off the caller's thread.
        outputs: The answer's values by output name, in the same way.
    """

    origin: Origin
    request_id: str
    time_ms: int
    latency_us: int
    status: int
    inputs: object
    outputs: object = b"{}"


class WindowDelta(NamedTuple):
    """What one deployment answered since the last report, within one second.

    Args:
        endpoint: The endpoint's row id.
        deployment: The deployment's number.
        generation: The generation that routed the requests.
        share: What the deployment got: `live`, `canary`, `shadow` or `standby`.
        second: When, in whole seconds since the epoch.
        requests: Requests answered.
        errors: Of those, how many with a status of 500 or more.
        latency: Requests by bucket of their latency; see `engine.telemetry.histogram.bucket_of`.
        latency_us: The sum of their latencies, in microseconds.
        refused: Of the requests, how many with a status from 400 to 499: the caller's mistakes.
        unmirrored: Copies that a shadow should have got and did not, because it was busy.
        compared: Rows whose answer was compared with the live one's.
        agreed: Of those, how many had the same label.
        delta: The sum of the absolute differences of the scores of those compared.
        delta_squares: The sum of their squares.
    """

    endpoint: int
    deployment: int
    generation: int
    share: str
    second: int
    requests: int = 0
    errors: int = 0
    latency: Mapping[int, int] = {}
    latency_us: int = 0
    refused: int = 0
    unmirrored: int = 0
    compared: int = 0
    agreed: int = 0
    delta: float = 0.0
    delta_squares: float = 0.0


@frozen
class CaptureCount:
    """What became of the requests that were sampled for capture; `sent == stored + dropped`, exactly.

    Args:
        endpoint: The endpoint's row id.
        deployment: The deployment's number.
        sent: Handed to the spool.
        stored: Kept in the telemetry database, from where they go when they are old.
        dropped: Given up: too many at once, no space, or nobody stored them for too long.
    """

    endpoint: int
    deployment: int
    sent: int
    stored: int
    dropped: int


@frozen
class Totals:
    """Sums over windows.

    Args:
        requests: Requests answered.
        errors: Of those, how many with a status of 500 or more.
        refused: How many with a status from 400 to 499.
        latency: Requests by bucket of their latency.
        latency_us: The sum of their latencies, in microseconds.
        unmirrored: Copies that a shadow should have got and did not.
        compared: Rows whose answer was compared with the live one's.
        agreed: Of those, how many had the same label.
        delta: The sum of the absolute differences of their scores.
        delta_squares: The sum of the squares of those.
    """

    requests: int
    errors: int
    refused: int
    latency: Mapping[int, int]
    latency_us: int
    unmirrored: int
    compared: int
    agreed: int
    delta: float
    delta_squares: float

    @property
    def error_rate(self) -> float:
        """Errors per request, from 0 to 1; 0 when there was no request."""
        return self.errors / self.requests if self.requests else 0.0

    def percentile_ms(self, share: float) -> float | None:
        """A percentile of the latency, within 5 %; `None` when there was no request.

        Args:
            share: In [0, 100].

        Returns:
            In milliseconds.
        """
        found = percentile_us(self.latency, share)
        return None if found is None else found / 1000


NOTHING = Totals(0, 0, 0, {}, 0, 0, 0, 0, 0.0, 0.0)
"""The totals of no window."""


@frozen
class Traffic:
    """How one deployment does of late.

    Args:
        endpoint: The endpoint's row id.
        deployment: The deployment's number.
        share: What it got.
        generation: The newest generation that answered.
        seconds: The length of what was looked at.
        rps: Requests a second, on average over it.
        last_rps: Requests in the last whole second.
        last_ms: When it last answered, in milliseconds since the epoch, to the second.
        error_rate: Errors per request, from 0 to 1.
        p50_ms: Median latency, in milliseconds, within 5 %; `None` when there was no request.
        p95_ms: The 95th percentile.
        p99_ms: The 99th percentile.
        totals: All sums.
    """

    endpoint: int
    deployment: int
    share: str
    generation: int
    seconds: int
    rps: float
    last_rps: int
    last_ms: int
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    totals: Totals


@frozen
class Window:
    """One deployment in one step of time.

    Args:
        start_ms: When the step begins, in milliseconds since the epoch.
        deployment: The deployment's number.
        share: What it got.
        totals: All sums.
    """

    start_ms: int
    deployment: int
    share: str
    totals: Totals


@frozen
class Label:
    """What turned out to be true of a prediction, as somebody says later.

    Args:
        request_id: The request's id.
        value: The truth: a text, a number or a boolean.
        time_ms: When it became known, in milliseconds since the epoch; `None` when they do not say.
    """

    request_id: str
    value: str | float | bool
    time_ms: int | None = None


@frozen
class StoredLabel:
    """A label as it is kept.

    Args:
        value: The truth.
        time_ms: When it became known: as they said, else when it came; in milliseconds since the epoch.
        received_ms: When it came, in milliseconds since the epoch.
        source: Who or what brought it.
    """

    value: str | float | bool
    time_ms: int
    received_ms: int
    source: str


@frozen
class LabelReport:
    """What became of labels that were given.

    Args:
        given: How many rows there were.
        stored: How many were new.
        repeated: How many were known already, and changed nothing.
        waiting: Of the new ones, how many name a request that was not captured, or not yet.
    """

    given: int
    stored: int
    repeated: int
    waiting: int


@frozen
class Prediction:
    """A captured request and its answer.

    Args:
        id: Its number; greater ones were stored later.
        request_id: The request's id.
        endpoint: The endpoint's row id.
        deployment: The deployment's number.
        generation: The generation that routed it.
        share: What the deployment got.
        model: The model's name.
        version: The version's number.
        time_ms: When it arrived, in milliseconds since the epoch.
        latency_ms: How long the answer took, in milliseconds.
        status: HTTP status of the answer.
        inputs: One mapping of names to values for each row.
        outputs: The answer's values by output name, as JSON values.
        labels: What was said of it later, the newest last; empty in lists.
    """

    id: int
    request_id: str
    endpoint: int
    deployment: int
    generation: int
    share: str
    model: str
    version: int
    time_ms: int
    latency_ms: float
    status: int
    inputs: tuple[Mapping[str, object], ...]
    outputs: object
    labels: tuple[StoredLabel, ...] = ()

    @property
    def key(self) -> str:
        """The version's public name, such as `churn/7`."""
        return f"{self.model}/{self.version}"


@frozen
class PredictionQuery:
    """Which captured predictions to list, the newest first.

    Args:
        endpoint: The endpoint's row id, or its name.
        version: Of the version that answered; `None` for whichever.
        share: What the deployment that answered got, such as `canary`; `None` for whatever.
        status: The HTTP status of the answer; `None` for whatever.
        failed: Only those with a status of 500 or more, or only the others; `None` for both.
        since_ms: From when, in milliseconds since the epoch.
        limit: How many at most, in [1, 1000].
        page_token: Of the page before.
    """

    endpoint: int | str
    version: int | None = None
    share: str | None = None
    status: int | None = None
    failed: bool | None = None
    since_ms: int = 0
    limit: int = 50
    page_token: str = ""


@frozen
class WriterStatus:
    """How the capture writer of a workspace does, in its own words.

    Args:
        alive: Whether it lives.
        pid: Its process number; 0 when there is none.
        started_ms: When it began, in milliseconds since the epoch; `None` when there never was one.
        stored: Predictions it has stored since.
        waiting_bytes: Bytes of the spool that it has not stored yet.
        problem: Why it cannot store at the moment, as a sentence; empty when it can.
        time_ms: When it said so, in milliseconds since the epoch; `None` when it never has.
    """

    alive: bool
    pid: int = 0
    started_ms: int | None = None
    stored: int = 0
    waiting_bytes: int = 0
    problem: str = ""
    time_ms: int | None = None


@frozen
class TelemetryStats:
    """What is kept, in numbers.

    Args:
        size_bytes: Of the database; 0 when there is none yet.
        spool_bytes: Of what waits to be stored.
        predictions: How many are kept.
        oldest_ms: When the oldest of them arrived, in milliseconds since the epoch; `None` when there is none.
        labels: How many labels are kept.
        waiting_labels: Of those, how many name a request that was not captured, or not yet.
        counts: What became of the sampled requests, by endpoint and deployment.
        writer: How the capture writer does.
    """

    size_bytes: int
    spool_bytes: int
    predictions: int
    oldest_ms: int | None
    labels: int
    waiting_labels: int
    counts: tuple[CaptureCount, ...]
    writer: WriterStatus
