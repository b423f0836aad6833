"""`qd labels`: what turned out to be true of predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.cells import age, count, moment
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.output import Column, Format, format_options, show_json, show_record, show_rows
from engine.cli.progress import ProgressLine
from engine.cli.words import MOMENT

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.telemetry.model import LabelReport

COLUMNS = (
    Column("value", lambda label: label.value, right=True),
    Column("time_ms", lambda label: label.time_ms, moment, "known since"),
    Column("received_ms", lambda label: label.received_ms, age, "came", right=True),
    Column("source", lambda label: label.source),
)


@click.group(cls=LazyGroup)
def labels() -> None:
    """What turned out to be true of predictions; it comes late, by request id."""


@labels.command("import")
@click.argument("file", type=click.Path())
@format_options
@click.pass_obj
def import_(session: Session, file: str, fmt: Format) -> None:
    """Take labels from the CSV FILE (request_id,label[,time]): all of them, or none when a row is wrong."""
    progress = ProgressLine("importing")
    try:
        report = session.engine().telemetry.import_labels(file, progress=progress)
    finally:
        progress.close()
    _show(report, fmt)


@labels.command()
@click.argument("request_id")
@click.argument("value")
@click.option("--time", "time_ms", type=MOMENT, metavar="TIME", help="When it became known; now by default.")
@format_options
@click.pass_obj
def add(session: Session, request_id: str, value: str, time_ms: int | None, fmt: Format) -> None:
    """Say that VALUE (a number, true, false or a text) was true of the request REQUEST_ID."""
    from engine.telemetry.label_rules import value_of
    from engine.telemetry.model import Label

    _show(session.engine().telemetry.label([Label(request_id, value_of(value), time_ms)]), fmt)


@labels.command()
@click.argument("request_id")
@format_options
@click.pass_obj
def show(session: Session, request_id: str, fmt: Format) -> None:
    """Print what was said of one request, captured or not; the last one holds."""
    found = session.engine().telemetry.labels(request_id)
    if fmt is Format.JSON:
        show_json({"items": found})
    else:
        show_rows(found, COLUMNS, fmt)


def _show(report: LabelReport, fmt: Format) -> None:
    if fmt is Format.HUMAN:
        told = f"{count(report.given, 'label')}: {report.stored} new, {report.repeated} known already"
        narrate(told + (f"; {report.waiting} wait for a request that was not captured." if report.waiting else "."))
    else:
        show_record(report, fmt)
