"""`qd jobs`: long commands in processes of their own, which go on when the terminal is closed."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, duration
from engine.cli.groups import LazyGroup
from engine.cli.options import paging_options
from engine.cli.output import Column, Format, format_options, show_lines, show_page, show_record, write
from engine.core.plain import plain
from engine.jobs.model import JobState

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.cli.session import Session
    from engine.jobs.model import Job, Progress

FOLLOW_S = 0.2


def _far(progress: Progress | None) -> str:
    if progress is None:
        return "-"
    share = f" {100 * progress.done // progress.total} %" if progress.total else ""
    return f"{progress.what}{share}"


def _left(job: Job) -> int | None:
    return job.progress.left_ms if job.progress is not None and not job.state.over else None


COLUMNS = (
    Column("id", lambda job: job.id, right=True),
    Column("state", lambda job: job.state.value),
    Column("progress", lambda job: None if job.state is JobState.DONE else job.progress, _far),
    Column("left_ms", _left, duration, "left", right=True),
    Column("started_ms", lambda job: job.started_ms, age, "age", right=True),
    Column("exit_code", lambda job: job.exit_code, title="exit", right=True),
    Column("actor", lambda job: job.actor, title="by"),
    Column("title", lambda job: job.title),
)


def encode(job: Job) -> dict[str, Any]:
    """A job's JSON: its fields, and how long the present part still takes.

    Args:
        job: The job.
    """
    return {**plain(job), "left_ms": _left(job)}


@click.group(cls=LazyGroup)
def jobs() -> None:
    """Long commands in processes of their own, which go on when the terminal is closed."""


@jobs.command("list")
@paging_options
@format_options
@click.pass_obj
def list_(session: Session, /, fmt: Format, **paging: Any) -> None:
    """List the jobs of the workspace, newest first."""
    show_page(session.engine().jobs.page(**paging), COLUMNS, fmt, encode=encode)


@jobs.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...", type=click.UNPROCESSED)
@click.option("--title", default="", help="What it does; the command line, if not given.")
@format_options
@click.pass_obj
def start(session: Session, words: tuple[str, ...], title: str, fmt: Format) -> None:
    """Run a command by itself: qd jobs start -- monitors backtest loans --since 7d."""
    from engine.cli.lines import job_line

    show_record(encode(session.engine().jobs.start(job_line(words), title)), fmt)


@jobs.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...", type=click.UNPROCESSED)
def check(words: tuple[str, ...]) -> None:
    """Read the command line of a job without doing it; exit 2 says what is wrong with it."""
    from engine.cli.lines import job_line

    job_line(words)


@jobs.command()
@click.argument("job", type=click.IntRange(1))
@format_options
@click.pass_obj
def show(session: Session, job: int, fmt: Format) -> None:
    """Show how a job stands."""
    show_record(encode(session.engine().jobs.get(job)), fmt)


@jobs.command()
@click.argument("job", type=click.IntRange(1))
@click.option("--follow", "-f", is_flag=True, help="Go on until it ends, and end as it does.")
@click.pass_obj
def log(session: Session, job: int, *, follow: bool) -> int:
    """Print what a job has said."""
    engine, said = session.engine(), ""
    while True:
        state, text = engine.jobs.get(job), engine.jobs.log(job)
        new = text.removeprefix(said)
        if not follow:
            show_lines(text.splitlines())
            return 0
        if new:
            write(new)
            sys.stdout.flush()
        said = text
        if state.state.over:
            return _ended(state)
        time.sleep(FOLLOW_S)


@jobs.command()
@click.argument("job", type=click.IntRange(1))
@format_options
@click.pass_obj
def cancel(session: Session, job: int, fmt: Format) -> None:
    """Interrupt a job, as ctrl-c would; it leaves nothing half-written."""
    show_record(encode(session.engine().jobs.cancel(job)), fmt)


@jobs.command()
@click.argument("job", type=click.IntRange(1))
@format_options
@click.pass_obj
def wait(session: Session, job: int, fmt: Format) -> int:
    """Wait until a job has ended, and end as it did."""
    found = _awaited(session.engine(), job)
    show_record(encode(found), fmt)
    return _ended(found)


@jobs.command()
@click.argument("job", type=click.IntRange(1))
@click.pass_obj
def forget(session: Session, job: int) -> None:
    """Remove what is kept of a job that has ended."""
    session.engine().jobs.forget(job)


def _awaited(engine: Engine, number: int) -> Job:
    while not (job := engine.jobs.get(number)).state.over:
        time.sleep(FOLLOW_S)
    return job


def _ended(job: Job) -> int:
    return 1 if job.exit_code is None else job.exit_code
