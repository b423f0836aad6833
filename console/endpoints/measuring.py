"""Measuring how quick a version is, beside the live one: a job, then a page of numbers."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger
from console.commanding.shell_words import qd
from console.endpoints.acts import standing_of
from console.endpoints.histogram import histogram_lines
from console.endpoints.words import BAR_LOOKS, milliseconds
from console.formats import VERDICTS, count, pill, plural, size
from console.text import Part, table, wrap
from console.widgets.document import Line, blank
from engine.core.access import Role
from engine.endpoints.model import Share

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.endpoints.detail import Detail
    from console.endpoints.standing import Standing
    from engine.gates.model import LatencyReport
    from engine.gates.trial_model import Timing
    from engine.registry.model import Version

_WIDE = 72


def measure(app: ConsoleApp, model: str, version: int) -> None:
    """Call a version and the live one by turns in a process of their own, then show what was found.

    Args:
        app: The application.
        model: The model's name.
        version: The version's number.
    """

    def show(report: LatencyReport) -> None:
        if len(app.screen_stack) > 1 or app.frame.typing:
            app.say(f"{model}/{version}: p95 {milliseconds(report.measured.candidate.p95_us / 1_000)} ms; b shows all.")
            return
        from console.screens.dialogs import TextDialog

        app.open_dialog(TextDialog(f"Latency of {model}/{version}", report_lines(report, unicode=app.unicode)))

    app.work(
        f"measure {model}/{version}",
        lambda progress: app.engine.gates.measure(model, version, progress=progress),
        show,
        f"qd models bench {quote(model)} {version}",
    )
    app.say(f"Measuring {model}/{version}…", "dim")


def report_lines(report: LatencyReport, *, unicode: bool) -> list[Line]:
    """What was found, as a table, two rows of a histogram, and what the policy says to it.

    Args:
        report: What was found.
        unicode: Whether blocks may be drawn.
    """
    found = report.measured
    both = [each for each in (found.candidate, found.live) if each is not None]
    titles = ("version", "p50 ms", "p95", "p99", "slowest", "calls", "memory")
    rows: list[list[Part]] = [[(title, "dim") for title in titles], *map(_timing, both)]
    lines = [Line(row) for row in table(rows, right=frozenset(range(1, 7)))]
    lines.append(blank())
    series = [(str(each.version), each.buckets, look) for each, look in zip(both, BAR_LOOKS, strict=False)]
    lines += histogram_lines(series, _WIDE, unicode=unicode)
    lines.append(blank())
    if found.live is not None and found.ratio is not None:
        lines.append(
            Line([(f"p95 is {found.ratio:.3g} times that of version {found.live.version}, which is live", "")])
        )
    said = f"{plural(report.rows, 'row')} a call, {found.rows_from}; {found.machine}"
    lines += [Line([(part, "dim")]) for part in wrap(said, _WIDE)]
    verdict = report.verdict
    if verdict is not None:
        lines += [Line([pill(VERDICTS, verdict.status.value), ("  ", ""), (verdict.message, "")])]
    return lines


def _timing(timing: Timing) -> list[Part]:
    latencies = (timing.p50_us, timing.p95_us, timing.p99_us, timing.slowest_us)
    return [
        (str(timing.version), "name"),
        *((milliseconds(each / 1_000), "") for each in latencies),
        (count(timing.calls), "dim"),
        (size(timing.weight.resident_bytes), "dim"),
    ]


def _of_endpoint(app: ConsoleApp, subject: Standing | Detail, _answers: Answers) -> None:
    from console.screens.endpoint import EndpointView

    standing = standing_of(subject)
    chosen = app.view.chosen if isinstance(app.view, EndpointView) else None
    other = chosen if chosen is not None and chosen.share is not Share.LIVE else standing.candidate
    found = other or standing.live
    if found is not None:
        measure(app, found.model, found.version)


def _of_version(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    measure(app, version.model, version.version)


def _deployed(subject: Standing | Detail) -> str | None:
    return None if standing_of(subject).endpoint.deployments else "Nothing is deployed to it; D deploys a version."


def _measuring(subject: Standing | Detail) -> str:
    standing = standing_of(subject)
    found = standing.candidate or standing.live
    return "" if found is None else qd("models", "bench", found.model, found.version)


ABOUT = "Measure how quick the version is, beside the live one."

OF_ENDPOINT = Action(
    "measure", "b", "bench", _of_endpoint, ABOUT, danger=Danger.REVERSIBLE, role=Role.OPERATOR, enabled=_deployed,
    hint=False, twin=lambda it, _said: _measuring(it),
)  # fmt: skip
"""Of the version under the cursor unless it is the live one, else of the candidate, else of the live one."""

OF_VERSION = Action(
    "measure", "b", "bench", _of_version, ABOUT, danger=Danger.REVERSIBLE, role=Role.OPERATOR, hint=False,
    twin=lambda it, _said: qd("models", "bench", it.model, it.version),
)  # fmt: skip
"""Of a version, in its list and on its page."""
