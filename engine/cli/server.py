"""`qd server`: the HTTP front of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.output import Format, format_options, show_record, show_rows, write
from engine.core.errors import NotFound
from engine.db.connection import Durability

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.group(cls=LazyGroup, invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: a free one.")
@click.option(
    "--durability",
    type=click.Choice([each.value for each in Durability]),
    default=Durability.FULL.value,
    show_default=True,
    help="What an answer waits for: the disk (full), or the operating system (relaxed: a power cut may lose seconds).",
)
@click.option("--require-tokens", is_flag=True, help="Ask for tokens on this machine too; elsewhere always.")
@click.option(
    "--allowed-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further name of it; may be repeated."
)
@click.option(
    "--tls-cert", "tls_certificate", type=click.Path(path_type=Path), help="PEM file of the certificate chain."
)
@click.option("--tls-key", type=click.Path(path_type=Path), help="PEM file of its key, without a password.")
@click.option(
    "--behind-proxy", is_flag=True, help="A proxy on this machine ends TLS and sets X-Forwarded-For and -Proto."
)
@click.option(
    "--proxy-from",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The proxy is there: an address or a network; may be repeated. All other connections are refused.",
)
@click.option(
    "--max-connections-per-address",
    default=128,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="Most connections of one address at once; this machine and the proxy may have all.",
)
@click.pass_context
def server(context: click.Context, /, host: str, port: int, durability: str, **secure: Any) -> int | None:
    """Serve the workspace over HTTP, until Ctrl-C; MLflow clients log to it with MLFLOW_TRACKING_URI=http://HOST:PORT."""
    if context.invoked_subcommand is not None:
        return None
    from engine.server.run import serve
    from engine.server.settings import Settings

    session: Session = context.obj
    kept = Durability(durability)
    return serve(session.engine_to_serve(kept), Settings(host=host, port=port, durability=kept, **secure))


@server.command()
@format_options
@click.pass_obj
def status(session: Session, fmt: Format) -> None:
    """Show the server of this workspace: where it is, its clients, rates, latencies and what it refused."""
    engine = session.engine()
    found = engine.processes.server()
    if found is None:
        raise NotFound("No server runs on this workspace.", hint="Start one with `qd server`.")
    if fmt is not Format.HUMAN or found.status is None:
        show_record(found, fmt)
        return
    from engine.cli.server_status import document, refusal_columns

    show_record(document(found), fmt)
    if found.status.refusals:
        write("\nRefused or failed, the latest first:\n")
        show_rows(found.status.refusals, refusal_columns(engine.clock.now_ms()), fmt)


@server.command()
@click.pass_obj
def stop(session: Session) -> None:
    """Ask the server of this workspace to answer what it has begun and to end; waits until it has."""
    stopped = session.engine().processes.stop_server()
    narrate(f"The server at {stopped.owner.url} has ended.")
