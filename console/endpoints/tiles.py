"""Endpoints in a line each, for the first screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.endpoints import words
from console.endpoints.beside import Beside, name_of
from console.endpoints.standing import Health, Standing
from console.formats import NONE, pill
from console.location import Location
from console.resources.external import certificate, probed_latency
from console.text import Part, table
from console.widgets.document import Line, heading
from engine.probing.model import HealthState, Watched

if TYPE_CHECKING:
    from collections.abc import Sequence


def tile_lines(shown: Sequence[Beside], count: int, now_ms: int) -> list[Line]:
    """How each does, in a word and in numbers; nothing where there are none.

    Args:
        shown: The endpoints that are shown, ours and those of others.
        count: How many there are.
        now_ms: The present, in milliseconds since the epoch.
    """
    if not shown:
        return []
    rows = [_tile(each, now_ms) if isinstance(each, Standing) else _their_tile(each, now_ms) for each in shown]
    more = f"{count - len(shown)} more; E lists them" if count > len(shown) else ""
    return [
        heading("Endpoints", more),
        *(
            Line(row, f"endpoint.{name_of(each)}", _place(each))
            for row, each in zip(table(rows, right=frozenset({3, 4, 5})), shown, strict=True)
        ),
    ]


def _place(shown: Beside) -> Location:
    return Location("endpoint" if isinstance(shown, Standing) else "external-endpoint", name_of(shown))


def _tile(standing: Standing, now_ms: int) -> list[Part]:
    flow, live = standing.flow, standing.live
    share, look = words.errors(flow.error_rate, flow.requests)
    step, step_look = words.rollout_step(standing.rollout, now_ms)
    generation, generation_look = words.generation(standing)
    unsettled = standing.health in (Health.UNACKNOWLEDGED, Health.NOT_SERVED, Health.FAILING)
    return [
        (f"  {standing.name}", "name"),
        pill(words.HEALTH, standing.health.value),
        ("" if live is None else f"◆ {live.version}", "production"),
        (f"{words.rate(flow.rps)}/s", "" if flow.requests else "dim"),
        (f"p95 {words.milliseconds(flow.p95_ms)} ms", "" if flow.requests else "dim"),
        (f"{share} % err" if flow.requests else NONE, look),
        (f"gen {generation}" if unsettled else "", generation_look),
        (step if standing.rollout is not None else "", step_look),
    ]


def _their_tile(watched: Watched, now_ms: int) -> list[Part]:
    ends, look = certificate(watched, now_ms)
    latency, latency_look = probed_latency(watched, now_ms)
    unwell = watched.health.state is not HealthState.HEALTHY
    return [
        (f"  {watched.endpoint.name}", "name"),
        pill(words.EXTERNAL, watched.health.state.value),
        ("external", "link"),
        ("", ""),
        (latency if latency == NONE else f"{latency} ms", latency_look),
        ("", ""),
        (f"tls {ends}" if ends != NONE else "", look),
        (watched.health.words if unwell else "", "dim"),
    ]
