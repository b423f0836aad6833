"""SQL of reading windows and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.telemetry.histogram import add
from engine.telemetry.model import CaptureCount, Totals
from engine.telemetry.store import unpack_latency

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot

_SUMS = "requests, errors, refused, latency, latency_us, unmirrored, compared, agreed, delta, delta_squares"


class Row:
    """The sums of windows while they are added up.

    Attributes:
        requests: Requests answered.
    """

    __slots__ = ("_latency", "_sums", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self._latency: dict[int, int] = {}
        self._sums: list[float] = [0] * 8

    def add(self, values: tuple[object, ...]) -> None:
        """Add the sums of one window, in the order of the table's columns."""
        requests, errors, refused, latency, *rest = values
        self.requests += requests  # type: ignore[operator] # columns declared INTEGER and NOT NULL
        add(self._latency, unpack_latency(latency))  # type: ignore[arg-type] # same, BLOB
        self._sums = [a + b for a, b in zip(self._sums, (errors, refused, *rest), strict=True)]  # type: ignore[operator]

    def totals(self) -> Totals:
        """What was added up."""
        errors, refused, latency_us, unmirrored, compared, agreed, delta, delta_squares = self._sums
        return Totals(
            requests=self.requests,
            errors=int(errors),
            refused=int(refused),
            latency=self._latency,
            latency_us=int(latency_us),
            unmirrored=int(unmirrored),
            compared=int(compared),
            agreed=int(agreed),
            delta=delta,
            delta_squares=delta_squares,
        )


Found = tuple[int, int, str, int, tuple[object, ...]]
"""When its window begins in seconds since the epoch, deployment, share, generation, and the sums."""


def windows(view: Snapshot, endpoint: int, step_s: int, since_s: int, before_s: int) -> list[Found]:
    """Windows of one length of an endpoint, by time.

    Args:
        view: Where to look.
        endpoint: The endpoint's row id.
        step_s: The length: 1, 60 or 3600.
        since_s: The first beginning, in seconds since the epoch.
        before_s: The first beginning that is too late.
    """
    rows = view.execute(
        f"""SELECT start_s, deployment, share, generation, {_SUMS} FROM traffic
            WHERE endpoint = ? AND step_s = ? AND start_s >= ? AND start_s < ? ORDER BY start_s""",
        (endpoint, step_s, since_s, before_s),
    )
    return [(start, deployment, share, generation, tuple(sums)) for start, deployment, share, generation, *sums in rows]


def capture_counts(view: Snapshot, endpoint: int | None) -> tuple[CaptureCount, ...]:
    """What became of the sampled requests, by deployment; of one endpoint or of all."""
    rows = view.execute(
        """SELECT endpoint, deployment, sent, stored, dropped FROM capture_count
           WHERE ? IS NULL OR endpoint = ? ORDER BY endpoint, deployment""",
        (endpoint, endpoint),
    )
    return tuple(CaptureCount(*row) for row in rows)
