"""`qd monitors list`, `show`, `results`, `result` and `performance`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.diagnostics import narrate
from engine.cli.live_names import MONITOR
from engine.cli.monitors.columns import MONITORS, POINTS, RESULTS, encode_monitor, encode_result
from engine.cli.options import paging_options, past_option
from engine.cli.output import Format, format_options, show_lines, show_page, show_record, show_rows
from engine.cli.words import MOMENT

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.monitoring.model import MonitorResult


@click.command("list")
@paging_options
@past_option
@format_options
@click.pass_obj
def list_(session: Session, /, fmt: Format, **paging: Any) -> None:
    """List monitors: those of quarterdeck.toml, and those made by command."""
    show_page(session.engine().monitors.page(**paging), MONITORS, fmt, encode=encode_monitor)


@click.command()
@click.argument("monitor", type=MONITOR)
@past_option
@format_options
@click.pass_obj
def show(session: Session, monitor: str, fmt: Format) -> None:
    """Show a monitor: its settings, when it looks next, and what it found last."""
    show_record(encode_monitor(session.engine().monitors.get(monitor)), fmt)


@click.command()
@click.argument("monitor", type=MONITOR, required=False, default="")
@click.option("--kind", type=click.Choice(["drift", "quality", "performance", "concept"]), help="Of a kind.")
@click.option("--verdict", type=click.Choice(["ok", "drift", "waiting", "failed"]), help="With a verdict.")
@click.option("--model", default="", help="Of this model.")
@click.option("--endpoint", default="", help="Of this endpoint.")
@click.option("--latest", is_flag=True, help="Only the newest look at each window.")
@click.option("--since", "since_ms", type=MOMENT, default=0, help="Of windows that end then or later.")
@paging_options
@past_option
@format_options
@click.pass_obj
def results(session: Session, /, fmt: Format, **query: Any) -> None:
    """List what monitors found, newest first; every look at a window is kept."""
    from engine.monitoring.model import ResultQuery

    asked = ResultQuery(**{name: value for name, value in query.items() if value is not None})
    show_page(session.engine().monitors.results(asked), RESULTS, fmt, encode=encode_result)


@click.command()
@click.argument("result", type=int)
@click.option("--html", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write it as one HTML file.")
@format_options
@click.pass_obj
def result(session: Session, result: int, target: Path | None, fmt: Format) -> None:
    """Show what was found in one window, with all numbers behind it."""
    found = session.engine().monitors.result(result)
    compared = "features" in found.report
    if target is not None:
        _write_page(found, target, compared=compared)
    if fmt is not Format.HUMAN or not compared:
        show_record(found, fmt)
        return
    from engine.cli.drift.showing import show as show_report
    from engine.drift.document import report_from

    show_record(found, fmt, leave_out=("report",))
    show_lines([""])
    show_report(report_from(found.report), fmt)


def _write_page(found: MonitorResult, target: Path, *, compared: bool) -> None:
    from engine.core.errors import InvalidInput
    from engine.drift.document import report_from
    from engine.drift.html import page

    if not compared:
        raise InvalidInput("Only results of drift are written as HTML.", hint="Use --json for the others.")
    target.write_bytes(page(report_from(found.report), made_ms=found.made_ms).encode())
    narrate(f"{target} is written.")


@click.command()
@click.argument("monitor", type=MONITOR)
@click.option("--metric", default="", help="Such as auc; all if not given.")
@click.option("--since", "since_ms", type=MOMENT, default=0, help="Of windows that end then or later.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1_000, show_default=True, help="At most so many.")
@format_options
@click.pass_obj
def performance(session: Session, /, monitor: str, fmt: Format, **query: Any) -> None:
    """Show performance window by window: estimated without labels, realised with them, each as it was known when."""
    show_rows(session.engine().monitors.performance(monitor, **query), POINTS, fmt)
