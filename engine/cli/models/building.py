"""`qd models build`, `export`, `allow-pickle` and `forbid-pickle`: what makes a version ready to serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.cells import count, size
from engine.cli.diagnostics import REFUSED, narrate
from engine.cli.live_names import MODEL, VERSION
from engine.cli.options import reason_option
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_rows
from engine.cli.progress import ProgressStory
from engine.core.errors import AlreadyExists, InvalidInput
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.endpoints.model import Build
    from engine.runtimes.model import ParityCheck, ParityReport

    Row = tuple[ParityReport, ParityCheck | None]

_PARITY = (
    Column("runtime", lambda row: row[0].kind.value),
    Column("accepted", lambda row: "yes" if row[0].accepted else "no"),
    Column("rows", lambda row: "-" if row[1] is None else f"{row[1].rows} {row[1].rows_from}", right=True),
    Column("labels_differ", lambda row: "-" if row[1] is None else str(row[1].labels_differ), right=True),
    Column(
        "greatest_difference", lambda row: "-" if row[1] is None else f"{row[1].greatest_difference:.2g}", right=True
    ),
    Column("reason", lambda row: row[0].reason),
)


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.option("--again", is_flag=True, help="Build it even when the same bytes are ready already.")
@format_options
@click.pass_obj
def build(session: Session, model: str, version: int, fmt: Format, *, again: bool) -> None:
    """Make a version ready to serve, and show which runtime answers for it and why."""
    progress = ProgressStory("building")
    try:
        built = session.engine().builds.build(model, version, again=again, progress=progress.tell)
    finally:
        progress.close()
    if fmt is Format.JSON:
        show_json({"model": model, "version": version, **plain(built)})
        return
    if fmt is Format.HUMAN:
        show_lines([_summary(model, version, built), ""])
    show_rows(_rows(built.parity), _PARITY, fmt)


@click.command()
@click.argument("reference", metavar="MODEL@ALIAS")
@click.option(
    "--onnx", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@click.option("--force", is_flag=True, help="Write over a file that is there, and a twin that answers differently.")
@format_options
@click.pass_obj
def export(session: Session, reference: str, path: Path, fmt: Format, *, force: bool) -> int:
    """Write a version (churn/7, churn@production) as ONNX for use elsewhere, its parity report beside it.

    Exit 4 when it does not answer as the model does.
    """
    engine = session.engine()
    found = engine.models.resolve(reference)
    beside = path.with_name(path.name + ".parity.json")
    if not force:
        _refuse_existing(path, beside)
    progress = ProgressStory("exporting")
    try:
        twin, report = engine.builds.export(found.model, found.version, progress=progress.tell)
    finally:
        progress.close()
    document = {"model": found.model, "version": found.version, "digest": found.digest, "parity": plain(report)}
    if not report.accepted and not force:
        narrate(f"qd: nothing was written: {report.reason} --force writes it all the same.")
        return REFUSED
    import json

    _write_whole(path, twin)
    _write_whole(beside, json.dumps(document, indent=2).encode() + b"\n")
    if fmt is Format.JSON:
        show_json({**document, "path": str(path), "size_bytes": len(twin)})
    else:
        show_rows(_rows((report,)), _PARITY, fmt)
    narrate(f"{found.key} is in {path} ({size(len(twin))}), its parity report in {beside}.")
    return 0


@click.command(name="allow-pickle")
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@reason_option
@click.pass_obj
def allow_pickle(session: Session, model: str, version: int, reason: str) -> None:
    """Answer for a pickled version: it may be loaded, in a process of its own. A pickle is code; needs an approver."""
    session.engine().builds.allow_pickle(model, version, reason=reason)
    narrate(f"The pickle of {model}/{version} may be loaded. `qd models build {model} {version}` tries it.")


@click.command(name="forbid-pickle")
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@reason_option
@click.pass_obj
def forbid_pickle(session: Session, model: str, version: int, reason: str) -> None:
    """Take an approver's word for a pickled version back: it is not loaded any more. Needs an approver."""
    session.engine().builds.forbid_pickle(model, version, reason=reason)
    narrate(f"The pickle of {model}/{version} is not loaded any more.")


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise AlreadyExists(f"{path} is there already.", hint="Choose another name, or add --force.")


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidInput(f"{path} cannot be written ({error.strerror}).", hint="Choose another place.") from error


def _rows(reports: tuple[ParityReport, ...]) -> list[Row]:
    return [(report, check) for report in reports for check in (report.checks or (None,))]


def _summary(model: str, version: int, built: Build) -> str:
    inputs = count(len(built.interface.inputs), "input")
    return f"{model}/{version} answers by {built.kind.value}: {inputs}, {size(built.size_bytes)} to load."
