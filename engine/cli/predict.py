"""`qd predict`: scores files with a version, and lists what was scored."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.cells import age, count
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import REFERENCE
from engine.cli.options import gathered, paging_options
from engine.cli.output import Column, Format, format_options, show_page, show_record
from engine.cli.progress import JobFile
from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.scoring.model import Scoring, Standing

_COLUMNS = (
    Column("id", lambda each: each.id, right=True),
    Column("version", lambda each: each.key),
    Column("state", lambda each: each.state.value),
    Column("files", lambda each: each.input_files, right=True),
    Column("rows", lambda each: each.rows, right=True),
    Column("refused", lambda each: each.refused, right=True),
    Column("parts", lambda each: f"{each.parts_done}/{each.parts}", right=True),
    Column("began_ms", lambda each: each.began_ms, age, title="began", right=True),
    Column("actor", lambda each: each.actor),
    Column("output", lambda each: each.output),
)
_EXAMPLES = 5


class _How(NamedTuple):
    fmt_out: str
    columns: str
    on_error: str
    resume: bool
    restart: bool


class _Where(NamedTuple):
    backend: str
    jobs: int
    scheduler: str


class _Predict(LazyGroup):
    """A group whose first word is a verb or the version to ask."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take anything that is no verb for the version to ask."""
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["with", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Predict)
def predict() -> None:
    """Score CSV and Parquet files: `qd predict churn@production data/ --out answers`."""


@predict.command(name="with")
@click.argument("reference", metavar="MODEL@ALIAS", type=REFERENCE)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--out", "output", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write."
)
@gathered("how", _How)
@click.option(
    "--format", "fmt_out", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True, help="Of parts."
)
@click.option("--columns", default="", metavar="NAME,...", help="Columns of the input to carry along, such as ids.")
@click.option(
    "--on-error",
    type=click.Choice(["fail", "skip", "null"]),
    default="fail",
    show_default=True,
    help="Rows the model does not take: stop, leave them out, or leave them empty with the reason in `error`.",
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted run ended; only what is missing is read.")
@click.option("--restart", is_flag=True, help="Write over what an earlier run has written.")
@gathered("where", _Where)
@click.option(
    "--backend",
    type=click.Choice(["threads", "loky", "dask", "serial"]),
    default="threads",
    show_default=True,
    help="What works: threads, processes, a Dask cluster.",
)
@click.option("--jobs", type=click.IntRange(0, 1024), default=0, help="How many at once; 0: one a processor.")
@click.option("--scheduler", default="", metavar="ADDRESS", help="With dask: tcp://HOST:PORT, threads or processes.")
@format_options
@click.pass_obj
def with_(  # noqa: PLR0913 one parameter an argument or group of options
    session: Session,
    reference: str,
    inputs: tuple[str, ...],
    output: Path,
    how: _How,
    fmt: Format,
    *,
    where: _Where,
) -> None:
    """Score INPUTs (CSV, gzip CSV, Parquet: files, folders, globs) with a version, part by part into a folder.

    Ctrl-C and kills lose at most the parts that were being written: `--resume` goes on. `manifest.json` in the folder
    says what each part is made of. Workers of a Dask cluster must see the same files under the same names.
    """
    from engine.compute.choosing import choose
    from engine.scoring.model import Begin, OnError, Wanted
    from engine.scoring.model import Format as Parts

    if how.resume and how.restart:
        raise click.UsageError("--resume and --restart exclude each other.")
    begin = Begin.RESUME if how.resume else Begin.RESTART if how.restart else Begin.NEW
    wanted = Wanted(reference, inputs, output, Parts(how.fmt_out), _names(how.columns), OnError(how.on_error), begin)
    engine = session.engine()
    executor = choose(where.backend, jobs=where.jobs, scheduler=where.scheduler)
    progress = _Progress()
    try:
        done = engine.scoring.run(wanted, executor, progress=progress)
    except KeyboardInterrupt:
        progress.close()
        narrate("Stopped. The same command with --resume goes on.")
        raise
    finally:
        progress.close()
        executor.close()
    show_record(done, fmt)
    _tell(done, progress)


@predict.command(name="list")
@click.option("--of", "reference", type=REFERENCE, default="", help="Only of one version.")
@paging_options
@format_options
@click.pass_obj
def list_(session: Session, reference: str, limit: int, page_token: str | None, fmt: Format) -> None:
    """List what was scored, the newest first."""
    found = session.engine().scoring.page(reference=reference, limit=limit, page_token=page_token)
    show_page(found, _COLUMNS, fmt)


@predict.command()
@click.argument("scoring", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@format_options
@click.pass_obj
def show(session: Session, scoring: int, fmt: Format) -> None:
    """Show what was scored with what, and where the answers are."""
    show_record(session.engine().scoring.get(scoring), fmt)


@predict.command()
@click.argument("scoring", type=click.IntRange(1), required=False, metavar="[N]")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What came of this file.")
@format_options
@click.pass_obj
def lineage(session: Session, scoring: int | None, file: Path | None, fmt: Format) -> None:
    """Show which version and files predictions came from, or which predictions came of a file, known by its bytes."""
    from engine.cli.lineage import show_lineage

    if (scoring is None) is (file is None):
        raise click.UsageError("Name predictions by their number, or a file with --file.")
    models = session.engine().models
    if file is None:
        show_lineage(models.lineage("scoring", str(scoring)), fmt)
    else:
        show_lineage(models.lineage("dataset", _digest(file)), fmt)


def _digest(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{clean(str(path))} cannot be read: {error.strerror}.") from error


class _Progress:
    """A line on stderr: share, rows a second, time left; silent when nobody watches. A job tells in its file."""

    _EVERY_S = 0.1

    def __init__(self) -> None:
        self.rows = 0
        self._watched = sys.stderr.isatty()
        self._file = JobFile()
        self._first: Standing | None = None
        self._began_s = self._next_s = time.monotonic()
        self._shown = False

    @property
    def seconds(self) -> float:
        """Since the first part was begun."""
        return time.monotonic() - self._began_s

    def __call__(self, standing: Standing) -> None:
        now_s = time.monotonic()
        if self._first is None:
            self._first, self._began_s = standing, now_s
            self._file.restart()
        self.rows = standing.rows - self._first.rows
        if not (self._watched or self._file) or (now_s < self._next_s and standing.parts_done < standing.parts):
            return
        self._next_s = now_s + self._EVERY_S
        before = self._first.bytes_done
        self._file.write("scoring", standing.bytes_done - before, standing.bytes - before)
        if not self._watched:
            return
        sys.stderr.write(f"\r\x1b[Kscoring {self._words(standing, self._first)}")
        sys.stderr.flush()
        self._shown = True

    def close(self) -> None:
        """End the line."""
        if self._shown:
            sys.stderr.write("\n")
            self._shown = False

    def _words(self, standing: Standing, first: Standing) -> str:
        share = 100 * standing.bytes_done // standing.bytes if standing.bytes else 100
        words = f"{share:3d} % ({standing.parts_done:,} of {standing.parts:,} parts, {standing.rows:,} rows"
        done = standing.bytes_done - first.bytes_done
        if done and self.seconds > 0:
            left_s = self.seconds * (standing.bytes - standing.bytes_done) / done
            words += f", {self.rows / self.seconds:,.0f} rows/s, {left_s:,.0f} s left"
        return words + ")"


def _names(listed: str) -> tuple[str, ...]:
    """Names with commas between them, quoted as in CSV where they hold one."""
    import csv

    return tuple(next(csv.reader([listed]), ()))


def _tell(done: Scoring, progress: _Progress) -> None:
    """What a person wants to know at the end."""
    rate = f", {progress.rows / progress.seconds:,.0f} rows/s" if progress.rows and progress.seconds else ""
    narrate(f"{done.key} answered {count(done.rows - done.refused, 'row')} in {count(done.parts, 'part')}{rate}.")
    if done.refused:
        narrate(f"{count(done.refused, 'row')} refused; the manifest names some of each part, such as:")
        for each in done.examples[:_EXAMPLES]:
            narrate(f"    {each.path}, row {each.row}: {each.why}")
    narrate(f"The answers are in {done.output}.")
