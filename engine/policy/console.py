"""What `quarterdeck.toml` says of the console: other workspaces, short words, keys, and programs that it may start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.policy.console_model import (
    PLACEHOLDERS,
    SPOKEN,
    CommandInput,
    ConsoleCommand,
    ConsoleSettings,
    Taken,
    placeholders,
    spelled,
)

if TYPE_CHECKING:
    from pathlib import Path

    from engine.policy.lines import KeyPath
    from engine.policy.reader import Problem, Table

MOST_ARGUMENTS = 100
MOST_INPUTS = 8

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KEY = re.compile(
    r"(?:(?:ctrl|alt|shift)-)*(?:f[0-9]{1,2}|[a-z0-9]|up|down|left|right|home|end|insert|delete)|[!-~]", re.IGNORECASE
)
_ROLES = tuple(role.label for role in Role)


def load_console(path: Path, taken: Taken) -> ConsoleSettings:
    """Read the console's part of a policy file.

    Args:
        path: The file; when there is none, nothing is set.
        taken: What the console has already.

    Returns:
        The settings.

    Raises:
        PolicyInvalid: the file is wrong anywhere, or takes a key or a word that the console has already.
    """
    from engine.policy.file import read_text, refuse

    text = read_text(path)
    if text is None:
        return ConsoleSettings()
    settings = parse_console(text, name=path.name)
    if problems := _clashes(settings, taken):
        raise refuse(text, problems, path.name)
    return settings


def parse_console(text: str, *, name: str = "quarterdeck.toml") -> ConsoleSettings:
    """Read the text of a policy for what it says of the console.

    Args:
        text: TOML.
        name: The file's name, for messages.

    Raises:
        PolicyInvalid: the text is wrong anywhere; details as for `load_policy`.
    """
    from engine.policy.file import parse_policy

    return parse_policy(text, name=name).console or ConsoleSettings()


def read_console(top: Table) -> ConsoleSettings:
    """Read `[console]` of a policy.

    Args:
        top: The whole file; what is wrong is added to its problems.

    Returns:
        What it says.
    """
    table = top.table("console")
    settings = ConsoleSettings(
        aliases=_aliases(table.table("aliases")),
        hotkeys=_hotkeys(table.table("hotkeys")),
        commands=_commands(table.table("commands")),
        environments=_environments(table.table("environments")),
        theme=_theme(table),
    )
    table.finish()
    return settings


def _theme(table: Table) -> str:
    """The name of a theme; which there are is the operator's affair."""
    name = table.text("theme")
    if name and not _NAME.fullmatch(name):
        table.refuse("theme", "is no name of a theme.", 'Write "dark", "light", "contrast", "safe" or "mono".')
    return name


def _aliases(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in table.names():
        text = table.text(name)
        if not _NAME.fullmatch(name):
            table.refuse(name, "is no word for a command.", "Use small letters, digits and -.")
        elif text:
            found[name] = text.removeprefix(":").strip()
    for name in found:
        if _goes_round(name, found):
            table.refuse(name, "stands for itself in the end.")
    return found


def _goes_round(name: str, aliases: Mapping[str, str]) -> bool:
    seen = {name}
    while (word := aliases[name].partition(" ")[0]) in aliases:
        if word in seen:
            return True
        seen.add(word)
        name = word
    return False


def _hotkeys(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key in table.names():
        text = table.text(key)
        if problem := _key_problem(key):
            table.refuse(key, *problem)
        elif text:
            found[key.lower() if len(key) > 1 else key] = text.removeprefix(":").strip()
    return found


def _key_problem(key: str) -> tuple[str, str] | None:
    if _KEY.fullmatch(key):
        return None
    return "is no key.", 'Write "f9", "shift-f5", "ctrl-t", "alt-x" or one character.'


def _environments(table: Table) -> Mapping[str, str]:
    from engine.core.errors import InvalidInput
    from engine.core.timetext import parse_time

    found: dict[str, str] = {}
    for name in table.names():
        path = table.text(name)
        try:
            parse_time(name, 0)
        except InvalidInput:
            if not _NAME.fullmatch(name):
                table.refuse(name, "is no name of an environment.", "Use small letters, digits and -.")
            elif path and not path.startswith(("/", "~/")):
                table.refuse(name, "must be the whole path of a workspace.", 'Write "/srv/churn" or "~/churn".')
            found[name] = path
        else:
            table.refuse(name, "is a moment, such as @1d.", "Choose another name.")
    return found


def _commands(table: Table) -> Mapping[str, ConsoleCommand]:
    found = {}
    for name, each in table.each_table():
        if not _NAME.fullmatch(name):
            each.refuse(None, "has no name that can be typed.", "Use small letters, digits and -.")
        found[name] = _command(name, each)
    return found


def _command(name: str, table: Table) -> ConsoleCommand:
    environment = table.table("environment")
    found = ConsoleCommand(
        name,
        table.line("command"),
        table.words("resources", choices=tuple(PLACEHOLDERS)),
        table.text("key"),
        table.text("about", f"Start {name}."),
        tuple(_input(each) for each in table.tables("inputs")),
        confirm=table.flag("confirm", fallback=False),
        dangerous=table.flag("dangerous", fallback=False),
        background=table.flag("background", fallback=False),
        reads=table.flag("reads", fallback=False),
        role=_role(table),
        environment={key: environment.text(key) for key in environment.names()},
    )
    _check(found, table)
    table.finish()
    return found


def _role(table: Table) -> Role:
    label = table.text("role", Role.OPERATOR.label, choices=_ROLES)
    return next((role for role in Role if role.label == label), Role.OPERATOR)


def _input(table: Table) -> CommandInput:
    name = table.text("name")
    if "name" not in table:
        table.refuse(None, "needs a name.")
    elif not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        table.refuse("name", "is no name of an input.", "Use small letters, digits and _.")
    found = CommandInput(
        name,
        table.text("label", name or "value"),
        table.text("value"),
        required=table.flag("required", fallback=True),
        among=table.words("among"),
    )
    table.finish()
    return found


def _check(found: ConsoleCommand, table: Table) -> None:
    """What the keys of a command must be to each other."""
    if not found.command or not found.command[0]:
        table.refuse("command" if "command" in table else None, "needs a program.", 'Write ["program", "{name}"].')
    elif "{" in found.command[0]:
        table.refuse("command", "must begin with a program, not with a placeholder.")
    if len(found.command) > MOST_ARGUMENTS or len(found.inputs) > MOST_INPUTS:
        table.refuse(None, f"has more than {MOST_ARGUMENTS} arguments or {MOST_INPUTS} inputs.")
    if found.key and (problem := _key_problem(found.key)):
        table.refuse("key", *problem)
    if found.reads and (found.confirm or found.dangerous):
        hint = "Leave confirm and dangerous out."
        table.refuse("reads", "is for what changes nothing, and that needs no asking.", hint)
    known = placeholders(found)
    for place, argument in enumerate(found.command[1:], 1):
        for word in SPOKEN.findall(argument):
            if word not in known:
                table.problems.append(_unknown_placeholder((*table.path, "command", place), word, known))


def _unknown_placeholder(path: KeyPath, word: str, known: tuple[str, ...]) -> Problem:
    from engine.core.suggest import did_you_mean
    from engine.policy.reader import Problem as Wrong

    hint = did_you_mean(word, known) or f"Known here: {', '.join(known)}."
    return Wrong(path, f"speaks of {{{word}}}, which is nothing here.", hint)


def _clashes(settings: ConsoleSettings, taken: Taken) -> list[Problem]:
    """Keys and words that the console has already, with what has them."""
    from engine.policy.reader import Problem as Wrong

    problems: list[Problem] = []
    everything = {key: what for each in taken.of.values() for key, what in each.items()} | dict(taken.keys)
    keys: dict[str, KeyPath] = {}
    for key in settings.hotkeys:
        path: KeyPath = ("console", "hotkeys", key)
        problems += _clash(spelled(key), path, everything, keys)
    for name, command in settings.commands.items():
        path = ("console", "commands", name, "key")
        there = {key: what for resource in command.resources for key, what in taken.of.get(resource, {}).items()}
        if command.key:
            problems += _clash(
                spelled(command.key), path, there | dict(taken.keys) if command.resources else everything, keys
            )
    words: list[tuple[str, KeyPath]] = [
        *((name, ("console", "aliases", name)) for name in settings.aliases),
        *((name, ("console", "commands", name)) for name in settings.commands),
    ]
    for name, path in words:
        if name in taken.words:
            problems.append(Wrong(path, f"is {taken.words[name]} already.", "Choose another word."))
        elif name in settings.aliases and name in settings.commands and path[1] == "commands":
            problems.append(Wrong(path, "is an alias already.", "Choose another word."))
    return problems


def _clash(key: str, path: KeyPath, taken: Mapping[str, str], ours: dict[str, KeyPath]) -> list[Problem]:
    """What is wrong with a key, which is noted as ours."""
    from engine.policy.lines import written
    from engine.policy.reader import Problem as Wrong

    has = written(ours[key]) if key in ours else taken.get(key)
    ours.setdefault(key, path)
    return [Wrong(path, f"takes a key that is taken: {has}.", "Choose another key.")] if has else []
