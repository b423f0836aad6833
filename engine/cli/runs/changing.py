"""`qd runs tag`, `note`, `rename`, `delete`, `restore` and `reap`: what operators change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.cli.cells import count
from engine.cli.diagnostics import narrate
from engine.cli.live_names import RUN
from engine.cli.output import Format, format_options, show_json, show_record, show_rows
from engine.cli.runs.listing import RUN_COLUMNS, encode
from engine.cli.words import DURATION, PAIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session
    from engine.tracking.model import Run


@click.command()
@click.argument("run", type=RUN)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@format_options
@click.pass_obj
def tag(session: Session, run: str, tags: Sequence[tuple[str, str]], remove: Sequence[str], fmt: Format) -> None:
    """Set or remove tags of a run."""
    service = session.engine().runs
    for key, value in [*tags, *((key, None) for key in remove)]:
        service.set_tag(run, key, value)
    show_record(encode(service.get(run)), fmt)


@click.command()
@click.argument("run", type=RUN)
@click.argument("text")
@format_options
@click.pass_obj
def note(session: Session, run: str, text: str, fmt: Format) -> None:
    """Replace a run's note; `-` reads it from stdin, the empty text removes it."""
    content = sys.stdin.read() if text == "-" else text
    show_record(encode(session.engine().runs.set_note(run, content)), fmt)


@click.command()
@click.argument("run", type=RUN)
@click.argument("name")
@format_options
@click.pass_obj
def rename(session: Session, run: str, name: str, fmt: Format) -> None:
    """Give a run another name."""
    show_record(encode(session.engine().runs.rename(run, name)), fmt)


@click.command()
@click.argument("runs", type=RUN, nargs=-1, required=True, metavar="RUN …")
@format_options
@click.pass_obj
def delete(session: Session, runs: tuple[str, ...], fmt: Format) -> None:
    """Delete runs; `restore` brings them back."""
    service = session.engine().runs
    _show_changed([service.delete(run) for run in runs], fmt)
    narrate(f"Undo with `qd runs restore {' '.join(runs)}`.")


@click.command()
@click.argument("runs", type=RUN, nargs=-1, required=True, metavar="RUN …")
@format_options
@click.pass_obj
def restore(session: Session, runs: tuple[str, ...], fmt: Format) -> None:
    """Bring deleted runs back."""
    service = session.engine().runs
    _show_changed([service.restore(run) for run in runs], fmt)


@click.command()
@click.option("--older-than", type=DURATION, help="Only runs silent for longer than this, such as 1h.")
@format_options
@click.pass_obj
def reap(session: Session, older_than: int | None, fmt: Format) -> None:
    """Close runs whose process has died: they become `killed`, their end the last sign of life."""
    from engine.tracking.model import LOST_AFTER_MS

    silent_ms = LOST_AFTER_MS if older_than is None else older_than
    found = session.engine().runs.reap(older_than_ms=silent_ms)
    _show_changed(found, fmt)
    narrate(f"{count(len(found), 'run')} closed.")


def _show_changed(runs: Sequence[Run], fmt: Format) -> None:
    if fmt is Format.JSON:
        show_json({"items": [encode(run) for run in runs], "next_page_token": None})
    else:
        show_rows(runs, RUN_COLUMNS, fmt)
