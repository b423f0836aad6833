"""What a version is compared with: its baselines, how the next one is made, and comparisons with it on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field
from console.commanding.shell_words import given, qd, why
from console.formats import age, count
from console.text import Part, table, wrap
from console.widgets.document import Line, blank, heading
from engine.core.access import Role
from engine.core.timetext import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.drift.baseline_model import Baseline
    from engine.drift.model import DriftReport
    from engine.registry.model import Version

SHOWN = 4
SOURCES = ("training", "production", "files")
_WIDE = 76


def baseline_lines(baselines: Sequence[Baseline], now_ms: int) -> list[Line]:
    """Baselines, the one in force first.

    Args:
        baselines: As the engine lists them.
        now_ms: The present, in milliseconds since the epoch.
    """
    if not baselines:
        return [heading("Baseline"), Line([("  none; B makes one, so that drift can be told", "dim")])]
    rows: list[list[Part]] = [
        [
            (f"  {each.number}", "name" if place == 0 else "dim"),
            ("in force" if place == 0 else "", "good"),
            (each.kind.value, ""),
            (f"{count(each.rows)} rows", ""),
            (f"{each.features} columns", "dim"),
            (age(each.created_ms, now_ms), "dim"),
            (each.created_by, "dim"),
            (each.source, "dim"),
        ]
        for place, each in enumerate(baselines[:SHOWN])
    ]
    return [heading("Baseline"), *(Line(row) for row in table(rows))]


def _make(app: ConsoleApp, version: Version, answers: Answers) -> None:
    from engine.drift.baseline_model import Stretch

    drift, key, reason = app.engine.drift, version.key, answers["reason"]
    source, detail = answers["from"], answers["of"]

    def make(_progress: object) -> Baseline:
        if source == "training":
            return drift.baseline_from_training(version.model, version.version, reason=reason)
        if source == "files":
            return drift.baseline(version.model, version.version, detail.split(), reason=reason)
        stretch = Stretch(app.engine.clock.now_ms() - parse_duration(detail))
        return drift.baseline_from_production(version.model, version.version, stretch, reason=reason)

    app.work(
        f"baseline {key}",
        make,
        lambda made: app.say(f"Baseline {made.number} of {key} is in force: {count(made.rows)} rows."),
    )


def _making(version: Version, said: Answers) -> str:
    words = {"files": tuple(said["of"].split()), "production": ["--from-production", *given("since", said["of"])]}.get(
        said["from"], ["--from-training"]
    )
    return qd("drift", "baseline", version.model, version.version, words, why(said))


def _skew(app: ConsoleApp, version: Version, answers: Answers) -> None:
    from engine.drift.baseline_model import Stretch

    def compare(_progress: object) -> DriftReport:
        stretch = Stretch(app.engine.clock.now_ms() - parse_duration(answers["since"]))
        return app.engine.drift.skew(version.model, version.version, stretch)

    app.work(
        f"skew {version.key}",
        compare,
        lambda report: _show(app, f"Skew of {version.key}", report),
    )


def _compare(app: ConsoleApp, version: Version, answers: Answers) -> None:
    source = answers["files"]
    app.work(
        f"compare {version.key}",
        lambda _progress: app.engine.drift.check(version.key, source),
        lambda report: _show(app, f"{source} against {version.key}", report),
    )


def _show(app: ConsoleApp, title: str, report: DriftReport) -> None:
    if len(app.screen_stack) > 1 or app.frame.typing:
        app.say(f"{title}: {report.sentence}", "bad" if report.drift else "good")
        return
    from console.drift.features import report_lines  # few compare from here
    from console.screens.dialogs import TextDialog

    unfolded = {each.name for each in report.drifted[:2]}
    said = [Line([(part, "strong")]) for part in wrap(report.sentence, _WIDE)]
    lines = [*said, blank(), *report_lines(report, unfolded, _WIDE, unicode=app.unicode)]
    app.open_dialog(TextDialog(title, lines))


BASELINE_ACTIONS: tuple[Action, ...] = (
    Action(
        "baseline", "B", "baseline", _make, "Make the next baseline: what windows of it are compared with.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR, hint=False,
        ask=lambda _version: (
            Field("from", "from", "training", among=SOURCES),
            Field("of", "files, or how far back", "7d", required=False),
            Field("reason", "reason", required=False),
        ),
        twin=_making,
    ),
    Action(
        "skew", "K", "skew", _skew, "What it is asked in production against what it was made from.", hint=False,
        ask=lambda _version: (Field("since", "how far back", "7d"),),
        twin=lambda it, said: qd("drift", "skew", it.model, it.version, given("since", said["since"])),
    ),
    Action(
        "compare", "F", "compare files", _compare, "Files against its baseline, column by column.", hint=False,
        ask=lambda _version: (Field("files", "files"),),
        twin=lambda it, said: qd("drift", "check", given("baseline", it.key), said["files"]),
    ),
)  # fmt: skip
"""What can be done with baselines, where a version is under the cursor."""
