"""`qd web`: hand over to the console's server for browsers that was given from above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Where to listen; a free port by default.")
@click.option("--readonly", "read_only", is_flag=True, help="Refuse every change.")
@click.option("--theme", default="", metavar="NAME", help="How it looks: dark, light, contrast, safe, mono …")
@click.pass_obj
def web(session: Session, port: int, theme: str, *, read_only: bool) -> int:
    """Serve the console to a browser on this machine; the address it prints holds a secret."""
    if session.open_web is None:
        raise InvalidInput("This command line has no console.", hint="Use `qd --help` for the headless commands.")
    session.read_only, session.theme = session.read_only or read_only, theme or session.theme
    return session.open_web(session.wish(), port)
