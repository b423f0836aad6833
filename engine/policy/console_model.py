"""What the console is told by `quarterdeck.toml`, as values and pure rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from engine.core.access import Role
from engine.core.frozen import frozen

PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {
    "runs": ("name", "run_id", "experiment"),
    "experiments": ("name",),
    "models": ("name", "model"),
    "versions": ("name", "model", "version", "stage", "digest", "run_id"),
    "endpoints": ("name", "endpoint", "model"),
    "external": ("name", "endpoint", "url"),
    "alerts": ("name", "alert", "model", "version", "endpoint", "monitor"),
    "monitors": ("name", "monitor"),
    "approvals": ("name", "request", "model", "version", "stage"),
    "audit": ("name", "seq"),
    "traces": ("name", "trace_id"),
    "prompts": ("name", "prompt"),
}
"""What a command may say of the thing under the cursor, by the resource that lists it."""

EVERYWHERE = ("workspace", "user")
"""What every command may say."""

SPOKEN = re.compile(r"\{([^{}]*)\}")
"""A placeholder in an argument."""


@frozen
class CommandInput:
    """Something that is asked for before a program starts.

    Args:
        name: Its name between braces.
        label: What it asks for.
        value: What stands there at first.
        required: Whether it may not stay empty.
        among: The only texts accepted; empty when any is.
    """

    name: str
    label: str
    value: str = ""
    required: bool = True
    among: tuple[str, ...] = ()


@frozen
class ConsoleCommand:
    """A program that the console may start.

    Args:
        name: The word that is typed for it.
        command: The program and its arguments; `{word}` stands for something of the thing under the cursor.
        resources: Lists whose things it is started for; empty when it is for nothing in particular.
        key: Its key; empty for none.
        about: One sentence for help.
        inputs: What is asked for first.
        confirm: Whether `y` must be said.
        dangerous: Whether the thing's name must be typed.
        background: Whether the console goes on meanwhile; else the terminal is the program's.
        reads: Whether it changes nothing, so that a read-only session may start it.
        role: The least role whose holders may start it.
        environment: What is added to its environment.
    """

    name: str
    command: tuple[str, ...]
    resources: tuple[str, ...] = ()
    key: str = ""
    about: str = ""
    inputs: tuple[CommandInput, ...] = ()
    confirm: bool = False
    dangerous: bool = False
    background: bool = False
    reads: bool = False
    role: Role = Role.OPERATOR
    environment: Mapping[str, str] = field(default_factory=dict)


@frozen
class ConsoleSettings:
    """All that the file says of the console.

    Args:
        aliases: Commands by the word that stands for them.
        hotkeys: Commands by key.
        commands: Programs by name.
        environments: Directories of other workspaces by name.
        theme: How the console looks to whoever chose nothing; empty for the usual look.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    hotkeys: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, ConsoleCommand] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    theme: str = ""


@frozen
class Taken:
    """What the console has already.

    Args:
        keys: What each key does on every screen, in a few words such as `quit, on every screen`.
        of: The same of single resources, by resource.
        words: What each word of the command line is, such as `a resource`.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def placeholders(command: ConsoleCommand) -> tuple[str, ...]:
    """What a command's arguments may speak of: its inputs, and what all things of its resources have.

    Args:
        command: The command.
    """
    inputs = tuple(each.name for each in command.inputs)
    per = [PLACEHOLDERS.get(resource, ()) for resource in command.resources]
    shared = tuple(word for word in (per[0] if per else ()) if all(word in each for each in per))
    return (*inputs, *shared, *EVERYWHERE)


def filled(argument: str, values: Mapping[str, str]) -> str:
    """An argument with its placeholders filled in; what is filled in is not read again.

    Args:
        argument: As the file says it.
        values: By placeholder.
    """
    return SPOKEN.sub(lambda found: values.get(found[1], ""), argument)


def spelled(key: str) -> str:
    """A key as it is compared: a function key with shift is one of those beyond the twelfth to most terminals.

    Args:
        key: As people write it.
    """
    if len(key) == 1:
        return key
    small = key.lower()
    found = re.fullmatch(r"shift-f([0-9]{1,2})", small)
    return f"f{int(found[1]) + 12}" if found and int(found[1]) <= 12 else small
