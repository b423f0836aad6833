"""`qd export`: a workspace in the words of other trackers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.output import Format, format_options, show_record
from engine.cli.progress import ProgressStory

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.group(cls=LazyGroup)
def export() -> None:
    """A workspace in the words of other trackers."""


@export.command()
@click.argument("folder", type=click.Path(path_type=Path))
@format_options
@click.pass_obj
def mlflow(session: Session, folder: Path, fmt: Format) -> None:
    """Write an MLflow database and its artifacts into FOLDER, which must not be there yet.

    `MLFLOW_TRACKING_URI=sqlite:///FOLDER/mlflow.db` opens it; MLflow 3.0 or newer.
    """
    from engine.exchange.exporting import export_mlflow

    progress = ProgressStory("exporting")
    try:
        report = export_mlflow(session.engine(), folder, progress.tell)
    finally:
        progress.close()
    show_record(report, fmt)
    narrate(f"Open it with MLFLOW_TRACKING_URI=sqlite:///{report.database}")
