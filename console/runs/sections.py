"""Sections of a run: what it logged, the models it made and read, where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import age, logged, moment, number
from console.text import Part, fit, measure, table, wrap
from console.widgets.document import Line, blank, fields, heading
from engine.core.keys import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.tracking.logged_model_model import RunModel
    from engine.tracking.model import RunDetail

MOST_VALUE, LEAST_NAME, GAPS = 24, 10, 5
"""Cells: of a value that a name gives way to, that a name keeps, and between and beside the two."""


def model_lines(models: Sequence[RunModel], now_ms: int) -> list[Line]:
    """The models it made and read; nothing when there are none."""
    if not models:
        return []
    rows: list[list[Part]] = []
    for each in models:
        model = each.model
        made = "made" if each.role == "output" else "read"
        if model is None:
            rows.append([(f"  {each.model_id}", "dim"), (made, "dim"), ("not here any more", "warn")])
            continue
        state = _MODEL_STATES.get(model.status.value, (model.status.value, ""))
        measured = "  ".join(f"{metric.key} {number(metric.value)}" for metric in model.metrics[:3])
        rows.append(
            [
                (f"  {model.name}", "name"),
                (made, "dim"),
                state,
                (age(model.created_ms, now_ms), "dim"),
                (measured, ""),
                (each.model_id, "dim"),
            ]
        )
    return [heading("Logged models", str(len(models))), *(Line(row) for row in table(rows)), blank()]


_MODEL_STATES: dict[str, Part] = {
    "ready": ("✓ ready", "good"),
    "pending": ("● pending", "running"),
    "failed": ("✗ failed", "bad"),
}


def value_lines(run: RunDetail, width: int) -> list[Line]:
    """Metrics, parameters, tags and note."""
    metrics = [(key, number(run.metrics[key])) for key in in_order(run.metrics)]
    params = [(key, logged(value)) for key, value in sorted(run.params.items())]
    lines = [heading("Metrics", "latest"), *_pairs(metrics, width)]
    lines += [blank(), heading("Parameters"), *_pairs(params, width)]
    if run.tags:
        lines += [blank(), heading("Tags"), *_pairs(sorted(run.tags.items()), width)]
    if run.note:
        lines += [blank(), heading("Note"), *(Line([(f"  {part}", "")]) for part in wrap(run.note, max(width - 4, 20)))]
    return lines


def _pairs(pairs: list[tuple[str, str]], width: int) -> list[Line]:
    """Names and values; where there is no room for both, names give way."""
    if not pairs:
        return [Line([("  none", "dim")])]
    widest = min(max(measure([(value, "")]) for _, value in pairs), MOST_VALUE)
    room = max(width - widest - GAPS, LEAST_NAME)
    rows = table([[(f"  {fit(key, room).rstrip()}", ""), (value, "strong")] for key, value in pairs])
    return [Line(row, f"value.{key}") for row, (key, _) in zip(rows, pairs, strict=True)]


def origin_lines(run: RunDetail, now_ms: int, width: int) -> list[Line]:
    """Who ran it when, on what data, in which environment."""
    lines = [
        heading("Run"),
        *fields(
            [
                ("id", (run.run_id, "")),
                ("started", (f"{moment(run.start_ms)} ({age(run.start_ms, now_ms)})", "")),
                ("ended", (moment(run.end_ms), "")),
                ("user", (run.user, "")),
                ("parent", (run.parent_run_id or "none", "dim")),
                ("children", (", ".join(child[:8] for child in run.children) or "none", "dim")),
            ]
        ),
        blank(),
        heading("Data"),
    ]
    rows: list[list[Part]] = [
        [
            (f"  {each.name}", "link"),
            (each.context, "dim"),
            (f"{each.rows:,} rows" if each.rows is not None else "", ""),
            (each.digest[:16], "dim"),
            (each.source_type, "dim"),
        ]
        for each in run.inputs
    ]
    lines += [Line(row) for row in table(rows)] or [Line([("  none logged", "dim")])]
    return [*lines, blank(), heading("Environment"), *_environment(run, width)]


def _environment(run: RunDetail, width: int) -> list[Line]:
    where = run.environment
    if where is None:
        return [Line([("  not captured", "dim")])]
    dirty = {True: " with local changes", False: "", None: ""}[where.git_dirty]
    lines = fields(
        [
            ("command", (where.command_line, "")),
            ("host", (f"{where.host}  pid {where.pid}", "")),
            ("python", (where.python, "")),
            ("commit", (f"{where.git_commit or 'none'}{dirty}", "warn" if dirty else "")),
            ("seed", (str(where.seed) if where.seed is not None else "none", "")),
        ]
    )
    packages = ", ".join(f"{name} {version}" for name, version in sorted(where.packages.items()))
    lines += [Line([(f"  {part}", "dim")]) for part in wrap(packages, max(width - 4, 20))] if packages else []
    return lines
