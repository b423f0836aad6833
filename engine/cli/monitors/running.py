"""`qd monitors run` and `backtest`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.live_names import MONITOR
from engine.cli.monitors.columns import RESULTS, encode_result
from engine.cli.output import Format, format_options, show_json, show_rows
from engine.cli.progress import ProgressLine
from engine.cli.words import MOMENT
from engine.core.timetext import format_time

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.monitoring.model import MonitorResult


@click.command()
@click.argument("monitors", type=MONITOR, nargs=-1)
@click.option("--once", is_flag=True, required=True, help="Look now, and end; `qd up` looks again and again.")
@click.option("--dry", is_flag=True, help="Keep nothing, and tell nobody.")
@format_options
@click.pass_obj
def run(session: Session, monitors: tuple[str, ...], fmt: Format, *, once: bool, dry: bool) -> None:
    """Have monitors look at what is new: those named, else all whose time has come."""
    del once  # says what this does; there is no other way here
    service = session.engine().monitors
    if not (monitors or dry):
        service.end_undeclared()
    names = monitors or tuple(each.name for each in service.due())
    found: list[MonitorResult] = []
    for name in names:
        found += service.run(name, dry=dry)
    if fmt is Format.JSON:
        show_json([encode_result(each) for each in found])
        return
    show_rows(found, RESULTS, fmt)
    narrate(f"{len(names)} looked; {_counted(len(found), 'result')}{' that nobody keeps' if dry else ''}.")


@click.command()
@click.argument("monitor", type=MONITOR)
@click.option("--since", "since_ms", type=MOMENT, default=0, help="From when; from the first row if not given.")
@click.option("--until", "until_ms", type=MOMENT, default=None, help="Until when; now if not given.")
@click.option("--pages", is_flag=True, help="Only what it would have told people.")
@format_options
@click.pass_obj
def backtest(session: Session, monitor: str, since_ms: int, until_ms: int | None, fmt: Format, *, pages: bool) -> None:
    """Show what a monitor would have found in the past, and what it would have paged; nothing is kept."""
    progress = ProgressLine("looking at the past")
    try:
        service = session.engine().monitors
        found = service.backtest(monitor, since_ms=since_ms, until_ms=until_ms, progress=progress)
    finally:
        progress.close()
    shown = found.pages if pages else found.results
    if fmt is Format.JSON:
        facts = {"monitor": found.monitor, "since_ms": found.since_ms, "until_ms": found.until_ms}
        counts = {"windows": found.windows, "budget": found.budget}
        told = {"results": [encode_result(each) for each in shown], "pages": [each.sentence for each in found.pages]}
        show_json({**facts, **counts, **told})
        return
    show_rows(shown, RESULTS, fmt)
    seen, paged = _counted(found.windows, "window"), _counted(len(found.pages), "page")
    narrate(f"{seen} until {format_time(found.until_ms)}: {paged}, where {found.budget:.2g} are bearable.")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
