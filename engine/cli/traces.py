"""`qd traces`: what programs did while they answered requests, span by span."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from engine.cli.cells import age, count, duration, pairs
from engine.cli.confirmation import confirm
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import TRACE
from engine.cli.options import Search, past_option, search_options
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_page, show_record, show_rows
from engine.cli.words import DURATION, PAIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session

COLUMNS = (
    Column("trace_id", lambda trace: trace.trace_id, right=True),
    Column("name", lambda trace: trace.name),
    Column("state", lambda trace: trace.state.value),
    Column("start_ms", lambda trace: trace.start_ms, age, "started", right=True),
    Column("duration_ms", lambda trace: trace.duration_ms, duration, "took", right=True),
    Column("span_count", lambda trace: trace.span_count, title="spans", right=True),
    Column("tokens", lambda trace: trace.tokens and trace.tokens.total, right=True),
    Column("experiment", lambda trace: trace.experiment),
    Column("request", lambda trace: trace.request),
    Column("tags", lambda trace: trace.tags, pairs),
)
MEASURES = (
    Column("name", lambda measure: measure.group["name"]),
    Column("count", lambda measure: measure.count, right=True),
    Column("p50_ms", lambda measure: measure.percentiles[50], title="p50 ms", right=True),
    Column("p95_ms", lambda measure: measure.percentiles[95], title="p95 ms", right=True),
    Column("p99_ms", lambda measure: measure.percentiles[99], title="p99 ms", right=True),
    Column("max_ms", lambda measure: measure.greatest, title="max ms", right=True),
)
_SHOWN = "name LIKE 'answer%' and duration > '2s' and span.status = 'ERROR'"


@click.group(cls=LazyGroup)
def traces() -> None:
    """What programs did while they answered requests, span by span."""


@traces.command("list")
@search_options(example=_SHOWN, order="duration desc")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, search: Search, fmt: Format) -> None:
    """List traces, newest first."""
    from engine.traces.model import TraceQuery

    query = TraceQuery(search.filter, search.order_by, limit=search.limit, page_token=search.page_token)
    show_page(session.engine().traces.page(query), COLUMNS, fmt)


@traces.command("count")
@click.option("--filter", default="", metavar="TEXT", help=f'Such as "{_SHOWN}".')
@format_options
@click.pass_obj
def count_(session: Session, filter: str, fmt: Format) -> None:  # noqa: A002 the word of every list
    """Count traces."""
    from engine.traces.model import TraceQuery

    number = session.engine().traces.count(TraceQuery(filter))
    if fmt is Format.HUMAN:
        show_lines([str(number)])
    else:
        show_record({"count": number}, fmt)


@traces.command()
@click.option("--filter", default="", metavar="TEXT", help=f'Such as "{_SHOWN}".')
@click.option("--spans", is_flag=True, help="Measure the spans of these traces, by name.")
@format_options
@click.pass_obj
def measure(session: Session, filter: str, fmt: Format, *, spans: bool) -> None:  # noqa: A002 the word of every list
    """Say how many there are of each name, and how long they take."""
    from engine.traces.measure_model import MeasureQuery, Quantity, Subject

    subject = Subject.SPANS if spans else Subject.TRACES
    query = MeasureQuery(subject, Quantity.LATENCY_MS, by=("name",), percentiles=(50, 95, 99), filter=filter)
    show_rows(session.engine().traces.measure(query), MEASURES, fmt)


@traces.command()
@click.argument("trace_id", type=TRACE)
@click.option("--spans", default=500, show_default=True, type=click.IntRange(1), help="Draw at most so many spans.")
@format_options
@click.pass_obj
def show(session: Session, trace_id: str, spans: int, fmt: Format) -> None:
    """Show one trace: its spans as a tree, with what each took and when."""
    from engine.cli.waterfall import head, waterfall

    trace = session.engine().traces.get(trace_id)
    if fmt is Format.HUMAN:
        show_lines([*head(trace), "", *waterfall(trace, most=spans)])
    elif fmt is Format.JSON:
        show_json(trace)
    else:
        show_record(trace, fmt)


@traces.command()
@click.argument("trace_id", type=TRACE)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@format_options
@click.pass_obj
def tag(session: Session, trace_id: str, tags: Sequence[tuple[str, str]], remove: Sequence[str], fmt: Format) -> None:
    """Set or remove tags of a trace."""
    traces = session.engine().traces
    whole = traces.get(trace_id).summary.trace_id
    for key, value in [*tags, *((key, None) for key in remove)]:
        traces.set_tag(whole, key, value)
    show_record(traces.summary(whole), fmt)


@traces.command()
@click.argument("trace_id", type=TRACE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(session: Session, trace_id: str, *, yes: bool) -> None:
    """Delete one trace for ever."""
    traces = session.engine().traces
    found = traces.get(trace_id).summary
    act = f"This deletes the trace {found.trace_id} with {count(found.span_count, 'span')}"
    confirm(act, found.trace_id, yes=yes, sort=("trace", "delete"))
    traces.delete_one(found.trace_id)
    narrate(f"The trace {found.trace_id} is gone.")


@traces.command()
@click.option("--older-than", type=DURATION, required=True, metavar="AGE", help="Such as 30d: begun longer ago.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@format_options
@click.pass_obj
def prune(session: Session, older_than: int, fmt: Format, *, yes: bool) -> None:
    """Delete old traces for ever; others can log meanwhile."""
    from engine.traces.model import TraceQuery

    before_ms = time.time_ns() // 1_000_000 - older_than
    traces = session.engine().traces
    number = traces.count(TraceQuery(f"start_time < {before_ms}"))
    if number:
        confirm(f"This deletes {count(number, 'trace')}", "traces", yes=yes, sort=("trace", "prune"))
    gone = traces.prune(before_ms)
    if fmt is Format.HUMAN:
        narrate(f"{count(gone, 'trace')} deleted.")
    else:
        show_record({"deleted": gone, "begun_before_ms": before_ms}, fmt)
