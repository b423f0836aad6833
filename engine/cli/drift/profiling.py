"""`qd drift profile`: what data holds, column by column, and a file to compare other data with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.drift.asking import Where, executor, reading_options
from engine.cli.output import Column, Format, format_options, show_json, show_rows
from engine.drift.words import number, share

if TYPE_CHECKING:
    from engine.drift.summary import FeatureSummary

_COLUMNS = (
    Column("name", lambda each: each.name, title="feature"),
    Column("kind", lambda each: each.kind),
    Column("missing", lambda each: each.missing, share, right=True),
    Column("distinct", lambda each: each.distinct, lambda value: "-" if value is None else f"{value:,}", right=True),
    Column("minimum", lambda each: each.minimum, number, title="least", right=True),
    Column("median", lambda each: each.median, number, right=True),
    Column("maximum", lambda each: each.maximum, number, title="greatest", right=True),
    Column("mean", lambda each: each.mean, number, right=True),
    Column("top", lambda each: each.top, title="most frequent"),
)


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "--out",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep it: `qd drift check` takes it as REF.",
)
@reading_options
@format_options
def profile(sources: tuple[str, ...], target: Path | None, where: Where, fmt: Format) -> None:
    """Say what CSV, gzip CSV or Parquet data holds: files, folders, globs. No workspace is needed.

    With --out FILE.qdp it is kept as counts that other data can be compared with, without the rows themselves.
    """
    from engine.drift.checking import learned_reference
    from engine.drift.summary import summaries
    from engine.tables.source import open_table

    with executor(where) as chosen:
        found = learned_reference(open_table(list(sources)), chosen, distinct=True)
    if target is not None:
        target.write_bytes(found.to_bytes())
    told: tuple[FeatureSummary, ...] = summaries(found)
    if fmt is Format.JSON:
        show_json({"rows": found.profile.rows, "features": told})
        return
    show_rows(told, _COLUMNS, fmt)
    narrate(f"{found.profile.rows:,} rows.{f' Kept in {target}.' if target else ''}")
