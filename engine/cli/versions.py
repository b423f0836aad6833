"""`qd versions`: versions of registered models.

A version is named by model and number in two words, or by a reference: `churn/7`, `churn/latest`, `churn@champion`,
`churn@production`, or `churn` for the one in Production.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, count, digest, pairs, size, words
from engine.cli.confirmation import confirm
from engine.cli.diagnostics import FAILED, narrate
from engine.cli.groups import LazyGroup
from engine.cli.lineage import show_lineage
from engine.cli.live_names import MODEL, REFERENCE, VERSION
from engine.cli.options import Search, past_option, reason_option, search_options, yes_option
from engine.cli.output import Column, Format, format_options, show_json, show_page, show_record, show_rows
from engine.cli.words import MOMENT, PAIR
from engine.core.paging import Page
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.registry.model import Version

_METRICS = 3

COLUMNS = (
    Column("model", lambda version: version.model),
    Column("version", lambda version: version.version, right=True),
    Column("stage", lambda version: version.stage.value),
    Column("aliases", lambda version: list(version.aliases), words),
    Column("metrics", lambda version: version.metrics, lambda metrics: pairs(dict(list(metrics.items())[:_METRICS]))),
    Column("created_ms", lambda version: version.created_ms, age, "age", right=True),
    Column("created_by", lambda version: version.created_by, title="by"),
    Column("owner", lambda version: version.owner),
    Column("size_bytes", lambda version: version.size_bytes, size, "size", right=True),
    Column("digest", lambda version: version.digest, digest),
)
FILES = (
    Column("path", lambda file: file.path),
    Column("size_bytes", lambda file: file.size_bytes, size, "size", right=True),
    Column("digest", lambda file: file.digest, digest),
)
PAST = (
    Column("model", lambda state: state.model),
    Column("version", lambda state: state.version, right=True),
    Column("stage", lambda state: state.stage.value),
    Column("aliases", lambda state: list(state.aliases), words),
)


def encode(version: Version) -> dict[str, Any]:
    """A version's JSON: its fields and its public name.

    Args:
        version: The version.
    """
    return {"key": version.key, **plain(version)}


def _which(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the version it is about, named in one word or two; it receives `version`."""

    @wraps(function)
    def verb(session: Session, /, *args: Any, version: str, number: int | None, **options: Any) -> Any:
        models = session.engine().models
        found = models.resolve(version) if number is None else models.version(version, number)
        return function(session, *args, version=found, **options)

    decorated = click.argument("number", type=VERSION, required=False)(verb)
    return click.argument("version", type=REFERENCE)(decorated)


@click.group(cls=LazyGroup)
def versions() -> None:
    """Versions of registered models.

    VERSION is a model and a number in two words, or one reference: churn/7, churn/latest, churn@champion (an alias),
    churn@production, or churn for the one in Production.
    """


@versions.command("list")
@click.argument("model", type=MODEL, required=False)
@click.option("--at", type=MOMENT, help="What was where at that time, from the audit log; whole, without a filter.")
@search_options(example="stage = 'production' and metrics.auc > 0.9", order="metrics.auc desc")
@format_options
@click.pass_obj
def list_(session: Session, model: str | None, at: int | None, search: Search, fmt: Format) -> None:
    """List versions of MODEL, or of all models, newest first."""
    if at is not None:
        show_page(Page(session.engine().promotions.at(model, at)), PAST, fmt)
        return
    page = session.engine().models.versions(
        model, search.filter, search.order_by, limit=search.limit, page_token=search.page_token
    )
    show_page(page, COLUMNS, fmt, encode=encode)


@versions.command()
@past_option
@format_options
@click.pass_obj
@_which
def show(session: Session, version: Version, fmt: Format) -> None:
    """Show a version with its signature, params, metrics, tags and files."""
    record = encode(version)
    if fmt is Format.HUMAN:
        opened = session.engine()
        served = opened.endpoints.of_version(version.model, version.version)
        record["endpoints"] = [f"{each.endpoint} ({each.state.value})" for each in served]
        record["files"] = plain(opened.models.files(version.model, version.version))
    show_record(record, fmt)


@versions.command()
@click.option("--description", help="The new description.")
@click.option("--owner", help="The new owner.")
@format_options
@click.pass_obj
@_which
def update(session: Session, version: Version, description: str | None, owner: str | None, fmt: Format) -> None:
    """Change a version's description or owner."""
    changed = session.engine().models.update_version(
        version.model, version.version, description=description, owner=owner
    )
    show_record(encode(changed), fmt)


@versions.command()
@click.argument("version", type=REFERENCE)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@format_options
@click.pass_obj
def tag(session: Session, version: str, tags: Sequence[tuple[str, str]], remove: Sequence[str], fmt: Format) -> None:
    """Set or remove tags of a version, named by one reference such as churn/7."""
    models = session.engine().models
    found = models.resolve(version)
    for key, value in [*tags, *((key, None) for key in remove)]:
        models.set_version_tag(found.model, found.version, key, value)
    show_record(encode(models.version(found.model, found.version)), fmt)


@versions.command()
@reason_option
@yes_option
@click.pass_obj
@_which
def delete(session: Session, version: Version, reason: str, *, yes: bool) -> None:
    """Delete a version for ever; its number is never given again."""
    confirm(f"This deletes {version.key}", version.key, yes=yes, sort=("version", "delete"))
    session.engine().models.delete_version(version.model, version.version, reason=reason)
    narrate(f"{version.key} is deleted.")


@versions.command()
@click.option("--check", "read_again", is_flag=True, help="Read every byte again; exit 1 when one has changed.")
@format_options
@click.pass_obj
@_which
def files(session: Session, version: Version, fmt: Format, *, read_again: bool) -> int:
    """List a version's files with their digests."""
    models = session.engine().models
    found = models.files(version.model, version.version)
    problems = models.check_files(version.model, version.version) if read_again else ()
    if fmt is Format.JSON:
        show_json({"items": found, "next_page_token": None, "problems": problems})
    else:
        show_rows(found, FILES, fmt)
    for problem in problems:
        narrate(f"qd: {problem.path}: {problem.problem}")
    if read_again and not problems:
        narrate(f"{count(len(found), 'file')} read, as registered.")
    return FAILED if problems else 0


@versions.command()
@format_options
@click.pass_obj
@_which
def lineage(session: Session, version: Version, fmt: Format) -> None:
    """Show what a version was made from: datasets, runs."""
    show_lineage(session.engine().models.lineage("version", version.key), fmt)
