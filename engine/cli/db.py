"""`qd db`: care of the workspace itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.confirmation import confirm
from engine.cli.diagnostics import FAILED, narrate
from engine.cli.groups import LazyGroup
from engine.cli.options import reason_option, yes_option
from engine.cli.output import Column, Format, format_options, show_json, show_record, show_rows
from engine.cli.progress import ProgressLine

if TYPE_CHECKING:
    from engine.cli.session import Session

FINDINGS = (
    Column("check", lambda finding: finding.check),
    Column("ok", lambda finding: finding.ok, lambda ok: "ok" if ok else "BAD"),
    Column("message", lambda finding: finding.message, title="found"),
)
TABLES = (
    Column("table", lambda table: table.table),
    Column("rows", lambda table: table.rows, right=True),
    Column("columns", lambda table: " ".join(table.columns)),
)


@click.group(cls=LazyGroup)
def db() -> None:
    """Back up, restore, check and measure the workspace."""


@db.command()
@click.argument("directory", type=click.Path())
@click.option("--no-telemetry", is_flag=True, help="Leave out what endpoints were asked and answered.")
@format_options
@click.pass_obj
def backup(session: Session, directory: str, fmt: Format, *, no_telemetry: bool) -> None:
    """Copy the workspace, while it is in use, into DIRECTORY (databases, artifacts, policy)."""
    progress = ProgressLine("backing up")
    made = session.engine().maintenance.backup(directory, telemetry=not no_telemetry, progress=progress)
    progress.close()
    show_record(made, fmt)


@db.command()
@click.argument("directory", type=click.Path())
@reason_option
@yes_option
@format_options
@click.pass_obj
def restore(session: Session, directory: str, reason: str, fmt: Format, *, yes: bool) -> None:
    """Bring the workspace back to the backup in DIRECTORY; other processes see it as one change."""
    name = Path(directory).name or directory
    engine = session.engine_to_restore()
    act = f"This replaces all of {engine.workspace.path} by the backup {directory}"
    confirm(act, name, yes=yes, sort=("workspace", "restore"))
    progress = ProgressLine("restoring")
    restored = engine.maintenance.restore(directory, reason=reason, progress=progress)
    progress.close()
    show_record(restored, fmt)


@db.command()
@click.option("--deep", is_flag=True, help="Re-hash every artifact file as well.")
@format_options
@click.pass_obj
def check(session: Session, fmt: Format, *, deep: bool) -> int:
    """Look whether the workspace is sound; exit 1 when it is not."""
    findings = session.engine().maintenance.check(deep=deep)
    if fmt is Format.JSON:
        show_json({"ok": all(finding.ok for finding in findings), "items": findings})
    else:
        show_rows(findings, FINDINGS, fmt)
    bad = [finding for finding in findings if not finding.ok]
    for finding in bad:
        narrate(f"qd: {finding.check}: {finding.message}")
    return FAILED if bad else 0


@db.command()
@format_options
@click.pass_obj
def stats(session: Session, fmt: Format) -> None:
    """Print the workspace in numbers: sizes and rows."""
    found = session.engine().maintenance.stats()
    if fmt is Format.JSON:
        show_json(found)
        return
    if fmt is Format.HUMAN:
        show_record(found, fmt, leave_out=("tables",))
    show_rows(found.tables, TABLES, fmt)
