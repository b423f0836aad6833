"""`qd models register`: what a run made becomes the next version of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.live_names import MODEL, RUN
from engine.cli.options import as_mapping, gathered
from engine.cli.output import Format, format_options, show_record
from engine.cli.versions import encode
from engine.cli.words import PAIR
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.registry.model import Signature


class _Facts(NamedTuple):
    run: str
    path: str
    flavor: str
    format: str
    signature: Any
    data_digest: str | None
    owner: str
    description: str
    tags: Sequence[tuple[str, str]]


@click.command()
@click.argument("model", type=MODEL)
@click.option("--run", type=RUN, required=True, help="The run that made it.")
@click.option("--path", default="model", show_default=True, help="The file or folder among the run's artifacts.")
@click.option("--flavor", default="", help="The framework, such as sklearn.")
@click.option("--format", default="", help="The file format, such as skops.")
@click.option("--signature", type=click.File("r", encoding="utf-8"), help="A JSON file with inputs and outputs.")
@click.option("--data-digest", help="Digest of its training data; the run's training input without it.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--description", default="", help="Free text.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated.")
@gathered("facts", _Facts)
@format_options
@click.pass_obj
def register(session: Session, model: str, facts: _Facts, fmt: Format) -> None:
    """Register what a run made as the next version of MODEL, which is created when it is missing."""
    version = session.engine().models.register(
        model,
        run_id=facts.run,
        artifact_path=facts.path,
        flavor=facts.flavor,
        format=facts.format,
        signature=_signature(facts.signature),
        data_digest=facts.data_digest,
        owner=facts.owner,
        description=facts.description,
        tags=as_mapping(facts.tags),
    )
    show_record(encode(version), fmt)


def _signature(file: Any) -> Signature | None:
    from engine.registry.model import Signature

    if file is None:
        return None
    try:
        written = json.load(file)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{file.name} is no JSON: {error}.", hint="Write a signature as JSON.") from error
    return Signature.from_json(written)
