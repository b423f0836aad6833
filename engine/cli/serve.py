"""`qd serve`: answers predictions of the workspace's endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.command()
@click.argument("endpoints", nargs=-1)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: a free one.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that share the port."
)
@click.option("--capture/--no-capture", default=True, help="Sample requests where their endpoints ask for it.")
@click.option("--alone", is_flag=True, help="Start no capture writer and no analysis beside it, as `qd up` does.")
@click.option("--require-tokens", is_flag=True, help="Ask for tokens on this machine too; elsewhere always.")
@click.option(
    "--allowed-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further name of it; may be repeated."
)
@click.option(
    "--tls-cert", "tls_certificate", type=click.Path(path_type=Path), help="PEM file of the certificate chain."
)
@click.option("--tls-key", type=click.Path(path_type=Path), help="PEM file of its key, without a password.")
@click.option("--behind-proxy", is_flag=True, help="A proxy on this machine ends TLS.")
@click.option("--proxy-from", "proxies", multiple=True, metavar="ADDRESS", help="The proxy is there; may be repeated.")
@click.pass_obj
def serve(
    session: Session, /, endpoints: tuple[str, ...], workers: int, *, capture: bool, alone: bool, **listen: Any
) -> int:
    """Answer predictions over HTTP until Ctrl-C: Open Inference Protocol v2, MLflow's /invocations, plain /predict."""
    from engine.db.connection import Durability
    from engine.server.settings import Settings
    from engine.serving.run import Serving
    from engine.serving.run import serve as run

    engine = session.engine_to_serve(Durability.FULL)
    return run(engine, Settings(**listen), Serving(endpoints, workers, capture, alone))
