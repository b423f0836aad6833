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

SETTINGS = (("saved views", "views.toml"), ("themes", "themes"))
"""What an operator keeps for all workspaces, and where in the folder of settings."""

REMEMBERED = (
    ("commands typed", "history"),
    ("columns and orders", "arrangements.json"),
    ("theme chosen", "theme"),
    ("log of the console", "console.log"),
    ("copies too long", "clipboard"),
    ("crash reports", "crashes"),
)
"""What the console remembers, and where in the folder of state."""


@click.command()
@format_options
@click.pass_obj
def info(session: Session, fmt: Format) -> None:
    """Print every path: program, workspace, databases, artifacts, policy, logs."""
    from pathlib import Path

    import engine
    from engine.core.places import user_config, user_state
    from engine.db.workspace import find_workspace
    from engine.demo.service import demo_directory
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
        ("jobs", place.path / "jobs"),
        ("logs of `qd up`", logs(place)),
        ("demo", demo_directory(None)),
        ("user settings", user_config()),
        *((what, user_config() / name) for what, name in SETTINGS),
        ("user state", user_state()),
        *((what, user_state() / name) for what, name in REMEMBERED),
    )
    show_rows([(what, str(path), path.exists()) for what, path in paths], COLUMNS, fmt)
