"""`qd models register`: what a run made, or a logged model, or a version becomes the next version of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.diagnostics import narrate
from engine.cli.live_names import MODEL, REFERENCE, RUN
from engine.cli.options import as_mapping, gathered
from engine.cli.output import Format, format_options, show_record
from engine.cli.versions import encode
from engine.cli.words import PAIR
from engine.core.errors import InvalidInput, QuarterdeckError

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.cli.session import Session
    from engine.registry.model import Signature, Version
    from engine.registry.sources import VersionSource


class _Facts(NamedTuple):
    run: str | None
    logged_model: str | None
    version: str | None
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
@click.option("--run", type=RUN, help="The run that made it.")
@click.option("--logged-model", metavar="ID", help="The logged model that it is.")
@click.option("--version", type=REFERENCE, help="The version that it is a copy of, of any model.")
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
    """Register the next version of MODEL, which is created when it is missing.

    It comes from a run, a logged model or another version.
    """
    from engine.registry.intake import Intake

    engine = session.engine()
    intake = Intake(
        facts.flavor,
        facts.format,
        _signature(facts.signature),
        facts.data_digest,
        facts.owner,
        facts.description,
        as_mapping(facts.tags),
    )
    registered = engine.models.register_from(model, _source(engine, facts), intake)
    show_record(encode(registered), fmt)
    _make_baseline(engine, registered)


def _make_baseline(engine: Engine, version: Version) -> None:
    """Make the version's first baseline, where its run logged reference data; never a reason to fail."""
    try:
        made = engine.drift.at_registration(version)
    except QuarterdeckError as error:
        narrate(f"It has no baseline: {error.message}")
        return
    if made is not None:
        narrate(f"{made.key} was made from {made.source}: {made.rows:,} rows.")


def _source(engine: Engine, facts: _Facts) -> VersionSource:
    from engine.registry.sources import CopySource, LoggedSource, RunSource

    if sum(each is not None for each in (facts.run, facts.logged_model, facts.version)) != 1:
        raise InvalidInput("Name where it comes from: --run, --logged-model or --version.", hint="Give one of them.")
    if facts.run is not None:
        return RunSource(facts.run, facts.path)
    if facts.logged_model is not None:
        return LoggedSource(facts.logged_model)
    original = engine.models.resolve(facts.version or "")
    return CopySource(original.model, original.version)


def _signature(file: Any) -> Signature | None:
    from engine.registry.model import Signature

    if file is None:
        return None
    try:
        written = json.load(file)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{file.name} is no JSON: {error}.", hint="Write a signature as JSON.") from error
    return Signature.from_json(written)
