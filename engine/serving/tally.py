"""What one deployment has answered since it was last asked: additions on the event loop, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.telemetry.histogram import bucket_of
from engine.telemetry.model import WindowDelta

if TYPE_CHECKING:
    from engine.telemetry.histogram import LatencyCounts
    from engine.telemetry.model import Origin


class Tally:
    """Counts for one deployment of one generation.

    Args:
        origin: Whose requests these are.

    Attributes:
        requests: Requests answered.
        errors: Of those, how many with a status of 500 or more, or through the version's fault.
        refused: How many with a status from 400 to 499.
        unmirrored: Copies that a shadow did not get.
        compared: Rows whose answer was compared with the live one's.
        agreed: Of those, how many had the same label.
        delta: The sum of the absolute differences of their scores.
        delta_squares: The sum of the squares of those.
    """

    __slots__ = (
        "agreed",
        "compared",
        "delta",
        "delta_squares",
        "errors",
        "latency",
        "latency_us",
        "origin",
        "refused",
        "requests",
        "unmirrored",
    )

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._clear()

    def _clear(self) -> None:
        self.requests = self.errors = self.refused = 0
        self.unmirrored = self.compared = self.agreed = self.latency_us = 0
        self.delta = self.delta_squares = 0.0
        self.latency: LatencyCounts = {}

    def add(self, latency_us: float, status: int, *, fault: bool = False) -> None:
        """Count an answer.

        Args:
            latency_us: How long it took, in microseconds.
            status: Its HTTP status.
            fault: Whether the version is to blame, whatever the status says.
        """
        self.requests += 1
        self.latency_us += int(latency_us)
        bucket = bucket_of(latency_us)
        latency = self.latency
        latency[bucket] = latency.get(bucket, 0) + 1
        if status >= 400:
            if status >= 500 or fault:
                self.errors += 1
            else:
                self.refused += 1

    def add_shared(self, requests: int, latency_us: float, failed: int) -> None:
        """Count the answers of one call that several requests shared.

        Args:
            requests: How many; at least one.
            latency_us: How long each took, in microseconds.
            failed: Of them, how many were not answered.
        """
        self.requests += requests
        self.errors += failed
        self.latency_us += int(latency_us) * requests
        bucket = bucket_of(latency_us)
        self.latency[bucket] = self.latency.get(bucket, 0) + requests

    def take(self, second: int) -> WindowDelta | None:
        """What was counted since the last time; `None` when it was nothing.

        Args:
            second: When, in whole seconds since the epoch.
        """
        if not (self.requests or self.unmirrored or self.compared):
            return None
        endpoint, deployment, generation, share = self.origin[:4]
        delta = WindowDelta(
            endpoint,
            deployment,
            generation,
            share,
            second,
            self.requests,
            self.errors,
            self.latency,
            self.latency_us,
            self.refused,
            self.unmirrored,
            self.compared,
            self.agreed,
            self.delta,
            self.delta_squares,
        )
        self._clear()
        return delta
