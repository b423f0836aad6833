"""`qd info`: where everything is, path by path."""

from __future__ import annotations

import os
import sys

import click

from engine.cli.output import Column, Format, format_options, show_rows
from engine.cli.session import Session

COLUMNS = (
    Column("what", lambda row: row[0]),
    Column("path", lambda row: row[1]),
    Column("there", lambda row: row[2], lambda there: "yes" if there else "no"),
)


@click.command()
@format_options
@click.pass_obj
def info(session: Session, fmt: Format) -> None:
    """Print every path: program, workspace, databases, artifacts, policy, logs."""
    from pathlib import Path

    import engine
    from engine.core.places import user_config, user_state
    from engine.db.workspace import find_workspace
    from engine.processes.up import logs

    place = find_workspace(session.workspace, environ=os.environ, cwd=Path.cwd())
    paths = (
        ("program", Path(engine.__file__).parent),
        ("python", Path(sys.executable)),
        ("workspace", place.path),
        ("control database", place.control_db),
        ("telemetry database", place.telemetry_db),
        ("artifacts", place.artifacts),
        ("policy", place.policy_file),
        ("spool", place.spool),
        ("data planes", place.planes),
        ("logs of `qd up`", logs(place)),
        ("user settings", user_config()),
        ("user state", user_state()),
    )
    show_rows([(what, str(path), path.exists()) for what, path in paths], COLUMNS, fmt)
