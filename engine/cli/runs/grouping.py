"""`qd runs groups`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.live_names import EXPERIMENT
from engine.cli.options import Search, past_option, search_options
from engine.cli.output import Column, Format, format_options, show_page, show_record
from engine.core.paging import Page

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.core.grouping import Group

_NONE = "—"
_NUMBERS = (("least", "min"), ("mean", "mean"), ("greatest", "max"))


def _value(value: object) -> str:
    return _NONE if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _added(place: int, name: str) -> list[Column]:
    """The columns of what one column of runs comes to."""

    def column(number: str, title: str) -> Column:
        def read(group: Group) -> Any:
            return getattr(group.columns[place], number)

        return Column(f"{name}.{number}", read, _number, f"{name} {title}", right=True)

    return [column(number, title) for number, title in _NUMBERS]


@click.command()
@click.option("--by", required=True, metavar="KEY", help="params.lr, tags.team, params.config$.lr, experiment, status…")
@click.option("--columns", metavar="KEY,…", help="What to add up in each group: metrics.auc,params.lr,duration.")
@click.option(
    "--find", default="", metavar="QUERY", help="As typed after / in the console: 'cfg.lr>=1e-3 -note:debug churn'."
)
@click.option("--experiment", type=EXPERIMENT, help="Only runs of this experiment.")
@search_options(example="metrics.auc > 0.9 and params.model = 'tree'", order="metrics.auc desc")
@past_option
@format_options
@click.pass_obj
def groups(session: Session, /, search: Search, fmt: Format, by: str, **asked: str | None) -> None:
    """Group the runs that a filter finds by what they have in common, and add up columns in each group.

    Groups come in the order of their first runs; the runs without a value are a group of their own, the last.
    """
    from engine.tracking.model import RunQuery

    names = [key.strip() for key in (asked["columns"] or "").split(",") if key.strip()]
    query = RunQuery(
        filter=search.filter,
        order_by=search.order_by,
        experiment=asked["experiment"],
        limit=search.limit,
        page_token=search.page_token,
        find=asked["find"] or "",
    )
    found = session.engine().runs.groups(query, by=by, columns=names)
    if fmt is Format.JSON:
        show_record(found, fmt)
        return
    added = [column for place, name in enumerate(names) for column in _added(place, name)]
    shown = (Column("value", lambda group: group.value, _value), Column("count", lambda group: group.count, right=True))
    show_page(Page(found.items, found.next_page_token), [*shown, *added], fmt)
