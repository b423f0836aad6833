"""`qd import`: runs and models from other trackers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.output import Column, Format, format_options, show_json, show_rows
from engine.cli.progress import ProgressLine

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.exchange.model import ImportReport, KindReport

KINDS = (
    Column("kind", lambda each: each.kind),
    Column("source", lambda each: each.source, right=True),
    Column("here", lambda each: each.here, right=True),
    Column("equal", lambda each: "yes" if each.equal else "NO"),
    Column("digest", lambda each: each.digest[:12]),
)
_LISTED = 20


class _Story(ProgressLine):
    def tell(self, what: str, done: int, total: int) -> None:
        self.what = what
        self(done, total)


@click.group("import", cls=LazyGroup)
def import_() -> None:
    """Runs and models from other trackers."""


@import_.command()
@click.argument("source")
@click.option("--artifacts", "roots", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="A folder that artifacts may be read from, besides SOURCE's own; may be repeated.")  # fmt: skip
@click.option("--no-files", is_flag=True, help="Leave artifacts where they are.")
@format_options
@click.pass_obj
def mlflow(session: Session, source: str, roots: tuple[Path, ...], fmt: Format, *, no_files: bool) -> int:
    """Import SOURCE: an MLflow SQLite file, an mlruns folder or a tracking server's address.

    Everything comes along: experiments, runs, all metric history, inputs, artifacts, models, versions, stages and
    aliases. Import again to go on after an interruption, or to bring what is new.
    """
    from engine.exchange.importing import ImportOptions, import_all
    from engine.exchange.opening import open_mlflow

    engine = session.engine()
    progress = _Story("importing")
    found = open_mlflow(source, roots)
    try:
        report = import_all(engine, found, ImportOptions(files=not no_files, progress=progress.tell))
    finally:
        progress.close()
        found.close()
    return _show(report, fmt)


def _show(report: ImportReport, fmt: Format) -> int:
    if fmt is Format.JSON:
        show_json({**_fields(report), "equal": report.equal})
    else:
        show_rows(report.kinds, KINDS, fmt)
    for skipped in report.skipped[:_LISTED]:
        narrate(f"left out: {skipped.kind} {skipped.key}: {skipped.why}")
    left_out = sum(report.skipped_counts.values())
    if left_out > _LISTED:
        narrate(f"left out: {left_out - _LISTED:,} more; --json lists up to 1,000.")
    for kind in report.kinds:
        for difference in kind.differences:
            narrate(f"different: {kind.kind} of {difference}")
    stored = ", ".join(f"{count:,} {kind}" for kind, count in report.stored.items())
    narrate(f"Stored {stored}." if stored else "Nothing was new: everything is here already.")
    return 0 if report.equal else 1


def _fields(report: ImportReport) -> dict[str, object]:
    return {
        "source": report.source,
        "stored": dict(report.stored),
        "kinds": [_kind_fields(each) for each in report.kinds],
        "skipped": report.skipped,
        "skipped_counts": dict(report.skipped_counts),
        "seconds": report.seconds,
    }


def _kind_fields(each: KindReport) -> dict[str, object]:
    return {
        "kind": each.kind,
        "source": each.source,
        "here": each.here,
        "source_digest": each.source_digest,
        "digest": each.digest,
        "equal": each.equal,
        "differences": each.differences,
    }
