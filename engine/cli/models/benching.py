"""`qd models bench`: how quick a version is, and how its latencies lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.cells import count, size
from engine.cli.diagnostics import REFUSED, narrate
from engine.cli.live_names import MODEL, VERSION
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_rows
from engine.cli.progress import ProgressLine
from engine.core.errors import InvalidInput
from engine.core.timetext import format_latency, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.cli.session import Session
    from engine.gates.model import LatencyReport
    from engine.gates.trial_model import Timing

_BARS = 12
_WIDTH = 40


class _Bar(NamedTuple):
    low_us: float
    high_us: float
    calls: int
    share: float
    longest: float


_TIMINGS = (
    Column("version", lambda timing: timing.version, right=True),
    Column("runtime", lambda timing: timing.weight.runtime),
    Column("p50", lambda timing: timing.p50_us, format_latency, right=True),
    Column("p95", lambda timing: timing.p95_us, format_latency, right=True),
    Column("p99", lambda timing: timing.p99_us, format_latency, right=True),
    Column("slowest", lambda timing: timing.slowest_us, format_latency, right=True),
    Column("calls", lambda timing: timing.calls, right=True),
    Column("memory", lambda timing: timing.weight.model_bytes, size, right=True),
    Column("load", lambda timing: 1_000 * timing.weight.load_ms, format_latency, right=True),
)
_HISTOGRAM = (
    Column("from", lambda bar: bar.low_us, format_latency, right=True),
    Column("to", lambda bar: bar.high_us, format_latency, right=True),
    Column("calls", lambda bar: bar.calls, right=True),
    Column("share", lambda bar: bar.share, lambda share: f"{share:.1%}", right=True),
    Column("", lambda bar: "#" * round(_WIDTH * bar.share / bar.longest)),
)


def _duration(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    try:
        return parse_duration(text)
    except InvalidInput as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.option("--rows", type=click.IntRange(1), default=1, show_default=True, help="Rows of a call.")
@click.option(
    "--duration", default="2s", show_default=True, callback=_duration, help="How long each version is called."
)
@click.option("--alone", is_flag=True, help="Do not call the live version by turns.")
@format_options
@click.pass_obj
def bench(session: Session, /, model: str, version: int, fmt: Format, **how: int) -> int:
    """Call a version's built runtime in a process of its own, not over HTTP, the live version by turns.

    Exit 4 when the policy's latency gate for Production says no.
    """
    progress = ProgressLine("bench")
    try:
        report = session.engine().gates.measure(
            model,
            version,
            rows=how["rows"],
            duration_ms=how["duration"],
            compare=not how["alone"],
            progress=progress.tell,
        )
    finally:
        progress.close()
    if fmt is Format.JSON:
        show_json(report)
    else:
        _show(report, fmt)
    return _verdict(report)


def _show(report: LatencyReport, fmt: Format) -> None:
    measured = report.measured
    show_rows([each for each in (measured.candidate, measured.live) if each is not None], _TIMINGS, fmt)
    if fmt is not Format.HUMAN:
        return
    show_lines(["", f"{report.model}/{report.version}, calls by latency"])
    show_rows(bars(measured.candidate), _HISTOGRAM, fmt)
    rows = count(report.rows, "row")
    show_lines(["", f"{rows} a call, {measured.rows_from}; {measured.machine}"])
    if measured.live is not None and measured.ratio is not None:
        show_lines([f"p95 is {measured.ratio:.3g} times that of version {measured.live.version}, which is live"])


def _verdict(report: LatencyReport) -> int:
    if report.verdict is None:
        return 0
    if report.verdict.passed:
        narrate(f"The latency gate of Production passes: {report.verdict.message}")
        return 0
    narrate(f"qd: the latency gate of Production does not pass: {report.verdict.message}")
    return REFUSED


def bars(timing: Timing) -> list[_Bar]:
    """A histogram of few bars over the buckets in which calls lie.

    Args:
        timing: What was measured.

    Returns:
        Neighbouring bars from the quickest call to the slowest.
    """
    from engine.telemetry.histogram import bounds_us

    first, last = min(timing.buckets), max(timing.buckets)
    wide = -(-(last - first + 1) // _BARS)
    starts = range(first, last + 1, wide)
    sums = [_sum(timing.buckets, start, wide) for start in starts]
    whole, longest = sum(sums), max(sums)
    return [
        _Bar(bounds_us(start)[0], bounds_us(start + wide - 1)[1], calls, calls / whole, longest / whole)
        for start, calls in zip(starts, sums, strict=True)
    ]


def _sum(buckets: Mapping[int, int], start: int, wide: int) -> int:
    return sum(buckets.get(each, 0) for each in range(start, start + wide))
