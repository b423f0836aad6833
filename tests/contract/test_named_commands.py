"""Every `qd …` command that a message, a hint or a document names exists and takes what is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import console
import engine
from engine.cli.root import root

SOURCES = (Path(engine.__file__).parent, Path(console.__file__).parent)
COMMAND = re.compile(r"\bqd ((?:--(?:workspace|as) [A-Z]+ |--readonly )*)([a-z]+)((?: [^`\s.,;:)\"']+)*)")
OPTION = re.compile(r"--[a-z][a-z-]*")
PROSE = ("alone", "and", "is", "opens", "would", "server", "console", "shows", "on", "in")
"""Words that follow `qd` in sentences, and what the console's own grammar reads."""


def _texts() -> Iterator[tuple[str, str]]:
    """Every string of the sources, f-strings with `X` for what is filled in, and every document."""
    for folder in SOURCES:
        for file in sorted(folder.rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            # Each process that collects tests comes here: what cannot hold a command is not worth a tree.
            for node in ast.walk(ast.parse(text)) if "qd " in text else ():
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield f"{file.name}:{node.lineno}", node.value
                elif isinstance(node, ast.JoinedStr):
                    parts = (str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
                    yield f"{file.name}:{node.lineno}", "".join(parts)
    repository = Path(engine.__file__).parents[1]
    for document in (*repository.glob("*.md"), repository / "engine" / "cli" / "README.md"):
        yield document.name, document.read_text(encoding="utf-8")


def _named() -> dict[str, str]:
    found: dict[str, str] = {}
    for place, text in _texts():
        for match in COMMAND.finditer(text):
            if match[2] not in PROSE:
                found.setdefault(f"{match[2]}{match[3]}", place)
    return found


NAMED = _named()


def test_there_are_commands_to_look_for() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize("line", NAMED)
def test_a_command_that_is_named_exists(line: str) -> None:
    command: click.Command = root
    words = line.removeprefix("jobs start -- ").split()  # what stands behind it is a command, too
    if words in (["X"], ["…"]):  # any
        return
    while words and isinstance(command, click.Group):
        context = click.Context(command)
        found = command.get_command(context, words[0])
        if found is None and "with" in command.commands:  # its first word may be what to work with
            found, words = command.get_command(context, "with"), ["", *words]
        assert found is not None, f"{NAMED[line]} names `qd {line}`"
        command = found
        words.pop(0)
    known = {option for param in command.params for option in param.opts} | {"--help"}
    assert set(OPTION.findall(" ".join(words))) <= known, f"{NAMED[line]} names `qd {line}`"
