"""`qd import`: runs and models from other trackers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.output import Column, Format, format_options, show_json, show_rows
from engine.cli.progress import ProgressStory
from engine.cli.words import DURATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.api import Engine
    from engine.cli.session import Session
    from engine.exchange.importing import Importer
    from engine.exchange.model import ImportReport, KindReport
    from engine.exchange.source import Source

KINDS = (
    Column("kind", lambda each: each.kind),
    Column("source", lambda each: each.source, right=True),
    Column("here", lambda each: each.here, right=True),
    Column("equal", lambda each: "yes" if each.equal else "NO"),
    Column("digest", lambda each: each.digest[:12]),
)
_LISTED = 20


class _Importing(ProgressStory):
    muted = False

    def tell(self, what: str, done: int, total: int) -> None:
        if not self.muted:
            super().tell(what, done, total)


class Options:
    """How to import and what to show.

    Args:
        fmt: How to answer.
        follow_s: Seconds between two looks at a source that is then mirrored; `None` looks once.
        files: Whether to copy artifacts.
    """

    __slots__ = ("files", "fmt", "follow_s")

    def __init__(self, fmt: Format, follow_s: float | None, *, files: bool = True) -> None:
        self.fmt = fmt
        self.follow_s = follow_s
        self.files = files


@click.group("import", cls=LazyGroup)
def import_() -> None:
    """Runs and models from other trackers."""


@import_.command()
@click.argument("source")
@click.option(
    "--artifacts",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder that artifacts may be read from, besides SOURCE's own; may be repeated.",
)
@click.option("--no-files", is_flag=True, help="Leave artifacts where they are.")
@click.option("--follow", "following", is_flag=True, help="Then keep mirroring SOURCE until interrupted.")
@click.option(
    "--every", type=DURATION, default="5s", show_default=True, help="With --follow: how often to look, while it moves."
)
@format_options
@click.pass_obj
def mlflow(  # noqa: PLR0913 one parameter an option
    session: Session,
    source: str,
    roots: tuple[Path, ...],
    every: int,
    fmt: Format,
    *,
    no_files: bool,
    following: bool,
) -> int:
    """Import SOURCE: an MLflow SQLite file, an mlruns folder or a tracking server's address.

    Everything comes along: experiments, runs, all metric history, inputs, artifacts, models, versions, stages and
    aliases. Import again to go on after an interruption, or to bring what is new.
    """
    from engine.exchange.opening import open_mlflow

    engine = session.engine()
    options = Options(fmt, every / 1_000 if following else None, files=not no_files)
    return _import(engine, open_mlflow(source, roots), options)


@import_.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--follow", "following", is_flag=True, help="Then keep mirroring FOLDER until interrupted.")
@click.option(
    "--every", type=DURATION, default="5s", show_default=True, help="With --follow: how often to look, while it moves."
)
@format_options
@click.pass_obj
def trackio(session: Session, folder: Path, every: int, fmt: Format, *, following: bool) -> int:
    """Import the trackio projects in FOLDER, such as ~/.cache/huggingface/trackio; a project becomes an experiment."""
    from engine.exchange.trackio_folder import TrackioFolder

    engine = session.engine()
    return _import(engine, TrackioFolder(folder), Options(fmt, every / 1_000 if following else None))


def _import(engine: Engine, source: Source, options: Options) -> int:
    """Import, show how it went, and mirror if that is wanted."""
    from engine.exchange.importing import Importer, ImportOptions, import_all

    progress = _Importing("importing")
    try:
        importer = Importer(engine, source, ImportOptions(files=options.files, progress=progress.tell))
        report = import_all(importer)
        progress.close()
        progress.muted = True  # a mirror tells in lines of its own
        code = _show(report, options.fmt)
        if options.follow_s is not None:
            _follow(importer, source, options.follow_s)
    finally:
        progress.close()
        source.close()
    return code


def _follow(importer: Importer, source: Source, interval_s: float) -> None:
    """Mirror until interrupted, and say what came."""
    import threading

    from engine.exchange.following import follow

    narrate(f"Mirroring {source.name}; interrupt to stop.")
    for news in follow(importer, source, interval_s, threading.Event().wait):
        narrate(f"qd: {news.problem} Trying again." if news.problem else f"Stored {_counted(news.stored)}.")


def _show(report: ImportReport, fmt: Format) -> int:
    if fmt is Format.JSON:
        show_json({**_fields(report), "equal": report.equal})
    else:
        show_rows(report.kinds, KINDS, fmt)
    _tell_skipped(report)
    for kind in report.kinds:
        for difference in kind.differences:
            narrate(f"different: {kind.kind} of {difference}")
    narrate(f"Stored {_counted(report.stored)}." if report.stored else "Nothing was new: everything is here already.")
    return 0 if report.equal else 1


def _tell_skipped(report: ImportReport) -> None:
    """One line for all that was left out for one reason, with the first of them."""
    alike: dict[tuple[str, str], list[str]] = {}
    for each in report.skipped:
        alike.setdefault((each.kind, each.why), []).append(each.key)
    for (kind, why), keys in list(alike.items())[:_LISTED]:
        such = f"{keys[0]}" if len(keys) == 1 else f"{len(keys):,}, such as {keys[0]}"
        narrate(f"left out: {kind} {such}: {why}")
    if report.skipped:
        narrate(f"Left out: {_counted(report.skipped_counts)}; --json lists the first 1,000.")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


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
