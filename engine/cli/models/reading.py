"""`qd models list`, `show`, `history` and `lineage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, moment, pairs, words
from engine.cli.lineage import show_lineage
from engine.cli.live_names import MODEL, VERSION
from engine.cli.options import Search, paging_options, past_option, search_options
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_page, show_record, show_rows
from engine.cli.versions import COLUMNS as VERSION_COLUMNS
from engine.cli.versions import PAST
from engine.cli.words import MOMENT
from engine.core.errors import InvalidInput, NotFound
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.deployment.model import Move, Promotion

_NEWEST = 20

COLUMNS = (
    Column("name", lambda model: model.name),
    Column("versions", lambda model: model.versions, right=True),
    Column("latest", lambda model: model.latest, right=True),
    Column("production", lambda model: list(model.production), words),
    Column("staging", lambda model: list(model.staging), words),
    Column("owner", lambda model: model.owner),
    Column("updated_ms", lambda model: model.updated_ms, age, "changed", right=True),
    Column("tags", lambda model: model.tags, pairs),
)


def _move_words(moves: list[Move]) -> str:
    return ", ".join(f"{move.version} to {move.to_stage}" for move in moves) or "-"


PROMOTIONS = (
    Column("id", lambda promotion: promotion.id, right=True),
    Column("time_ms", lambda promotion: promotion.time_ms, moment, "time", right=True),
    Column("model", lambda promotion: promotion.model),
    Column("version", lambda promotion: promotion.version, right=True),
    Column("kind", lambda promotion: promotion.kind.value),
    Column("from", lambda promotion: promotion.from_stage.value),
    Column("to", lambda promotion: promotion.to_stage.value),
    Column("replaced", lambda promotion: promotion.replaced, _move_words),
    Column("by", lambda promotion: promotion.by.name),
    Column("reason", lambda promotion: promotion.reason),
)


def encode_promotion(promotion: Promotion) -> dict[str, Any]:
    """A promotion's JSON: its fields, and whether it went past the policy.

    Args:
        promotion: The promotion.
    """
    return {**plain(promotion), "override": promotion.override}


@click.command("list")
@search_options(example="owner = 'ada' and tags.team = 'risk'", order="updated desc")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, search: Search, fmt: Format) -> None:
    """List models, by name."""
    page = session.engine().models.page(
        search.filter, search.order_by, limit=search.limit, page_token=search.page_token
    )
    show_page(page, COLUMNS, fmt)


@click.command()
@click.argument("name", type=MODEL)
@click.option("--at", type=MOMENT, help="What was where at that time, from the audit log.")
@format_options
@click.pass_obj
def show(session: Session, name: str, at: int | None, fmt: Format) -> None:
    """Show a model, or with --at which of its versions was where at a past time."""
    models = session.engine().models
    if at is not None:
        _show_past(session, name, at, fmt)
        return
    found = models.get(name)
    show_record(found, fmt)
    if fmt is Format.HUMAN:
        show_lines(["", "newest versions"])
        show_rows(models.versions(name, limit=_NEWEST).items, VERSION_COLUMNS, fmt)


def _show_past(session: Session, name: str, at_ms: int, fmt: Format) -> None:
    states = session.engine().promotions.at(name, at_ms)
    if not states:
        session.engine().models.get(name)  # a name that never was deserves its own answer
        raise NotFound(f"{name} had no version at {moment(at_ms)}.", hint="`qd models history` shows when it moved.")
    if fmt is Format.JSON:
        show_json({"model": name, "at_ms": at_ms, "items": states})
        return
    if fmt is Format.HUMAN:
        show_lines([f"{name} at {moment(at_ms)}", ""])
    show_rows(states, PAST, fmt)


@click.command()
@click.argument("name", type=MODEL, required=False)
@paging_options
@format_options
@click.pass_obj
def history(session: Session, name: str | None, limit: int, page_token: str | None, fmt: Format) -> None:
    """List what moved, newest first; overrides and rollbacks are marked."""
    page = session.engine().promotions.history(name, limit=limit, page_token=page_token)
    show_page(page, PROMOTIONS, fmt, encode=encode_promotion)


@click.command()
@click.argument("model", type=MODEL, required=False)
@click.argument("version", type=VERSION, required=False)
@click.option("--dataset", metavar="DIGEST", help="Show what came of this dataset instead.")
@format_options
@click.pass_obj
def lineage(session: Session, model: str | None, version: int | None, dataset: str | None, fmt: Format) -> None:
    """Show where a version came from, or what came of a dataset.

    Without VERSION it is the one in Production.
    """
    if (model is None) is (dataset is None):
        raise InvalidInput("Name a model, or a dataset with --dataset.", hint="`qd models lineage churn 7`.")
    models = session.engine().models
    if dataset is not None:
        show_lineage(models.lineage("dataset", dataset), fmt)
        return
    found = models.resolve(str(model)) if version is None else models.version(str(model), version)
    show_lineage(models.lineage("version", found.key), fmt)
