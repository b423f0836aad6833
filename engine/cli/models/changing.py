"""`qd models create`, `update`, `tag`, `rename`, `delete`, `alias` and `unalias`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.cells import count
from engine.cli.confirmation import confirm
from engine.cli.diagnostics import narrate
from engine.cli.live_names import ALIAS, MODEL, VERSION
from engine.cli.options import as_mapping, gathered, reason_option, yes_option
from engine.cli.output import Format, format_options, show_record
from engine.cli.versions import encode as encode_version
from engine.cli.words import PAIR

if TYPE_CHECKING:
    from engine.cli.session import Session


class _New(NamedTuple):
    description: str
    owner: str
    tags: Sequence[tuple[str, str]]


@click.command()
@click.argument("name")
@click.option("--description", default="", help="Free text.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated.")
@gathered("new", _New)
@format_options
@click.pass_obj
def create(session: Session, name: str, new: _New, fmt: Format) -> None:
    """Create a model without versions; `register` does it too when the model is missing."""
    show_record(session.engine().models.create(name, new.description, new.owner, as_mapping(new.tags)), fmt)


@click.command()
@click.argument("name", type=MODEL)
@click.option("--description", help="The new description.")
@click.option("--owner", help="The new owner.")
@format_options
@click.pass_obj
def update(session: Session, name: str, description: str | None, owner: str | None, fmt: Format) -> None:
    """Change a model's description or owner."""
    show_record(session.engine().models.update(name, description=description, owner=owner), fmt)


@click.command()
@click.argument("name", type=MODEL)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@format_options
@click.pass_obj
def tag(session: Session, name: str, tags: Sequence[tuple[str, str]], remove: Sequence[str], fmt: Format) -> None:
    """Set or remove tags of a model."""
    models = session.engine().models
    for key, value in [*tags, *((key, None) for key in remove)]:
        models.set_tag(name, key, value)
    show_record(models.get(name), fmt)


@click.command("ask-retraining")
@click.argument("name", type=MODEL)
@click.option("--version", type=int, help="The version that gave rise to it.")
@reason_option
@format_options
@click.pass_obj
def ask_retraining(session: Session, name: str, version: int | None, reason: str, fmt: Format) -> None:
    """Ask whoever trains a model to train it anew; recorded, and told to webhooks."""
    show_record(session.engine().models.ask_retraining(name, version, reason=reason), fmt)


@click.command()
@click.argument("name", type=MODEL)
@click.argument("new")
@format_options
@click.pass_obj
def rename(session: Session, name: str, new: str, fmt: Format) -> None:
    """Give a model another name; one that serves keeps its name, for policies speak of it."""
    show_record(session.engine().models.rename(name, new), fmt)


@click.command()
@click.argument("name", type=MODEL)
@reason_option
@yes_option
@click.pass_obj
def delete(session: Session, name: str, reason: str, *, yes: bool) -> None:
    """Delete a model with all its versions, for ever."""
    models = session.engine().models
    found = models.get(name)
    act = f"This deletes the model {name} with {count(found.versions, 'version')}"
    confirm(act, name, yes=yes, sort=("model", "delete"))
    models.delete(name, reason=reason)
    narrate(f"{name} is deleted.")


@click.command()
@click.argument("model", type=MODEL)
@click.argument("alias", type=ALIAS)
@click.argument("version", type=VERSION)
@format_options
@click.pass_obj
def alias(session: Session, model: str, alias: str, version: int, fmt: Format) -> None:
    """Let ALIAS point to a version, wherever it pointed before; exit 4 when the policy protects it."""
    show_record(encode_version(session.engine().models.set_alias(model, alias, version)), fmt)


@click.command()
@click.argument("model", type=MODEL)
@click.argument("alias", type=ALIAS)
@format_options
@click.pass_obj
def unalias(session: Session, model: str, alias: str, fmt: Format) -> None:
    """Remove ALIAS from a model."""
    show_record(session.engine().models.remove_alias(model, alias), fmt)
