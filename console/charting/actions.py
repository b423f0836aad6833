"""What can be done among charts, in one run's view and in the comparison of several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from console.actions import Action, Answers, Danger, Field, Needs
from console.charting.drawing import NO_VALUE, by_number
from console.charting.section import PAN, ZOOM, ChartSection
from console.charting.settings import ABOUT_X

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.app import ConsoleApp
    from console.screens.palette import Choice


@runtime_checkable
class HasCharts(Protocol):
    """A view with charts."""

    @property
    def charts(self) -> ChartSection | None:
        """The charts, while they are shown."""


def charts_of(app: ConsoleApp) -> ChartSection | None:
    """The charts of the present view; `None` when it shows none."""
    view: object = app.view
    return view.charts if isinstance(view, HasCharts) else None


def _on(
    name: str, key: str, label: str, about: str, do: Callable[[ChartSection], object], *, hint: bool = False
) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        section = charts_of(app)
        if section is not None:
            do(section)
            app.frame_changed()

    return Action(name, key, label, run, about, needs=Needs.NOTHING, hint=hint)


def _pick(app: ConsoleApp, title: str, choices: Sequence[Choice]) -> None:
    from console.charting.picking import Pick

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            choice.run()

    app.open_dialog(Pick(title, choices), chosen)


def _choose_x(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    from console.screens.palette import Choice

    section = charts_of(app)
    if section is None:
        return

    def along(x: str) -> Callable[[], object]:
        return lambda: section.change(section.settings.along(x))

    choices = [Choice(x, about, "", along(x)) for x, about in ABOUT_X.items()]
    choices += [
        Choice(f"metrics.{key}", "what this metric said at the same step", "", along(f"metrics.{key}"))
        for key in section.keys
    ]
    _pick(app, "What x counts", choices)


def _choose_group(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    from console.screens.palette import Choice

    section = charts_of(app)
    if section is None:
        return

    def by(group: str) -> Callable[[], object]:
        return lambda: section.change(replace(section.settings, group=group))

    choices = [Choice("none", "every run for itself", "", by(""))]
    values = {
        name: {run.values.get(name, NO_VALUE) for run in section.runs} for run in section.runs for name in run.values
    }
    for name in sorted(values, key=lambda name: (len(values[name]), name)):
        told = ", ".join(sorted(values[name], key=by_number))
        choices.append(Choice(name, f"{len(values[name])}: {told}", "", by(name)))
    _pick(app, "Runs together by", choices)


def _export(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    from console.widgets.charts.exporting import file_name, save_chart

    section = charts_of(app)
    widget = section.selected if section is not None else None
    if widget is None:
        app.say("There is no chart to export.", "dim")
        return
    target = Path(answers.get("file") or file_name(widget.view.title, "svg"))
    series, view = widget.series, widget.view
    app.act(lambda: save_chart(target, series, view), lambda place: app.say(f"Saved {place}."))


def _flip(section: ChartSection, name: str) -> None:
    settings = section.settings
    changed = {
        "log_x": replace(settings, log_x=not settings.log_x),
        "log_y": replace(settings, log_y=not settings.log_y),
        "clip": replace(settings, clip=not settings.clip),
    }
    section.change(changed[name])


def _toggle(place: int) -> Action:
    letter = "ABCDEFGHI"[place]
    return _on(
        f"run-{letter}", str(place + 1), f"run {letter}", f"Run {letter} on or off.", lambda s: s.toggle_run(place)
    )


CHART_ACTIONS = (
    _on("chart-left", "left", "left", "The chart to the left.", lambda s: s.select(0, -1)),
    _on("chart-right", "right", "right", "The chart to the right.", lambda s: s.select(0, 1)),
    _on("chart-up", "up", "up", "The chart above.", lambda s: s.select(-1, 0)),
    _on("chart-down", "down", "down", "The chart below.", lambda s: s.select(1, 0)),
    _on("page-up", "pageup", "page", "The charts before.", lambda s: s.turn(-1)),
    _on("page-down", "pagedown", "page", "The charts after.", lambda s: s.turn(1)),
    _on("first-chart", "home", "first", "The first chart.", lambda s: s.select_place(0)),
    _on("last-chart", "end", "last", "The last chart.", lambda s: s.select_place(-1)),
    _on("large", "Enter", "large", "This chart alone, with its readings.", lambda s: s.enlarge(large=not s.large)),
    _on("zoom-in", "+", "zoom", "Closer, around the cursor; so does the wheel.", lambda s: s.zoom(ZOOM), hint=True),
    _on("zoom-out", "_", "wider", "Wider.", lambda s: s.zoom(1 / ZOOM)),
    _on("pan-left", "(", "pan left", "To the left; so does the wheel with shift or ctrl.", lambda s: s.pan(-PAN)),
    _on("pan-right", ")", "pan right", "To the right.", lambda s: s.pan(PAN)),
    _on("whole", "0", "whole", "All of x again.", lambda s: s.change(replace(s.settings, window=None))),
    _on(
        "smooth",
        "s",
        "smooth",
        "Moving average, the same at every zoom: none, 0.6, 0.9, 0.99.",
        lambda s: s.change(s.settings.smoother()),
    ),
    _on("outliers", "o", "outliers", "Leave outliers on the edge, or not.", lambda s: _flip(s, "clip")),
    _on("log", "L", "log y", "y linear or logarithmic.", lambda s: _flip(s, "log_y")),
    _on("log-x", "ctrl-x", "log x", "x linear or logarithmic.", lambda s: _flip(s, "log_x")),
    Action("x-axis", "X", "x axis", _choose_x, "x by step, by time, or by another metric.", needs=Needs.NOTHING),
    _on("more-columns", "|", "columns", "One column of charts more.", lambda s: s.reshape(0, 1)),
    _on("fewer-columns", "=", "columns", "One column fewer.", lambda s: s.reshape(0, -1)),
    _on("more-rows", "#", "rows", "One row of charts more.", lambda s: s.reshape(1, 0)),
    _on("fewer-rows", '"', "rows", "One row fewer.", lambda s: s.reshape(-1, 0)),
    _on("cursor-left", ",", "cursor", "The reading cursor to the left, in all charts.", lambda s: s.move_cursor(-1)),
    _on("cursor-right", ".", "cursor", "The reading cursor to the right.", lambda s: s.move_cursor(1)),
    _on("cursor-far-left", "<", "cursor", "The same, ten times as far.", lambda s: s.move_cursor(-10)),
    _on("cursor-far-right", ">", "cursor", "The same, ten times as far.", lambda s: s.move_cursor(10)),
    _on("view", "v", "view", "Lines, heat map, histogram, bars.", lambda s: s.change(s.settings.next_mode())),
    Action(
        "export",
        "ctrl-e",
        "export",
        _export,
        "Save this chart as .svg or its points as .csv; named like its metric.",
        danger=Danger.VIEW,
        needs=Needs.NOTHING,
        ask=lambda _subject: (Field("file", "file", required=False),),
        hint=False,
    ),
)
"""Among the charts of one run or several."""

OVERLAY_ACTIONS = (
    Action("group", "g", "group", _choose_group, "Mean and range of runs that share a value.", needs=Needs.NOTHING),
    *map(_toggle, range(9)),
)
"""Among the charts of several runs."""
