"""`qd endpoints create`, `update`, `tag` and `delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.confirmation import confirm
from engine.cli.diagnostics import narrate
from engine.cli.endpoints.reading import show_endpoint
from engine.cli.live_names import ENDPOINT, MODEL
from engine.cli.options import as_mapping, gathered, reason_option, yes_option
from engine.cli.output import Format, format_options
from engine.cli.words import PAIR, SHARE
from engine.core.names import in_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.cli.session import Session


_DELETED = ("endpoint", "delete")


class _Settings(NamedTuple):
    description: str | None
    owner: str | None
    key: str | None
    capture: int | None


def _settings_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options that making and changing an endpoint share; the verb receives one `settings`."""
    decorated = gathered("settings", _Settings)(function)
    for option in (
        click.option("--capture", type=SHARE, help="Share of the requests that are kept, such as 10%."),
        click.option(
            "--key", metavar="KEY", help="What keeps a caller on one version: client, header:NAME, field:NAME, request."
        ),
        click.option("--owner", help="Who answers for it."),
        click.option("--description", help="Free text."),
    ):
        decorated = option(decorated)
    return decorated


@click.command()
@click.argument("name")
@click.argument("model", type=MODEL)
@_settings_options
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated.")
@format_options
@click.pass_obj
def create(
    session: Session, name: str, model: str, settings: _Settings, tags: Sequence[tuple[str, str]], fmt: Format
) -> None:
    """Create an endpoint for a model; it serves nothing until a version is deployed to it."""
    made = session.engine().endpoints.create(
        name,
        model,
        description=settings.description or "",
        owner=settings.owner or "",
        key="client" if settings.key is None else settings.key,
        capture=(settings.capture or 0) / 1_000,
        tags=as_mapping(tags),
    )
    show_endpoint(made, fmt)
    narrate(f"Deploy a version with `qd endpoints deploy {in_shell(name)} VERSION --reason …`.")


@click.command()
@click.argument("name", type=ENDPOINT)
@_settings_options
@format_options
@click.pass_obj
def update(session: Session, name: str, settings: _Settings, fmt: Format) -> None:
    """Change what is said of an endpoint, who stays on which version, or how much is captured."""
    changed = session.engine().endpoints.update(
        name,
        description=settings.description,
        owner=settings.owner,
        key=settings.key,
        capture=None if settings.capture is None else settings.capture / 1_000,
    )
    show_endpoint(changed, fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@format_options
@click.pass_obj
def tag(session: Session, name: str, tags: Sequence[tuple[str, str]], remove: Sequence[str], fmt: Format) -> None:
    """Set or remove tags of an endpoint."""
    endpoints = session.engine().endpoints
    for key, value in (*tags, *((key, None) for key in remove)):
        endpoints.set_tag(name, key, value)
    show_endpoint(endpoints.get(name), fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@click.option("--force", is_flag=True, help="Delete it although versions are routed to it; its callers then get 404.")
@reason_option
@yes_option
@click.pass_obj
def delete(session: Session, name: str, reason: str, *, force: bool, yes: bool) -> None:
    """Delete an endpoint and its history; the audit log keeps what it was."""
    endpoints = session.engine().endpoints
    routed = sum(each.share is not None for each in endpoints.get(name).deployments)
    if routed and force:
        confirm(f"This deletes the endpoint {name}, which answers requests now", name, yes=yes, sort=_DELETED)
    elif not routed:
        confirm(f"This deletes the endpoint {name} and its history", name, yes=yes, sort=_DELETED)
    endpoints.delete(name, reason=reason, force=force)
    narrate(f"{name} is deleted.")
