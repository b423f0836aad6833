"""`qd demo`: real models to look at, within a minute."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.output import Format, format_options, show_record
from engine.cli.progress import ProgressStory

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.command()
@click.option("--headless", is_flag=True, help="Print a summary instead of opening the console.")
@click.option("--no-live", is_flag=True, help="Leave no run training in the background.")
@format_options
@click.pass_obj
def demo(session: Session, fmt: Format, *, headless: bool, no_live: bool) -> int:
    """Train real models, register and promote them in a workspace of their own, then open the console."""
    from engine.demo.service import demo_directory, make_demo

    directory = demo_directory(session.workspace)
    progress = ProgressStory("preparing")
    summary = make_demo(directory, progress.tell, live=not no_live)
    progress.close()
    watched = sys.stdin.isatty() and sys.stdout.isatty()
    if headless or not watched or session.open_console is None or fmt is not Format.HUMAN:
        # The processes in the background need seconds to load their libraries: they may not be there yet.
        show_record(summary, fmt, leave_out=[name for name in ("live_run", "served") if not getattr(summary, name)])
        if not no_live:
            narrate("In the background, for ten minutes: the run network-live trains, and the endpoints are asked.")
        here = f"{_program()} --workspace {shlex.quote(summary.workspace)}"
        narrate(f"Next: {here}")
        narrate(f"MLflow programs log to it with: {here} server, then MLFLOW_TRACKING_URI=http://127.0.0.1:5000")
        return 0
    return session.open_console(session.wish()._replace(workspace=summary.workspace))


def _program() -> str:
    """What to type for this program: its path where the shell would not find its name, as before `.venv` is active."""
    import shutil
    from pathlib import Path

    own, found = Path(sys.argv[0]), shutil.which("qd")
    if own.name != "qd" or (found is not None and Path(found).resolve() == own.resolve()):
        return "qd"
    return shlex.quote(str(own))
