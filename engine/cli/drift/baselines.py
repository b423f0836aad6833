"""`qd drift baseline` and `baselines`: what a version's data is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.cells import age, size
from engine.cli.diagnostics import narrate
from engine.cli.drift.asking import Where, executor, names, reading_options, weights
from engine.cli.live_names import MODEL, VERSION
from engine.cli.options import gathered
from engine.cli.output import Column, Format, format_options, show_page, show_record
from engine.core.errors import InvalidInput
from engine.core.paging import Page

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.drift.baseline_model import Stretch

_COLUMNS = (
    Column("number", lambda each: each.number, right=True),
    Column("kind", lambda each: each.kind.value),
    Column("rows", lambda each: each.rows, lambda rows: f"{rows:,}", right=True),
    Column("features", lambda each: each.features, right=True),
    Column("created_ms", lambda each: each.created_ms, age, title="made", right=True),
    Column("created_by", lambda each: each.created_by, title="by"),
    Column("size_bytes", lambda each: each.size_bytes, size, title="size", right=True),
    Column("source", lambda each: each.source),
)


class _From(NamedTuple):
    from_production: bool
    from_training: bool
    since: str
    until: str
    endpoint: str
    prediction: str
    label: str
    reason: str
    importance: Sequence[str]


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.argument("sources", metavar="[SOURCE...]", nargs=-1)
@click.option("--from-production", is_flag=True, help="What it was asked in production, from --since to --until.")
@click.option("--from-training", is_flag=True, help="The reference data that its run or its own files hold.")
@click.option("--since", default="", metavar="TIME", help="Such as 7d (ago) or 2026-11-01.")
@click.option("--until", default="", metavar="TIME", help="Now, without.")
@click.option("--endpoint", default="", help="Only of this endpoint.")
@click.option("--prediction", default="", metavar="NAME,...", help="Columns that hold what the model answered.")
@click.option("--label", default="", metavar="NAME,...", help="Columns that hold what turned out to be true.")
@click.option("--importance", multiple=True, metavar="NAME=WEIGHT", help="How much the model relies on a column.")
@click.option("--reason", default="", help="Why; kept in the audit log.")
@gathered("given", _From)
@reading_options
@format_options
@click.pass_obj
def baseline(  # noqa: PLR0913 one parameter an argument or group of options
    session: Session,
    model: str,
    version: int,
    sources: tuple[str, ...],
    given: _From,
    where: Where,
    *,
    fmt: Format,
) -> None:
    """Make the next baseline of a version; from then on it is the one in force.

    SOURCE is CSV, gzip CSV or Parquet: files, folders, globs. Earlier baselines are kept.
    """
    if sum((bool(sources), given.from_production, given.from_training)) != 1:
        raise InvalidInput(
            "Say what to make it from.", hint="Name files, or give --from-production or --from-training."
        )
    drift = session.engine().drift
    with executor(where) as chosen:
        if given.from_production:
            made = drift.baseline_from_production(model, version, _stretch(given), reason=given.reason)
        elif given.from_training:
            made = drift.baseline_from_training(model, version, reason=given.reason)
        else:
            made = drift.baseline(
                model,
                version,
                sources,
                predictions=names(given.prediction),
                labels=names(given.label),
                importance=weights(given.importance),
                reason=given.reason,
                executor=chosen,
            )
    show_record(made, fmt)
    narrate(f"{made.key} is in force: {made.rows:,} rows of {made.features:,} columns.")


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@format_options
@click.pass_obj
def baselines(session: Session, model: str, version: int, fmt: Format) -> None:
    """List the baselines of a version, the one in force first."""
    show_page(Page(session.engine().drift.baselines(model, version), None), _COLUMNS, fmt)


def _stretch(given: _From) -> Stretch:
    import time

    from engine.core.timetext import parse_time
    from engine.drift.baseline_model import Stretch

    now_ms = time.time_ns() // 1_000_000
    if not given.since:
        raise InvalidInput("Say from when.", hint="Write --since 7d.")
    until_ms = parse_time(given.until, now_ms) if given.until else None
    return Stretch(parse_time(given.since, now_ms), until_ms, given.endpoint)
