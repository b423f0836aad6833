"""`qd doctor`: looks at the workspace, the machine and the terminal, and says what to mend."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.output import Column, Format, format_options, show_rows
from engine.core.errors import QuarterdeckError
from engine.core.locales import NAMES, is_utf8, launch_environ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.cli.session import Session
    from engine.db.workspace import Workspace

GOOD, FAIR, BAD = "ok", "look", "BAD"
"""Sound; works, but somebody should look; does not work."""

LEAST_FREE_BYTES, FEW_FREE_BYTES = 100 << 20, 1 << 30
AHEAD_MS = 120_000
"""How far in the future the newest record may lie before the clock is in doubt, in milliseconds."""

LEAST_SQLITE = (3, 35, 0)
REQUIRED = {
    "click": "commands",
    "textual": "the console",
    "msgspec": "the server",
    "numpy": "models",
    "onnxruntime": "serving",
    "pyarrow": "Parquet",
    "sklearn": "models",
}
"""What each part stands on; found without loading it."""


class Diagnosis(NamedTuple):
    """What one look has found.

    Args:
        check: What was looked at.
        state: `ok`, `look` or `BAD`.
        found: What was found, in a sentence.
        mend: What to do about it; empty when nothing is.
    """

    check: str
    state: str
    found: str
    mend: str = ""


COLUMNS = (
    Column("check", lambda each: each.check),
    Column("state", lambda each: each.state),
    Column("found", lambda each: each.found),
    Column("mend", lambda each: each.mend, title="what to do"),
)


@click.command()
@format_options
@click.pass_obj
def doctor(session: Session, fmt: Format) -> int:
    """Look at workspace, machine and terminal, and say what to mend (exit 1 when something does not work)."""
    found = [*_machine(), *_terminal(os.environ, terminal=sys.stdout.isatty()), *_workspace(session)]
    show_rows(found, COLUMNS, fmt)
    return 1 if any(each.state == BAD for each in found) else 0


def _machine() -> Iterator[Diagnosis]:
    import sqlite3
    from importlib.util import find_spec

    from engine import __version__

    yield Diagnosis("program", GOOD, f"quarterdeck {__version__}, Python {sys.version.split()[0]}")
    old = sqlite3.sqlite_version_info < LEAST_SQLITE
    least = ".".join(map(str, LEAST_SQLITE))
    yield Diagnosis(
        "sqlite",
        BAD if old else GOOD,
        sqlite3.sqlite_version,
        f"Use a Python with SQLite {least} or newer." if old else "",
    )
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        lost = ", ".join(f"{name} ({REQUIRED[name]})" for name in missing)
        yield Diagnosis("packages", BAD, f"missing: {lost}", "Install quarterdeck again: `make install`, or pip.")
    else:
        yield Diagnosis("packages", GOOD, f"all {len(REQUIRED)} are there")


def _terminal(environ: Mapping[str, str], *, terminal: bool) -> Iterator[Diagnosis]:
    as_set = launch_environ(environ)
    locale = next((as_set[name] for name in NAMES if as_set.get(name)), "C")
    utf8 = is_utf8(as_set)
    yield Diagnosis(
        "locale",
        GOOD if utf8 else FAIR,
        locale,
        "" if utf8 else "export LANG=C.UTF-8 for borders and curves; ASCII until then.",
    )
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        yield Diagnosis(
            "terminal", FAIR, f"TERM is {term or 'not set'}", "The console needs a terminal; commands do not."
        )
        return
    yield Diagnosis("terminal", GOOD, f"{term}{'' if terminal else ', not on this standard output'}")
    if terminal:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        small = columns < 60 or rows < 15
        yield Diagnosis(
            "window",
            FAIR if small else GOOD,
            f"{columns} x {rows}",
            "The console wants 60 x 15, better 80 x 24." if small else "",
        )


def _workspace(session: Session) -> Iterator[Diagnosis]:
    from pathlib import Path

    from engine.db.workspace import find_workspace

    place = find_workspace(session.workspace, environ=os.environ, cwd=Path.cwd())
    try:
        session.engine()
    except QuarterdeckError as error:
        yield Diagnosis("workspace", BAD, error.message, error.hint)
        return
    yield Diagnosis("workspace", GOOD, str(place.path))
    yield from _space(place)
    looks: tuple[Callable[[], Diagnosis], ...] = (
        lambda: _policy(session),
        lambda: _clock(session),
        lambda: _database(session),
        lambda: _server(session),
        lambda: _planes(session),
        lambda: _capture(session),
    )
    for look in looks:
        try:
            yield look()
        except QuarterdeckError as error:
            yield Diagnosis("workspace", BAD, error.message, error.hint)


def _space(place: Workspace) -> Iterator[Diagnosis]:
    import shutil

    usage = shutil.disk_usage(place.path)
    free = f"{usage.free / 2**30:.1f} GiB free"
    if usage.free < LEAST_FREE_BYTES:
        yield Diagnosis("disk", BAD, free, "Free some space: nothing can be written soon.")
    elif usage.free < FEW_FREE_BYTES:
        yield Diagnosis("disk", FAIR, free, "Free some space; `qd db stats` says what is large.")
    else:
        yield Diagnosis("disk", GOOD, free)
    writable = os.access(place.path, os.W_OK)
    if not writable:
        yield Diagnosis("permissions", FAIR, "this user may not write here", "Look with --readonly, or ask its owner.")


def _policy(session: Session) -> Diagnosis:
    policy = session.engine().policy
    if policy.missing:
        return Diagnosis("policy", GOOD, "none; everybody is admin", "")
    return Diagnosis("policy", GOOD, f"valid; you are {session.engine().access.role.label}")


def _clock(session: Session) -> Diagnosis:
    from engine.core.timetext import format_time

    engine = session.engine()
    newest = engine.audit.page(limit=1).items
    now_ms = engine.clock.now_ms()
    if newest and newest[0].time_ms > now_ms + AHEAD_MS:
        told = f"the newest record is of {format_time(newest[0].time_ms)}, now is {format_time(now_ms)}"
        return Diagnosis("clock", FAIR, told, "Set this machine's clock; durations and freezes go by it.")
    return Diagnosis("clock", GOOD, format_time(now_ms))


def _database(session: Session) -> Diagnosis:
    from engine.maintenance.model import Finding

    report = session.engine().maintenance.check()
    bad: list[Finding] = [each for each in report if not each.ok]
    if bad:
        return Diagnosis(
            "soundness", BAD, bad[0].message, "`qd db check` has all of it; `qd db restore` brings a backup."
        )
    return Diagnosis("soundness", GOOD, f"{len(report)} checks passed; `qd db check --deep` reads every file")


def _server(session: Session) -> Diagnosis:
    running = session.engine().processes.server()
    return Diagnosis(
        "server", GOOD, "none runs" if running is None else f"process {running.owner.pid} of {running.owner.user}"
    )


def _planes(session: Session) -> Diagnosis:
    engine = session.engine()
    living = len(engine.endpoints.planes())
    wanted = [
        each for each in engine.endpoints.page(limit=1_000).items if each.desired is not None and each.desired.routes
    ]
    behind = [each.name for each in wanted if not each.settled]
    if wanted and not living:
        return Diagnosis("serving", FAIR, f"{len(wanted)} endpoints, and no data plane", "`qd serve`, or `qd up`.")
    if behind:
        return Diagnosis("serving", FAIR, f"not served as asked: {', '.join(behind[:5])}", "`qd endpoints show NAME`.")
    return Diagnosis("serving", GOOD, f"{len(wanted)} endpoints, {living} data planes")


def _capture(session: Session) -> Diagnosis:
    stats = session.engine().telemetry.stats()
    if stats.writer.problem:
        return Diagnosis("capture", FAIR, stats.writer.problem, "See `qd telemetry stats`.")
    if stats.spool_bytes and not stats.writer.alive:
        return Diagnosis(
            "capture", FAIR, f"{stats.spool_bytes} bytes wait, and nobody stores them", "`qd serve`, or `qd up`."
        )
    return Diagnosis("capture", GOOD, f"{stats.predictions} predictions kept")
