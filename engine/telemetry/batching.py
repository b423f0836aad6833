"""What waits to be written into the spool: predictions cut into frames, sums, and counts that lose nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.telemetry.frames import Frame, SentCount, SpooledPrediction, encoder, json_encoder
from engine.telemetry.histogram import BUCKETS, merged
from engine.telemetry.model import CaptureCount, WindowDelta

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.telemetry.model import CapturedPrediction, Origin, Source

FRAME_BYTES = 256 << 10
"""About how much of predictions one frame holds."""

MAX_RECORD_BYTES = 4 << 20
"""Inputs and outputs of one request together; of longer ones nothing is kept."""

MAX_WINDOWS = 5_000
"""Sums that wait second by second at most; beyond, those of one hour are added together."""

_COARSE_S = 3600

_Key = tuple[int, int, int, str, int]


class Sink(Protocol):
    """Where frames go."""

    def has_room(self) -> bool:
        """Whether predictions may still be written."""
        ...

    def write(self, body: bytes) -> None:
        """Write one frame, whole.

        Raises:
            OSError: nothing of it was written.
        """
        ...


@dataclass(slots=True)
class Batch:
    """What was handed over between two flushes.

    Args:
        predictions: Predictions.
        windows: Sums.
    """

    predictions: list[CapturedPrediction] = field(default_factory=list)
    windows: list[WindowDelta] = field(default_factory=list)


class Pending:
    """What was taken from the callers and is not written yet. Used by the flushing thread alone."""

    def __init__(self) -> None:
        self._predictions: deque[CapturedPrediction] = deque()
        self._windows: dict[_Key, WindowDelta] = {}
        self._dropped: dict[Source, int] = {}
        self._told: dict[Source, tuple[int, int]] = {}
        self._encode = encoder()
        self._json = json_encoder()

    def take(self, batch: Batch, dropped: Mapping[Source, int]) -> None:
        """Take over what was handed in, and how many were not taken by deployment."""
        self._predictions.extend(batch.predictions)
        for delta in batch.windows:
            self._keep(delta)
        for source, count in dropped.items():
            self._drop(source, count)

    def counts(self) -> tuple[CaptureCount, ...]:
        """What was written so far, by deployment."""
        told = sorted(self._told.items())
        return tuple(CaptureCount(*source, sent, sent - dropped, dropped) for source, (sent, dropped) in told)

    def write(self, sink: Sink) -> bool:
        """Write everything, or drop and count the predictions; sums and counts wait until they can be written.

        Args:
            sink: Where to.

        Returns:
            Whether the file system let us.

        Raises:
            Exception: something else did not; the predictions are given up then, too.
        """
        while self._predictions or self._windows or self._dropped:
            if not sink.has_room():
                self._give_up(self._predictions)
            frame = self._next_frame()
            try:
                sink.write(self._encode(frame))
            except Exception as error:
                self._give_up(frame.predictions, frame.origins)
                self._give_up(self._predictions)
                if isinstance(error, OSError):
                    return False
                raise
            self._tell(frame.counts)
        return True

    def _next_frame(self) -> Frame:
        """Cut off about `FRAME_BYTES` of predictions; all sums and drops go with the first."""
        origins: dict[Origin, int] = {}
        records: list[SpooledPrediction] = []
        size = 0
        while self._predictions and size < FRAME_BYTES:
            each = self._predictions.popleft()
            try:
                record = self._spooled(each, origins)
            except (
                ValueError,
                TypeError,
                OverflowError,
                RecursionError,
            ):  # not the endpoint's fault that it is not kept
                self._drop(each.origin[:2], 1)
                continue
            records.append(record)
            size += len(record.inputs) + len(record.outputs)
        places = list(origins)
        sent = dict(self._dropped)
        for record in records:
            source = places[record.origin][:2]
            sent[source] = sent.get(source, 0) + 1
        counts = [SentCount(*source, count, self._dropped.get(source, 0)) for source, count in sent.items()]
        return Frame(places, records, list(self._windows.values()), counts)

    def _spooled(self, each: CapturedPrediction, origins: dict[Origin, int]) -> SpooledPrediction:
        each.request_id.encode()  # a lone surrogate is refused here, before it spoils a whole frame
        numbers = _whole(each.time_ms), _whole(each.latency_us), _whole(each.status)
        inputs, outputs = self._json(each.inputs), self._json(each.outputs)
        if len(inputs) + len(outputs) > MAX_RECORD_BYTES:
            raise ValueError
        place = origins.setdefault(each.origin, len(origins))
        return SpooledPrediction(place, each.request_id, *numbers, inputs, outputs)

    def _tell(self, counts: Iterable[SentCount]) -> None:
        self._windows.clear()
        self._dropped.clear()
        for endpoint, deployment, sent, dropped in counts:
            before = self._told.get((endpoint, deployment), (0, 0))
            self._told[endpoint, deployment] = before[0] + sent, before[1] + dropped

    def _give_up(
        self, records: deque[CapturedPrediction] | list[SpooledPrediction], origins: Sequence[Origin] = ()
    ) -> None:
        for each in records:
            origin = each.origin if isinstance(each.origin, tuple) else origins[each.origin]
            self._drop(origin[:2], 1)
        records.clear()

    def _drop(self, source: Source, count: int) -> None:
        self._dropped[source] = self._dropped.get(source, 0) + count

    def _keep(self, delta: WindowDelta) -> None:
        try:
            delta = _checked(delta)
        except (ValueError, TypeError, OverflowError, AttributeError):
            return  # sums that are no numbers; the reporter's mistake must not end the reports of others
        key: _Key = delta[:5]
        if key not in self._windows and len(self._windows) >= MAX_WINDOWS:
            # Nobody could write for an hour: which second it was matters less than that all are counted.
            key = (*key[:4], key[4] - key[4] % _COARSE_S)
            delta = delta._replace(second=key[4])
        before = self._windows.get(key)
        self._windows[key] = delta if before is None else sum_of(before, delta)


def sum_of(one: WindowDelta, other: WindowDelta) -> WindowDelta:
    """Two reports as one, under the first one's key."""
    return one._replace(
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        latency=merged((one.latency, other.latency)),
        latency_us=one.latency_us + other.latency_us,
        refused=one.refused + other.refused,
        unmirrored=one.unmirrored + other.unmirrored,
        compared=one.compared + other.compared,
        agreed=one.agreed + other.agreed,
        delta=one.delta + other.delta,
        delta_squares=one.delta_squares + other.delta_squares,
    )


def _checked(delta: WindowDelta) -> WindowDelta:
    """The report with whole numbers where they belong."""
    return WindowDelta(
        endpoint=_whole(delta.endpoint),
        deployment=_whole(delta.deployment),
        generation=_whole(delta.generation),
        share=str(delta.share),
        second=_whole(delta.second),
        requests=_whole(delta.requests),
        errors=_whole(delta.errors),
        latency={bucket: _whole(count) for bucket, count in delta.latency.items() if 0 <= bucket < BUCKETS and count},
        latency_us=_whole(delta.latency_us),
        refused=_whole(delta.refused),
        unmirrored=_whole(delta.unmirrored),
        compared=_whole(delta.compared),
        agreed=_whole(delta.agreed),
        delta=float(delta.delta),
        delta_squares=float(delta.delta_squares),
    )


def _whole(value: float) -> int:
    number = int(value)
    if not -(2**62) < number < 2**62:
        raise OverflowError
    return number
