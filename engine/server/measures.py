"""What the server counts of itself: requests by route and status, latencies, groups. Cheap enough for every request."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING

from engine.processes.model import HISTORY_S, ServerStatus
from engine.server.slowness import Slowness
from engine.server.turned_down import TurnedDown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.server.routes import Route

BOUNDS_S = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of the latency buckets, in seconds."""

RECENT = 4_096
"""Latencies kept for the percentiles on screen."""

_ERRORS = 20
_TEXT = 300


class Latency:
    """Latencies: a histogram since the start, and the last ones for percentiles."""

    __slots__ = ("counts", "recent", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0
        self.recent: deque[float] = deque(maxlen=RECENT)

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds
        self.recent.append(seconds)

    def percentile_ms(self, share: float) -> float | None:
        """A percentile of the last ones, in milliseconds; `None` before the first.

        Args:
            share: Which one, from 0 to 1.
        """
        ordered = sorted(self.recent)
        return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000, 3) if ordered else None

    def lines(self, name: str) -> Iterator[str]:
        """The histogram in Prometheus' text format."""
        for bound, count in zip((*BOUNDS_S, "+Inf"), accumulate(self.counts), strict=True):
            yield f'{name}_bucket{{le="{bound}"}} {count}'
        yield f"{name}_sum {self.total_s:.6f}"
        yield f"{name}_count {sum(self.counts)}"


class Measures:
    """The counters of one server.

    Args:
        clients: Tells how many connections are open.
        queue: Tells how many writes wait.
        turned_away: Tells how many connections were refused because there were too many.
    """

    def __init__(
        self, *, clients: Callable[[], int], queue: Callable[[], int], turned_away: Callable[[], int] = int
    ) -> None:
        self._clients = clients
        self._queue = queue
        self._turned_away = turned_away
        self.by_route: dict[tuple[str, str, int], int] = {}
        self.requests = Latency()
        self.groups = Latency()
        self.writes = 0
        self.refusals = TurnedDown()
        self.slow = Slowness()
        self._errors: deque[str] = deque(maxlen=_ERRORS)
        self._seconds: deque[tuple[int, int]] = deque(maxlen=HISTORY_S)

    @property
    def events(self) -> int:
        """Requests answered and connections refused since the start; when it stands still there is nothing to tell."""
        return sum(self.by_route.values()) + self._turned_away()

    def request(self, route: Route | None, status: int, seconds: float) -> None:
        """Count an answered request; unknown paths count as one route, so that nobody can grow the table."""
        key = (route.method, route.path, status) if route else ("", "unknown", status)
        self.by_route[key] = self.by_route.get(key, 0) + 1
        self.requests.observe(seconds)
        now = int(time.monotonic())
        if self._seconds and self._seconds[-1][0] == now:
            self._seconds[-1] = (now, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((now, 1))

    def group(self, writes: int, seconds: float) -> None:
        """Count a durable group; called on the writer's thread, the only one that changes these."""
        self.writes += writes
        self.groups.observe(seconds)

    def failure(self, text: str) -> None:
        """Keep the text of an error nobody foresaw."""
        self._errors.appendleft(text[:_TEXT])

    def status(self, now_ms: int) -> ServerStatus:
        """How the server does.

        Args:
            now_ms: The time, in milliseconds since the epoch.
        """
        of_status = {key[2]: 0 for key in self.by_route}
        for (_, _, status), count in self.by_route.items():
            of_status[status] += count
        return ServerStatus(
            updated_ms=now_ms,
            clients=self._clients(),
            requests=sum(of_status.values()),
            requests_by_second=self._by_second(),
            client_errors=sum(count for status, count in of_status.items() if 400 <= status < 500),
            server_errors=sum(count for status, count in of_status.items() if status >= 500),
            request_p50_ms=self.requests.percentile_ms(0.5),
            request_p99_ms=self.requests.percentile_ms(0.99),
            queue=self._queue(),
            writes=self.writes,
            commits=sum(self.groups.counts),
            commit_p50_ms=self.groups.percentile_ms(0.5),
            commit_p99_ms=self.groups.percentile_ms(0.99),
            errors=tuple(self._errors),
            turned_away=self._turned_away(),
            refusals=self.refusals.told(now_ms),
            slow=self.slow.count,
            slow_last=self.slow.last,
        )

    def _by_second(self) -> tuple[int, ...]:
        now = int(time.monotonic())
        counted = dict(self._seconds)
        return tuple(counted.get(second, 0) for second in range(now - HISTORY_S, now))

    def prometheus(self) -> str:
        """Everything in Prometheus' text format, version 0.0.4."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP quarterdeck_http_requests_total Requests answered."
        yield "# TYPE quarterdeck_http_requests_total counter"
        for (method, path, status), count in sorted(self.by_route.items()):
            yield f'quarterdeck_http_requests_total{{method="{method}",route="{path}",status="{status}"}} {count}'
        yield "# HELP quarterdeck_http_request_seconds Time from a request's head to its answer."
        yield "# TYPE quarterdeck_http_request_seconds histogram"
        yield from self.requests.lines("quarterdeck_http_request_seconds")
        yield "# HELP quarterdeck_group_seconds Time of a group of writes and its durable commit."
        yield "# TYPE quarterdeck_group_seconds histogram"
        yield from self.groups.lines("quarterdeck_group_seconds")
        yield "# HELP quarterdeck_writes_total Writes kept."
        yield "# TYPE quarterdeck_writes_total counter"
        yield f"quarterdeck_writes_total {self.writes}"
        yield "# HELP quarterdeck_writes_waiting Writes waiting for their group."
        yield "# TYPE quarterdeck_writes_waiting gauge"
        yield f"quarterdeck_writes_waiting {self._queue()}"
        yield "# HELP quarterdeck_slow_total Requests and groups of writes that took a second or more."
        yield "# TYPE quarterdeck_slow_total counter"
        yield f"quarterdeck_slow_total {self.slow.count}"
        yield "# HELP quarterdeck_connections Open connections."
        yield "# TYPE quarterdeck_connections gauge"
        yield f"quarterdeck_connections {self._clients()}"
        yield "# HELP quarterdeck_connections_refused_total Connections closed at once, for there were too many."
        yield "# TYPE quarterdeck_connections_refused_total counter"
        yield f"quarterdeck_connections_refused_total {self._turned_away()}"
