"""Where the console begins: the words behind `qd console`, with those that `quarterdeck.toml` adds."""

from __future__ import annotations

from shlex import split
from typing import TYPE_CHECKING

from console.registry import GRAMMAR
from engine.core.command import Grammar, parse_command, unparse_command
from engine.core.errors import FilterSyntaxError, NotFound, PolicyInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.location import Location
    from engine.api import Engine
    from engine.core.command import Command


def first_view(engine: Engine, words: Sequence[str]) -> Command:
    """Read where to begin. The file is read only when the words mean nothing without it.

    Args:
        engine: The open workspace.
        words: The words behind `qd console`.

    Returns:
        What they mean; its `env` names a workspace of the file.

    Raises:
        FilterSyntaxError: they mean nothing, with the file neither.
    """
    try:
        return parse_command(("console", *words), GRAMMAR)
    except FilterSyntaxError as error:
        try:
            aliases, environments = _short_words(engine)
        except PolicyInvalid as broken:
            error.hint = f"{error.hint} Besides, {broken.message}".strip()
            raise error from broken
    from console.commands import completed

    grammar = Grammar(GRAMMAR.resources, GRAMMAR.verbs, tuple(environments))
    line = written_out(list(words), aliases)
    line[:1] = completed(line[0], grammar).split() if line else []
    return parse_command(("console", *line), grammar)


def written_out(words: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    """Words with the first replaced by what it stands for.

    Args:
        words: What was typed, cut into words.
        aliases: What short words stand for.
    """
    from console.commanding.custom import MOST_ALIASES

    line = list(words)
    for _ in range(MOST_ALIASES):
        if not line or line[0] not in aliases:
            break
        line[:1] = split(aliases[line[0]])
    return line


def environment_of(engine: Engine, view: Location) -> tuple[str, tuple[str, ...]]:
    """The workspace that a view names by `@name`.

    Args:
        engine: The open workspace, whose file names others.
        view: The view, with `env`.

    Returns:
        Its directory, and the words of the same view there.

    Raises:
        PolicyInvalid: the file has become wrong meanwhile.
        NotFound: the name is gone from it meanwhile.
    """
    from dataclasses import replace
    from pathlib import Path

    _, environments = _short_words(engine)
    words = split(unparse_command(replace(view, env="")))[2:]
    path = environments.get(view.env)
    if path is None:
        raise NotFound(f"There is no environment {view.env}.", hint="[console.environments] names them.")
    return str(Path(path).expanduser()), tuple(words)


def _short_words(engine: Engine) -> tuple[Mapping[str, str], Mapping[str, str]]:
    if engine.policy.console is None:
        return {}, {}
    from console.commanding.taken import taken

    settings = engine.console_settings(taken())
    return settings.aliases, settings.environments
