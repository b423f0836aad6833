"""What watches the demo: a monitor of the drifting loans, and two that look at the weather of one summer."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engine.api import Engine

WEATHER = "weather"
"""The folder of the workspace that holds the weather, a file a quarter."""

MONITORS: Mapping[str, Mapping[str, Any]] = {
    "car-loan": {
        "target": "endpoint car-loan",
        "window": "150 rows",  # a time-compressed day: the demo's minute holds several
        "every": "1s",
        "tests": ["drift", "quality", "performance"],
        "segments": ["salary_range"],
        "metric": "auc",
        "severity": "critical",
        "budget": "1 per 30d",
        "actions": ["request rollback"],
    },
    "weather-naive": {
        "target": f"files {WEATHER}/2015-*.csv",
        "against": f"files {WEATHER}/201[234]-*.csv",
        "tests": ["drift"],
        "lateness": "0s",
        "columns": ["precipitation", "temp_max", "temp_min", "wind"],
        "method": "psi",
        "threshold": 0.2,
        "severity": "info",
    },
    "weather-by-season": {
        "target": f"files {WEATHER}/2015-*.csv",
        "against": f"files {WEATHER}/201[234]-{{part}}.csv",
        "tests": ["drift"],
        "lateness": "0s",
        "columns": ["precipitation", "temp_max", "temp_min", "wind"],
        "delta": 0.1,
        "severity": "info",
    },
}
"""The demo's monitors by name; the weather is watched by a threshold that knows no season, and by one that does."""


def open_monitors(engine: Engine) -> None:
    """Make baselines of what Production was trained on, the files of the weather, and the monitors.

    Args:
        engine: The workspace, with the models' Production decided.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    for model in engine.models.page().items:
        for version in model.production:
            engine.drift.baseline_from_training(model.name, version, reason="what it was trained on")
    write_weather(engine.workspace.path / WEATHER)
    for name, settings in MONITORS.items():
        engine.monitors.create(name, settings)


def look_once(engine: Engine) -> None:
    """Have every monitor look at what has been asked so far.

    Args:
        engine: The workspace.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    for name in MONITORS:
        engine.monitors.run(name)


def write_weather(folder: Path) -> None:
    """Cut four years of weather into quarters; files are looked at in the order of their names.

    Args:
        folder: Where to; it must not be there yet.
    """
    folder.mkdir()
    lines = (files("sample_data") / "seattle-weather.csv").read_text(encoding="utf-8").splitlines()
    for name, rows in _quarters(lines[1:]):
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")


def _quarters(rows: list[str]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        year, month, _ = row.split("/", 2)
        found.setdefault(f"{year}-Q{(int(month) - 1) // 3 + 1}", []).append(row)
    yield from found.items()
