"""Alerts and monitors in a line each, for the first screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.drift.words import SEVERITIES, standing, state_pill
from console.formats import age, pill, plural
from console.location import Location
from console.text import Part, table
from console.widgets.document import Line, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.alerts.model import Alert
    from engine.monitoring.model import Monitor


def alert_lines(shown: Sequence[Alert], count: int, now_ms: int, width: int) -> list[Line]:
    """What nobody has resolved, the worst first; nothing where there is none.

    Args:
        shown: The alerts that are shown.
        count: How many there are.
        now_ms: The present, in milliseconds since the epoch.
        width: Cells there are.
    """
    if not shown:
        return []
    more = f"{count - len(shown)} more; L lists them" if count > len(shown) else ""
    rows: list[list[Part]] = [
        [
            (f"  {each.subject}", "name"),
            pill(SEVERITIES, each.severity.value),
            state_pill(each),
            (age(each.opened_ms, now_ms), "dim"),
            (each.sentence[: max(width - 40, 20)], ""),
        ]
        for each in shown
    ]
    return [
        heading("Alerts", more),
        *(
            Line(row, f"alert.{each.id}", Location("alert", str(each.id)))
            for row, each in zip(table(rows), shown, strict=True)
        ),
    ]


def monitor_lines(monitors: Sequence[Monitor], most: int, width: int) -> list[Line]:
    """What is watched, what is not well first; nothing where nothing is.

    Args:
        monitors: All of them.
        most: Most lines.
        width: Cells there are.
    """
    if not monitors:
        return []
    ordered = sorted(monitors, key=lambda each: (standing(each)[1] not in ("bad", "warn"), each.name))[:most]
    rows: list[list[Part]] = [
        [
            (f"  {each.name}", "name"),
            standing(each),
            (each.settings.target, "link"),
            ((each.paused or each.problem or each.sentence)[: max(width - 40, 20)], "dim"),
        ]
        for each in ordered
    ]
    return [
        heading("Watched", f"{plural(len(monitors), 'monitor')}; D shows features over time"),
        *(
            Line(row, f"monitor.{each.name}", Location("monitor", each.name))
            for row, each in zip(table(rows), ordered, strict=True)
        ),
    ]
