"""`qd prompts`: templates for language models, their versions, aliases and differences.

A version is named by a reference: `greeting/3`, `greeting@champion`, `greeting/latest`, or `greeting` for the newest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.cells import age, count, pairs, words
from engine.cli.confirmation import confirm
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import PROMPT, PROMPT_REFERENCE, PROMPT_VERSION
from engine.cli.options import Search, as_mapping, gathered, past_option, reason_option, search_options, yes_option
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_page, show_record, show_rows
from engine.cli.words import PAIR
from engine.core.plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session
    from engine.prompts.model import PromptVersion

_BEGINNING = 60

COLUMNS = (
    Column("name", lambda prompt: prompt.name),
    Column("versions", lambda prompt: prompt.versions, right=True),
    Column("latest", lambda prompt: prompt.latest, right=True),
    Column("aliases", lambda prompt: [f"{alias}={number}" for alias, number in prompt.aliases.items()], words),
    Column("updated_ms", lambda prompt: prompt.updated_ms, age, "changed", right=True),
    Column("tags", lambda prompt: prompt.tags, pairs),
)
VERSIONS = (
    Column("prompt", lambda version: version.prompt),
    Column("version", lambda version: version.version, right=True),
    Column("kind", lambda version: version.kind.value),
    Column("aliases", lambda version: list(version.aliases), words),
    Column("created_ms", lambda version: version.created_ms, age, "age", right=True),
    Column("created_by", lambda version: version.created_by, title="by"),
    Column("commit_message", lambda version: version.commit_message, title="message"),
    Column("template", lambda version: version.template[:_BEGINNING]),
)
_CHANGES = {" ": "same", "-": "removed", "+": "added"}  # a sheet would take the marks for formulas
LINES = (
    Column("change", lambda line: _CHANGES[line[0]]),
    Column("text", lambda line: line[1]),
)


def encode(version: PromptVersion) -> dict[str, Any]:
    """A version's JSON: its fields and its public name.

    Args:
        version: The version.
    """
    return {"key": version.key, **plain(version)}


@click.group(cls=LazyGroup)
def prompts() -> None:
    """Templates for language models, their versions, aliases and differences."""


@prompts.command("list")
@search_options(example="name like 'greet%' and tags.team = 'help'", order="updated desc")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, search: Search, fmt: Format) -> None:
    """List prompts, by name."""
    page = session.engine().prompts.page(
        search.filter, search.order_by, limit=search.limit, page_token=search.page_token
    )
    show_page(page, COLUMNS, fmt)


@prompts.command()
@click.argument("name", type=PROMPT, required=False)
@search_options(example="template like '%{{name}}%'", order="created desc")
@past_option
@format_options
@click.pass_obj
def versions(session: Session, name: str | None, search: Search, fmt: Format) -> None:
    """List versions of one prompt or of all, newest first."""
    page = session.engine().prompts.versions(
        name, search.filter, search.order_by, limit=search.limit, page_token=search.page_token
    )
    show_page(page, VERSIONS, fmt, encode=encode)


@prompts.command()
@click.argument("reference", type=PROMPT_REFERENCE)
@past_option
@format_options
@click.pass_obj
def show(session: Session, reference: str, fmt: Format) -> None:
    """Show a version of a prompt with its template; of a name alone the newest, and what else there is."""
    prompts = session.engine().prompts
    version = prompts.resolve(reference)
    if fmt is not Format.HUMAN:
        show_record(encode(version), fmt)
        return
    show_record(encode(version), fmt, leave_out=("template",))
    show_lines(["", *version.text.splitlines()])
    if reference == version.prompt:
        show_lines(["", "versions"])
        show_rows(prompts.versions(version.prompt, limit=20).items, VERSIONS, fmt)


@prompts.command()
@click.argument("name", type=PROMPT)
@past_option
@format_options
@click.pass_obj
def about(session: Session, name: str, fmt: Format) -> None:
    """Show a prompt itself: description, tags, aliases."""
    show_record(session.engine().prompts.get(name), fmt)


@prompts.command()
@click.argument("name", type=PROMPT)
@click.argument("before", type=PROMPT_VERSION)
@click.argument("after", type=PROMPT_VERSION)
@format_options
@click.pass_obj
def diff(session: Session, name: str, before: int, after: int, fmt: Format) -> None:
    """Show what differs between two versions of a prompt."""
    found = session.engine().prompts.diff(name, before, after)
    if fmt is Format.JSON:
        lines = [{"mark": mark, "text": text} for mark, text in found.lines]
        settings = [{"name": fact, "before": old, "after": new} for fact, old, new in found.settings]
        document = {"prompt": name, "before": before, "after": after, "same": found.same}
        show_json({**document, "lines": lines, "settings": settings})
        return
    if fmt is Format.CSV:
        show_rows(found.lines, LINES, fmt)
        return
    show_lines([f"--- {found.before.key}", f"+++ {found.after.key}"])
    show_lines(f"{mark}{text}" for mark, text in found.lines)
    show_lines(f"{fact}: {old or '-'} -> {new or '-'}" for fact, old, new in found.settings)


class _New(NamedTuple):
    template: Any
    chat: bool
    message: str
    response_format: str
    model_config: str
    tags: Sequence[tuple[str, str]]


@prompts.command()
@click.argument("name", type=PROMPT)
@click.argument("template", type=click.File("r", encoding="utf-8"))
@click.option("--chat", is_flag=True, help="The file is JSON: a list of messages with role and content.")
@click.option("--message", default="", help="What changed.")
@click.option("--response-format", default="", metavar="JSON", help="What the model is to answer in.")
@click.option("--model-config", default="", metavar="JSON", help="The model's settings.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag of the version; may be repeated.")
@gathered("new", _New)
@format_options
@click.pass_obj
def register(session: Session, name: str, new: _New, fmt: Format) -> None:
    """Register a file (- for the standard input) as the next version of a prompt, which is made when it is missing."""
    from engine.core.errors import InvalidInput
    from engine.prompts.model import NewPrompt, PromptKind

    try:
        template = new.template.read()
    except UnicodeDecodeError as error:
        raise InvalidInput("The template is not UTF-8 text.", hint="Save it as UTF-8.") from error
    kind = PromptKind.CHAT if new.chat else PromptKind.TEXT
    wanted = NewPrompt(template, kind, new.message, new.response_format, new.model_config, as_mapping(new.tags))
    show_record(encode(session.engine().prompts.register(name, wanted)), fmt)


@prompts.command()
@click.argument("name")
@click.option("--description", default="", help="Free text.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated.")
@format_options
@click.pass_obj
def create(session: Session, name: str, description: str, tags: Sequence[tuple[str, str]], fmt: Format) -> None:
    """Create a prompt without versions; `register` does it too when the prompt is missing."""
    show_record(session.engine().prompts.create(name, description, as_mapping(tags)), fmt)


class _Change(NamedTuple):
    description: str | None
    version: int | None
    message: str | None
    model_config: str | None


@prompts.command()
@click.argument("name", type=PROMPT)
@click.option("--description", help="The prompt's new description.")
@click.option("--version", type=PROMPT_VERSION, help="Change this version instead.")
@click.option("--message", help="The version's new message.")
@click.option("--model-config", metavar="JSON", help="The version's new settings of the model.")
@gathered("change", _Change)
@format_options
@click.pass_obj
def update(session: Session, name: str, change: _Change, fmt: Format) -> None:
    """Change a prompt's description, or what is said beside a version; a template never changes."""
    prompts = session.engine().prompts
    if change.version is not None:
        message, settings = change.message, change.model_config
        changed = prompts.update_version(name, change.version, commit_message=message, model_config=settings)
        show_record(encode(changed), fmt)
    elif change.description is None:
        show_record(prompts.get(name), fmt)
    else:
        show_record(prompts.update(name, change.description), fmt)


@prompts.command()
@click.argument("name", type=PROMPT)
@click.argument("tags", type=PAIR, nargs=-1, metavar="[KEY=VALUE] …")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove this tag; may be repeated.")
@click.option("--version", type=PROMPT_VERSION, help="Tag this version instead.")
@format_options
@click.pass_obj
def tag(
    session: Session,
    name: str,
    tags: Sequence[tuple[str, str]],
    remove: Sequence[str],
    version: int | None,
    fmt: Format,
) -> None:
    """Set or remove tags of a prompt or of one of its versions."""
    prompts = session.engine().prompts
    changes = [*tags, *((key, None) for key in remove)]
    if version is None:
        for key, value in changes:
            prompts.set_tag(name, key, value)
        show_record(prompts.get(name), fmt)
        return
    for key, value in changes:
        prompts.set_version_tag(name, version, key, value)
    show_record(encode(prompts.version(name, version)), fmt)


@prompts.command()
@click.argument("name", type=PROMPT)
@click.argument("alias")
@click.argument("version", type=PROMPT_VERSION)
@format_options
@click.pass_obj
def alias(session: Session, name: str, alias: str, version: int, fmt: Format) -> None:
    """Let ALIAS point to a version, wherever it pointed before."""
    show_record(encode(session.engine().prompts.set_alias(name, alias, version)), fmt)


@prompts.command()
@click.argument("name", type=PROMPT)
@click.argument("alias")
@format_options
@click.pass_obj
def unalias(session: Session, name: str, alias: str, fmt: Format) -> None:
    """Remove ALIAS from a prompt."""
    show_record(session.engine().prompts.remove_alias(name, alias), fmt)


@prompts.command()
@click.argument("name", type=PROMPT)
@click.option("--version", type=PROMPT_VERSION, help="Only this version.")
@reason_option
@yes_option
@click.pass_obj
def delete(session: Session, name: str, version: int | None, reason: str, *, yes: bool) -> None:
    """Delete a prompt with all its versions, or one version, for ever."""
    prompts = session.engine().prompts
    if version is not None:
        found = prompts.version(name, version)
        confirm(f"This deletes the prompt {found.key}", found.key, yes=yes, sort=("prompt version", "delete"))
        prompts.delete_version(name, version, reason=reason)
        narrate(f"{found.key} is deleted.")
        return
    act = f"This deletes the prompt {name} with {count(prompts.get(name).versions, 'version')}"
    confirm(act, name, yes=yes, sort=("prompt", "delete"))
    prompts.delete(name, reason=reason)
    narrate(f"{name} is deleted.")
