"""Pages made from the registries that the product itself reads: keys, grammar, commands, exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click

import engine.core.errors as errors_module
from console.actions import Action, Danger
from console.everywhere import EVERYWHERE
from console.location import Location
from console.registry import GRAMMAR, RESOURCES, make_view
from console.screens.help import TYPING
from console.screens.list import ListView
from console.views import View
from engine.cli.root import root
from engine.core.errors import QuarterdeckError
from engine.core.query import schema

FOLDER = Path(__file__).parents[2] / "docs"
CARE = {
    Danger.VIEW: "",
    Danger.REVERSIBLE: "changes; undone with `z`",
    Danger.PRODUCTION: "shows what changes, asks `y`",
    Danger.IRREVERSIBLE: "asks for the name",
}
MADE = "<!-- Made by `make docs` from the registries; edit those. -->\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [list(head), ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    """Text as code, whatever back-ticks it holds."""
    return (f"`` {text} ``" if "`" in text else f"`{text}`") if text else ""


def _care(action: Action) -> str:
    return "by what it is done to" if callable(action.danger) else CARE[action.danger]


def _actions(actions: Sequence[Action]) -> str:
    rows = [(_code(each.key), _code(":" + each.name), each.about or each.label, _care(each)) for each in actions]
    return table(("key", "command", "what it does", "care"), rows)


def _views() -> Iterator[tuple[str, View]]:
    for name, entry in RESOURCES.items():
        yield name, make_view(Location(name, "name/1" if entry.named else ""))


def keys() -> str:
    """Every key of every screen."""
    lists = next(view for _, view in _views() if isinstance(view, ListView))
    shared = [each for each in lists.offered() if each not in lists.resource.actions]
    parts = [MADE, "# Keys\n", "`?` shows those of the present screen. Capitals mean Shift.\n"]
    parts += ["## Everywhere\n", _actions(EVERYWHERE), "## In every list\n", _actions(shared)]
    parts += [table(("key", "moves"), [(_code(keys), what) for keys, what in lists.movements])]
    for name, view in _views():
        own = [each for each in view.offered() if each not in shared]
        if own:
            parts += [f"## {name}\n", f"{RESOURCES[name].summary[0].upper()}{RESOURCES[name].summary[1:]}.\n"]
            parts += [_actions(own)]
    return "\n".join(parts)


def grammar() -> str:
    """What is typed after `:`, and in filters."""
    resources = [
        (_code(name), ", ".join(map(_code, entry.aliases)), entry.summary, "needs a name" if entry.named else "")
        for name, entry in RESOURCES.items()
    ]
    verbs = [(_code(each.name), ", ".join(map(_code, each.aliases)), each.summary) for each in GRAMMAR.verbs.values()]
    examples = [(_code(example), meaning) for example, meaning in TYPING]
    return "\n".join(
        (
            MADE,
            "# Grammar\n",
            "One grammar for the command line of the console (`:`), its palette (`ctrl-p`) and `qd console WORDS`:\n",
            "```",
            "resource [name] [/word …] [key<op>value …] [sort:key,…] [cols:key,…] [since:age] [@time]",
            "verb resource name [argument …] [--option value …]",
            "```\n",
            "A word may be cut short where only one begins like it. Words are quoted as in a shell.\n",
            table(("typed", "means"), examples),
            "## Resources\n",
            table(("name", "also", "shows", ""), resources),
            "## Verbs\n",
            "Those of the console itself; what a screen can do besides is in [keys](keys.md), by the same names.\n",
            table(("name", "also", "does"), verbs),
            "## What filters know\n",
            *_filters(),
        )
    )


def _filters() -> Iterator[str]:
    for name, each in sorted(vars(schema).items()):
        if isinstance(each, schema.Schema) and name.isupper():
            yield f"### {name.lower().replace('_', ' ').capitalize()}\n"
            also = ", ".join(sorted(_code(f"{entity.value}.KEY") for entity in each.entities))
            rows = [
                (_code(known.name), ", ".join(map(_code, known.aliases)), known.kind.value) for known in each.attributes
            ]
            yield table(("name", "also", "is a"), rows) + (f"\nand {also}\n" if also else "")


def commands() -> str:
    """Every command with its arguments and options."""
    parts = [MADE, "# Commands\n", "`qd COMMAND --help` prints the same. Answers go to stdout, all else to stderr.\n"]
    with click.Context(root, info_name="qd") as context:
        for path, command in _commands(root, context, ("qd",)):
            with click.Context(command, info_name=" ".join(path)) as own:
                parts += [f"## {' '.join(path)}\n", (command.help or "").replace("\b\n", "").strip() + "\n"]
                parts += ["```", " ".join([*path, *command.collect_usage_pieces(own)]), "```\n"]
                options = [record for each in command.params if (record := each.get_help_record(own)) is not None]
                if options:
                    parts += [table(("option", "means"), [(_code(said), what) for said, what in options])]
    return "\n".join(parts)


def _commands(
    group: click.Command, context: click.Context, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(group, click.Group):
        yield path, group
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _commands(command, context, (*path, name))


def exit_codes() -> str:
    """What a command ends with, and what HTTP answers."""
    found = {each for each in vars(errors_module).values() if isinstance(each, type)}
    named = (each for each in found if issubclass(each, QuarterdeckError))
    kinds = sorted(named, key=lambda each: (each.exit_code, each.code, each.__name__))
    rows = [
        (str(each.exit_code), _code(each.code), str(each.http_status), (each.__doc__ or "").split("\n")[0])
        for each in kinds
    ]
    own = [("0", "", "200", "It is done."), ("130", "", "", "Interrupted with ctrl-c; nothing is half-written.")]
    return "\n".join(
        (
            MADE,
            "# Exit codes\n",
            "One error has one code, whether a command prints it, the server answers it or the console shows it. A",
            'command says it in one line on stderr; the server answers `{"error": {"code": …, "message": …}}`.\n',
            table(("exit code", "code", "HTTP", "means"), [own[0], *rows, own[1]]),
        )
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "keys.md": keys,
    "grammar.md": grammar,
    "commands.md": commands,
    "exit-codes.md": exit_codes,
}
"""What makes each page, by its file's name."""
