"""`qd lineage`: what led to a thing and what came of it, as a tree."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from engine.cli.options import past_option
from engine.cli.output import Format, format_options, show_lines, show_record

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.command("lineage")
@click.argument("thing", metavar="KIND/NAME")
@click.option(
    "--direction",
    type=click.Choice(["up", "down", "both"]),
    default="both",
    show_default=True,
    help="What led to it, what came of it, or both.",
)
@click.option("--depth", type=click.IntRange(1, 50), default=6, show_default=True, help="Levels.")
@click.option("--width", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Things beside each other.")
@past_option
@format_options
@click.pass_obj
def lineage(session: Session, /, thing: str, direction: str, depth: int, width: int, fmt: Format) -> None:
    """Show what led to a thing and what came of it.

    KIND/NAME is dataset/NAME, dataset/DIGEST, run/ID, model/NAME, version/MODEL/N, endpoint/NAME, alert/N, scoring/N,
    prompt/NAME/N or trace/ID.
    """
    from engine.lineage.model import ASCII, UNICODE, lines, parse_key

    key = parse_key(thing)
    found = session.engine().lineages.tree(key.kind.value, key.name, direction, depth=depth, width=width)
    if fmt is Format.HUMAN:
        encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
        show_lines(list(lines(found, UNICODE if encoding == "utf8" else ASCII)))
    else:
        show_record(found, fmt)
