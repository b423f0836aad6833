"""`qd runs aggregate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.live_names import EXPERIMENT
from engine.cli.options import past_option
from engine.cli.output import Column, Format, format_options, show_record, show_rows

if TYPE_CHECKING:
    from engine.cli.session import Session


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


COLUMNS = (
    Column("column", lambda each: each.column),
    Column("count", lambda each: each.count, right=True),
    Column("missing", lambda each: each.missing, right=True),
    Column("least", lambda each: each.least, _number, right=True),
    Column("mean", lambda each: each.mean, _number, right=True),
    Column("greatest", lambda each: each.greatest, _number, right=True),
)


@click.command()
@click.argument("columns", nargs=-1, required=True, metavar="COLUMN…")
@click.option(
    "--find", default="", metavar="QUERY", help="As typed after / in the console: 'cfg.lr>=1e-3 -note:debug churn'."
)
@click.option("--experiment", type=EXPERIMENT, help="Only runs of this experiment.")
@click.option("--filter", "text", default="", metavar="TEXT", help='Such as "metrics.auc > 0.9".')
@past_option
@format_options
@click.pass_obj
def aggregate(session: Session, /, columns: tuple[str, ...], text: str, fmt: Format, **where: str | None) -> None:
    """Count, least, mean and greatest of COLUMN over all runs that a filter finds.

    COLUMN is metrics.KEY, params.KEY, tags.KEY or duration (milliseconds).
    """
    from engine.tracking.model import RunQuery

    asked = RunQuery(filter=text, find=where["find"] or "", experiment=where["experiment"])
    found = session.engine().runs.aggregates(asked, list(columns))
    if fmt is Format.JSON:
        show_record(found, fmt)
    else:
        show_rows(found.columns, COLUMNS, fmt)
