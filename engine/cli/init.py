"""`qd init`: make a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.output import format_options, show_record

if TYPE_CHECKING:
    from engine.cli.output import Format
    from engine.cli.session import Session


@click.command()
@click.argument("directory", required=False)
@click.option("--exist-ok", is_flag=True, help="Accept a workspace that is there already.")
@format_options
@click.pass_obj
def init(session: Session, directory: str | None, fmt: Format, *, exist_ok: bool) -> None:
    """Make a workspace in DIRECTORY (by default where `qd` would look for one)."""
    from engine import api

    made = api.create(directory or session.workspace, exist_ok=exist_ok)
    show_record({"workspace": str(made.path), "database": str(made.control_db)}, fmt)
    narrate("Next: `qd server` for MLflow programs, `qd demo` for real models, or log with engine.open().runs.start().")
