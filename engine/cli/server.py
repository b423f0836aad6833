"""`qd server`: the HTTP front of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.db.connection import Durability

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: a free one.")
@click.option(
    "--durability",
    type=click.Choice([each.value for each in Durability]),
    default=Durability.FULL.value,
    show_default=True,
    help="What a commit waits for before a request is answered.",
)
@click.pass_context
def server(context: click.Context, host: str, port: int, durability: str) -> int | None:
    """Serve the workspace over HTTP: MLflow clients log to it with MLFLOW_TRACKING_URI=http://HOST:PORT."""
    if context.invoked_subcommand is not None:
        return None
    from engine.server.run import serve
    from engine.server.settings import Settings

    session: Session = context.obj
    return serve(session.engine(), Settings(host=host, port=port, durability=Durability(durability)))
