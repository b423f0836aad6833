"""`qd endpoints export`: an endpoint in the words of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.diagnostics import narrate
from engine.cli.live_names import ENDPOINT
from engine.cli.options import gathered
from engine.cli.output import write
from engine.core.errors import AlreadyExists

if TYPE_CHECKING:
    from engine.cli.session import Session


class _How(NamedTuple):
    target: str
    canary: str | None
    live_only: bool
    namespace: str
    storage_uri: str | None
    image: str


@click.command("export")
@click.argument("name", type=ENDPOINT)
@click.option("--format", "target", required=True, type=click.Choice(["kserve", "k8s"]), help="What it is for.")
@click.option(
    "--canary",
    type=click.Choice(["knative", "standard"]),
    help="How KServe is told of a canary: canaryTrafficPercent in Knative mode, or spec.canary[] in Standard mode.",
)
@click.option("--live-only", is_flag=True, help="Leave out canaries and shadows.")
@click.option("--namespace", default="", help="Where its objects go.")
@click.option("--storage-uri", metavar="URI", help="Where versions are, with {model} and {version} in it.")
@click.option("--image", default="", help="With --format k8s: of a server that speaks v2 at port 8080.")
@gathered("how", _How)
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this file instead.")
@click.option("--force", is_flag=True, help="Replace that file.")
@click.pass_obj
def export(session: Session, name: str, how: _How, out: Path | None, *, force: bool) -> None:
    """Write a manifest of an endpoint; refused where the cluster would silently ignore how it is routed."""
    from engine.db.disk import disk_errors
    from engine.exchange.kubernetes import STORAGE, CanaryForm, Options, Target, export_endpoint

    options = Options(
        Target(how.target),
        None if how.canary is None else CanaryForm(how.canary),
        live_only=how.live_only,
        namespace=how.namespace,
        storage_uri=how.storage_uri or STORAGE,
        image=how.image,
    )
    made = export_endpoint(session.engine(), name, options)
    if out is None:
        write(made.text)
    else:
        if out.exists() and not force:
            raise AlreadyExists(f"{out} is there already.", hint="Add --force to replace it.")
        with disk_errors(out, "the manifest"):
            out.write_text(made.text, encoding="utf-8")
    for note in made.notes:
        narrate(note)
