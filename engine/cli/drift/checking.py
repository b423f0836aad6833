"""`qd drift check` and `qd drift report`: one set of rows held against another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import FAILED, narrate
from engine.cli.drift.asking import How, Where, comparing_options, executor, reading_options, wanted
from engine.cli.drift.showing import show
from engine.cli.live_names import REFERENCE
from engine.cli.output import Format, format_options
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.drift.model import DriftReport

DRIFTED = FAILED
"""The exit code of `--fail-on-drift` where something drifted."""

_SOURCES = click.argument("sources", metavar="[REF] CUR", nargs=-1, required=True)
_BASELINE = click.option(
    "--baseline", type=REFERENCE, default="", help="Compare with a version's baseline, no REF then."
)


@click.command()
@_SOURCES
@_BASELINE
@comparing_options
@reading_options
@click.option("--all", "whole", is_flag=True, help="Show every feature, however many.")
@click.option("--fail-on-drift", is_flag=True, help="Exit 1 when anything drifted.")
@format_options
@click.pass_obj
def check(  # noqa: PLR0913 one parameter an argument or group of options
    session: Session,
    sources: tuple[str, ...],
    baseline: str,
    how: How,
    where: Where,
    fmt: Format,
    *,
    whole: bool,
    fail_on_drift: bool,
) -> int:
    """Say for each column whether CUR has drifted from REF: CSV, gzip CSV, Parquet; files, folders, globs.

    No workspace is needed, except for --baseline. Columns count as drifted when their PSI is certainly more than a
    margin, with all columns taken into account; "not enough data" is said where too few rows could tell. Exit codes: 0
    compared, whatever was found; 1 something drifted and --fail-on-drift was given, or it failed; 2 wrong usage or
    unreadable data.
    """
    report = compare(session, sources, baseline, how, where)
    show(report, fmt, whole=whole)
    return DRIFTED if fail_on_drift and report.drift else 0


@click.command()
@_SOURCES
@_BASELINE
@comparing_options
@reading_options
@click.option("--html", "target", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file.")
@click.option("--fail-on-drift", is_flag=True, help="Exit 1 when anything drifted.")
@click.pass_obj
def report(  # noqa: PLR0913 one parameter an argument or group of options
    session: Session,
    sources: tuple[str, ...],
    baseline: str,
    how: How,
    where: Where,
    *,
    target: Path,
    fail_on_drift: bool,
) -> int:
    """Write a comparison as one HTML file of at most 300 KB that needs nothing else."""
    import time

    from engine.drift.html import page

    found = compare(session, sources, baseline, how, where)
    written = page(found, made_ms=time.time_ns() // 1_000_000).encode()
    target.write_bytes(written)
    narrate(f"{found.sentence} {target} has {len(written) / 1000:.0f} KB.")
    return DRIFTED if fail_on_drift and found.drift else 0


def compare(session: Session, sources: tuple[str, ...], baseline: str, how: How, where: Where) -> DriftReport:
    """Compare what was named.

    Args:
        session: Opens the workspace, where a baseline is named.
        sources: The reference and the current data; with a baseline the current data only.
        baseline: A version, such as `churn@production`; empty for none.
        how: How to compare.
        where: What works.

    Returns:
        The report.

    Raises:
        QuarterdeckError: something cannot be read, or is not there.
    """
    expected = 1 if baseline else 2
    if len(sources) != expected:
        what = "one thing beside --baseline: CUR" if baseline else "two things: REF and CUR"
        raise InvalidInput(f"Name {what}.", hint="Quote globs, so that the shell does not expand them.")
    asked = wanted(how)
    with executor(where) as chosen:
        if baseline:
            return session.engine().drift.check(baseline, sources[-1], asked, executor=chosen)
        from engine.drift.checking import check_sources

        return check_sources(sources[0], sources[1], asked, executor=chosen)
