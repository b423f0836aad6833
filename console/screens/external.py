"""One endpoint that somebody else serves: how it does, what it says of itself, what probes found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.endpoints.words import EXTERNAL, milliseconds
from console.formats import NONE, age, count, duration, moment, pill, plural
from console.resources.external import PROBING, certificate
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.charts.spark import sparkline
from console.widgets.document import Line, blank, fields, heading
from engine.core.errors import NotFound
from engine.probing.model import Probe, ProbeHour, Watched

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBES, HOURS, DAY_MS = 60, 12, 86_400_000


@dataclass(frozen=True, slots=True)
class Found:
    """What the page shows.

    Args:
        watched: The endpoint and how it does.
        probes: Its newest probes, the newest first.
        hours: The last day, hour by hour.
    """

    watched: Watched
    probes: tuple[Probe, ...]
    hours: tuple[ProbeHour, ...]


class ExternalView(Page[Found]):
    """The external endpoint that the location names."""

    kinds = frozenset({"endpoint"})
    actions = PROBING

    def fetch(self) -> Found:
        """Read it, its probes and its hours.

        Raises:
            NotFound: there is none of that name.
            QuarterdeckError: the workspace cannot be read.
        """
        probing, name = self.deck.engine.probing, self.location.name
        since_ms = self.deck.engine.clock.now_ms() - DAY_MS
        return Found(
            probing.get(name),
            probing.history(name, limit=PROBES).items,
            probing.hours(name, since_ms=since_ms),
        )

    def tick(self) -> None:
        """Probes come by themselves, and ages grow."""
        self.load()

    def failed(self, error: Exception) -> None:
        """What is gone was forgotten here or elsewhere: what was found stays until the page is left."""
        if not (isinstance(error, NotFound) and self.data is not None):
            super().failed(error)

    def subject(self) -> object | None:
        """The endpoint, wherever the cursor is."""
        return None if self.data is None else self.data.watched

    def lines(self, data: Found, width: int) -> Sequence[Line]:
        """Health, facts, latencies, hours, probes."""
        now_ms = self.deck.now_ms()
        endpoint, health = data.watched.endpoint, data.watched.health
        lines = [
            Line([("  ", ""), pill(EXTERNAL, health.state.value), ("  somebody else serves it", "dim")]),
            *(Line([(f"  {part}", "")]) for part in wrap(health.words, max(width - 4, 20))),
            blank(),
            *fields(
                [
                    ("url", (endpoint.url, "link")),
                    ("asked", (f"{endpoint.protocol.value}, every {duration(endpoint.interval_ms)}", "")),
                    ("model", (endpoint.model or NONE, "")),
                    ("owner", (endpoint.owner or NONE, "")),
                    ("certificate", certificate(data.watched, now_ms)),
                    *((key, (value, "")) for key, value in (health.last.facts if health.last else {}).items()),
                ]
            ),
        ]
        lines += [blank(), heading("Latency", f"{plural(len(data.probes), 'probe')}, the newest at the right")]
        curve = [each.latency_us / 1_000 if each.latency_us else float("nan") for each in reversed(data.probes)]
        drawn = sparkline(curve, max(min(width - 4, PROBES), 1), floor=0.0, unicode=self.deck.unicode)
        lines += [Line([("  ", ""), (drawn, "running")])]
        return [*lines, *_hours(data.hours), *_failed(data.probes, now_ms, width)]


def _hours(hours: Sequence[ProbeHour]) -> list[Line]:
    if not hours:
        return []
    rows: list[list[Part]] = [
        [
            (f"  {moment(each.start_ms)[:16]}", "dim"),
            (plural(each.probes, "probe"), ""),
            (f"{count(each.failures)} failed", "bad" if each.failures else "dim"),
            (f"{milliseconds(None if each.mean_latency_us is None else each.mean_latency_us / 1_000)} ms", ""),
        ]
        for each in sorted(hours, key=lambda hour: -hour.start_ms)[:HOURS]
    ]
    return [blank(), heading("By hour", "the newest first"), *(Line(row) for row in table(rows))]


def _failed(probes: Sequence[Probe], now_ms: int, width: int) -> list[Line]:
    failed = [each for each in probes if not each.ok][:6]
    if not failed:
        return []
    rows: list[list[Part]] = [
        [
            (f"  {age(each.time_ms, now_ms):>4}", "dim"),
            (str(each.status or NONE), "bad"),
            (each.problem[: max(width - 16, 20)], "bad"),
        ]
        for each in failed
    ]
    return [blank(), heading("What was wrong", "the newest first"), *(Line(row) for row in table(rows))]
