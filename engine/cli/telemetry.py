"""`qd telemetry`: what endpoints were asked and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, number
from engine.cli.groups import LazyGroup
from engine.cli.options import gathered, paging_options
from engine.cli.output import Column, Format, format_options, show_json, show_page, show_record, show_rows
from engine.cli.words import MOMENT

if TYPE_CHECKING:
    from engine.cli.session import Session

PREDICTIONS = (
    Column("request_id", lambda each: each.request_id),
    Column("version", lambda each: each.key),
    Column("share", lambda each: each.share),
    Column("time_ms", lambda each: each.time_ms, age, "asked", right=True),
    Column("latency_ms", lambda each: each.latency_ms, number, "ms", right=True),
    Column("status", lambda each: each.status, right=True),
    Column("rows", lambda each: len(each.inputs), right=True),
    Column("inputs", lambda each: list(each.inputs)),
    Column("outputs", lambda each: each.outputs),
)
TRAFFIC = (
    Column("deployment", lambda each: each.deployment, right=True),
    Column("share", lambda each: each.share),
    Column("generation", lambda each: each.generation, right=True),
    Column("rps", lambda each: each.rps, number, "requests/s", right=True),
    Column("error_rate", lambda each: each.error_rate, lambda share: f"{100 * share:.1f} %", "errors", right=True),
    Column("p50_ms", lambda each: each.p50_ms, number, "p50 ms", right=True),
    Column("p95_ms", lambda each: each.p95_ms, number, "p95 ms", right=True),
    Column("p99_ms", lambda each: each.p99_ms, number, "p99 ms", right=True),
    Column("last_ms", lambda each: each.last_ms, age, "last", right=True),
)
COUNTS = (
    Column("endpoint", lambda each: each.endpoint, right=True),
    Column("deployment", lambda each: each.deployment, right=True),
    Column("sent", lambda each: each.sent, right=True),
    Column("stored", lambda each: each.stored, right=True),
    Column("dropped", lambda each: each.dropped, right=True),
)


class Which:
    """Which predictions to list: what `PredictionQuery` says, but for the endpoint.

    Args:
        fields: Its fields and their values.
    """

    __slots__ = ("fields",)
    _fields = ("version", "share", "status", "failed", "since_ms")

    def __init__(self, **fields: Any) -> None:
        self.fields = fields


@click.group(cls=LazyGroup)
def telemetry() -> None:
    """What endpoints were asked and answered: traffic, captured predictions."""


@telemetry.command()
@format_options
@click.pass_obj
def stats(session: Session, fmt: Format) -> None:
    """Print what is kept, what was dropped, and whether the capture writer lives."""
    found = session.engine().telemetry.stats()
    if fmt is Format.HUMAN:
        show_record(found, fmt, leave_out=("counts",))
        show_rows(found.counts, COUNTS, fmt)
    elif fmt is Format.JSON:
        show_json(found)
    else:
        show_rows(found.counts, COUNTS, fmt)


@telemetry.command()
@click.argument("endpoint")
@click.option("--seconds", default=10, show_default=True, type=click.IntRange(1, 3600), help="How long to look back.")
@format_options
@click.pass_obj
def traffic(session: Session, endpoint: str, seconds: int, fmt: Format) -> None:
    """Print how the deployments of ENDPOINT do of late; percentiles are within 5 %."""
    found = session.engine().telemetry.live(endpoint, seconds=seconds)
    if fmt is Format.JSON:
        show_json({"items": found})
    else:
        show_rows(found, TRAFFIC, fmt)


@telemetry.command()
@click.argument("endpoint")
@click.option("--version", type=click.IntRange(1), help="Answered by this version.")
@click.option("--share", type=click.Choice(["live", "canary", "shadow", "standby"]), help="Answered with this share.")
@click.option("--status", type=click.IntRange(100, 599), help="Answered with this HTTP status.")
@click.option("--failed/--answered", default=None, help="With a status of 500 or more, or only the others.")
@click.option("--since", "since_ms", type=MOMENT, default=0, metavar="TIME", help="Asked since, such as 2h.")
@gathered("which", Which)
@paging_options
@format_options
@click.pass_obj
def predictions(session: Session, endpoint: str, which: Which, limit: int, page_token: str | None, fmt: Format) -> None:
    """List the captured predictions of ENDPOINT, newest first."""
    from engine.telemetry.model import PredictionQuery

    query = PredictionQuery(endpoint, limit=limit, page_token=page_token or "", **which.fields)
    show_page(session.engine().telemetry.predictions(query), PREDICTIONS, fmt)


@telemetry.command()
@click.argument("request_id")
@format_options
@click.pass_obj
def show(session: Session, request_id: str, fmt: Format) -> None:
    """Show one captured prediction with what was said of it later."""
    show_record(session.engine().telemetry.get(request_id), fmt)
