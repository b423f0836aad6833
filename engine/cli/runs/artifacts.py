"""`qd runs artifacts`: the files a run left behind."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from engine.cli.cells import digest, size
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import RUN
from engine.cli.output import Column, Format, format_options, show_json, show_rows
from engine.core.errors import AlreadyExists, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session
    from engine.tracking.model import Artifact

COLUMNS = (
    Column("path", lambda artifact: f"{artifact.path}/" if artifact.is_dir else artifact.path),
    Column("size_bytes", lambda artifact: artifact.size_bytes, size, "size", right=True),
    Column("digest", lambda artifact: artifact.digest, digest),
)


@click.group(cls=LazyGroup)
def artifacts() -> None:
    """The files a run left behind."""


@artifacts.command("list")
@click.argument("run", type=RUN)
@click.argument("path", default="")
@format_options
@click.pass_obj
def list_(session: Session, run: str, path: str, fmt: Format) -> None:
    """List what lies in the folder PATH of a run, or at its top."""
    _show(session.engine().runs.artifacts(run, path), fmt)


@artifacts.command()
@click.argument("run", type=RUN)
@click.argument("path")
@click.option("--output", metavar="FILE", required=True, help="Where to write it; - is stdout.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.pass_obj
def get(session: Session, run: str, path: str, output: str, *, force: bool) -> None:
    """Write the file PATH of a run to FILE, and nowhere else; its bytes are checked against their digest first."""
    with session.engine().runs.open_artifact(run, path) as source:
        if output == "-":
            _to_stdout(source)
        else:
            _to_file(source, Path(output), force=force)


def _to_stdout(source: BinaryIO) -> None:
    if sys.stdout.isatty():
        raise InvalidInput("The bytes of an artifact may not be sent to a terminal.", hint="Name a file or use a pipe.")
    shutil.copyfileobj(source, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def refuse_taken(target: Path, *, force: bool) -> None:
    """Say how to replace a file before anything is read for it.

    Raises:
        AlreadyExists: a file is there, and `--force` was not given.
    """
    if not force and os.path.lexists(target) and not target.is_dir():
        raise AlreadyExists(f"{target} is there already.", hint="Add --force to replace it.")


def _to_file(source: BinaryIO, target: Path, *, force: bool) -> None:
    refuse_taken(target, force=force)
    if target.exists() and not (target.is_file() or target.is_dir()):
        with target.open("wb") as stream:  # a device or a pipe is written to, never replaced
            shutil.copyfileobj(source, stream)
        return
    from engine.core.saving import new_file

    with new_file(target, replace=force) as file:
        shutil.copyfileobj(source, file)
    narrate(f"{target} written.")


@artifacts.command()
@click.argument("run", type=RUN)
@click.argument("local", type=click.Path(exists=True, path_type=Path))
@click.option("--path", "folder", default="", metavar="FOLDER", help="The folder it goes into.")
@format_options
@click.pass_obj
def put(session: Session, run: str, local: Path, folder: str, fmt: Format) -> None:
    """Keep a copy of the file LOCAL, or of all files below the folder LOCAL, with a run."""
    above = f"{folder.rstrip('/')}/" if folder else ""
    if local.is_dir():
        files = [
            (file, above + file.relative_to(local).as_posix()) for file in sorted(local.rglob("*")) if not file.is_dir()
        ]
    else:
        files = [(local, above + local.name)]
    _show(session.engine().runs.log_files(run, files), fmt)


def _show(found: Sequence[Artifact], fmt: Format) -> None:
    if fmt is Format.JSON:
        show_json({"items": found, "next_page_token": None})
    else:
        show_rows(found, COLUMNS, fmt)
