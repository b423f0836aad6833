"""Endpoints in a line each, for the first screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.endpoints import words
from console.endpoints.standing import Health
from console.formats import NONE, pill
from console.location import Location
from console.text import Part, table
from console.widgets.document import Line, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.endpoints.standing import Standing


def tile_lines(shown: Sequence[Standing], count: int, now_ms: int) -> list[Line]:
    """How each does, in a word and in numbers; nothing where there are none.

    Args:
        shown: The endpoints that are shown.
        count: How many there are.
        now_ms: The present, in milliseconds since the epoch.
    """
    if not shown:
        return []
    rows = [_tile(each, now_ms) for each in shown]
    more = f"{count - len(shown)} more; E lists them" if count > len(shown) else ""
    return [
        heading("Endpoints", more),
        *(
            Line(row, f"endpoint.{each.name}", Location("endpoint", each.name))
            for row, each in zip(table(rows, right=frozenset({3, 4, 5})), shown, strict=True)
        ),
    ]


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
