"""`qd experiments`: groups of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.cells import age, pairs
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import EXPERIMENT
from engine.cli.options import Search, as_mapping, past_option, search_options
from engine.cli.output import Column, Format, format_options, show_page, show_record
from engine.cli.words import PAIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session

COLUMNS = (
    Column("name", lambda experiment: experiment.name),
    Column("run_count", lambda experiment: experiment.run_count, title="runs", right=True),
    Column("lifecycle", lambda experiment: experiment.lifecycle, title="state"),
    Column("created_ms", lambda experiment: experiment.created_ms, age, "created", right=True),
    Column("updated_ms", lambda experiment: experiment.updated_ms, age, "changed", right=True),
    Column("tags", lambda experiment: experiment.tags, pairs),
)


@click.group(cls=LazyGroup)
def experiments() -> None:
    """Groups of runs."""


@experiments.command("list")
@click.option("--all", "include_deleted", is_flag=True, help="Show deleted ones too.")
@search_options(example="name LIKE 'churn%' and tags.team = 'risk'")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, search: Search, fmt: Format, *, include_deleted: bool) -> None:
    """List experiments, newest first."""
    page = session.engine().experiments.page(
        search.filter, limit=search.limit, page_token=search.page_token, include_deleted=include_deleted
    )
    show_page(page, COLUMNS, fmt)


@experiments.command()
@click.argument("name", type=EXPERIMENT)
@past_option
@format_options
@click.pass_obj
def show(session: Session, name: str, fmt: Format) -> None:
    """Show one experiment."""
    show_record(session.engine().experiments.get(name), fmt)


@experiments.command()
@click.argument("name")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag to begin with; may be repeated.")
@format_options
@click.pass_obj
def create(session: Session, name: str, tags: Sequence[tuple[str, str]], fmt: Format) -> None:
    """Make an experiment."""
    show_record(session.engine().experiments.create(name, as_mapping(tags)), fmt)


@experiments.command()
@click.argument("name", type=EXPERIMENT)
@click.argument("new")
@format_options
@click.pass_obj
def rename(session: Session, name: str, new: str, fmt: Format) -> None:
    """Give an experiment another name."""
    show_record(session.engine().experiments.rename(name, new), fmt)


@experiments.command()
@click.argument("name", type=EXPERIMENT)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@format_options
@click.pass_obj
def tag(session: Session, name: str, tags: Sequence[tuple[str, str]], remove: Sequence[str], fmt: Format) -> None:
    """Set or remove tags of an experiment."""
    experiments = session.engine().experiments
    for key, value in [*tags, *((key, None) for key in remove)]:
        experiments.set_tag(name, key, value)
    show_record(experiments.get(name), fmt)


@experiments.command()
@click.argument("name", type=EXPERIMENT)
@format_options
@click.pass_obj
def delete(session: Session, name: str, fmt: Format) -> None:
    """Delete an experiment and its runs; `restore` brings them back."""
    show_record(session.engine().experiments.delete(name), fmt)
    narrate(f"Undo with `qd experiments restore {name}`.")


@experiments.command()
@click.argument("name", type=EXPERIMENT)
@format_options
@click.pass_obj
def restore(session: Session, name: str, fmt: Format) -> None:
    """Bring a deleted experiment and its runs back."""
    show_record(session.engine().experiments.restore(name), fmt)
