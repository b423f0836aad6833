"""Command lines that a job is to run: whether they are any, before something is begun with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.jobs.model import line_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

_HELP = frozenset({"-h", "--help"})
_LONGEST = 300


def job_line(words: Sequence[str]) -> tuple[str, ...]:
    """Read a command line as the program would, without doing it.

    Args:
        words: The words behind `qd`; it may stand before them.

    Returns:
        The words behind `qd`.

    Raises:
        InvalidInput: there is no such command or option, an argument is missing, one cannot be read, or it is no
            command for a job; the message names the nearest word.
    """
    import click

    from engine.cli.root import root
    from engine.cli.session import Session
    from engine.core.text import clean

    line = line_of(words[1:] if words[:1] and words[0] == "qd" else words)
    if _HELP.intersection(line[: line.index("--")] if "--" in line else line):
        raise InvalidInput("Help is for people to read.", hint="Type it in a shell.")  # parsing would print it at once
    try:
        _read(root, root.make_context("qd", list(line), obj=Session()))
    except click.exceptions.NoArgsIsHelpError as error:
        where = "" if error.ctx is None else f" behind {error.ctx.command_path}"
        raise InvalidInput(f"A command is missing{where}.", hint="`--help` there shows what there is.") from error
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx is not None else "qd"
        said = clean(error.format_message(), limit=_LONGEST)
        raise InvalidInput(said, hint=f"`{clean(where, limit=_LONGEST)} --help` shows what there is.") from error
    except click.ClickException as error:
        raise InvalidInput(clean(error.format_message(), limit=_LONGEST)) from error
    return line


def _read(command: click.Command, context: click.Context) -> None:
    """Follow the line to its verb: each group takes its own words and leaves the rest to one of its members."""
    import click

    while isinstance(command, click.Group):
        left = [*context._protected_args, *context.args]  # noqa: SLF001 where the library keeps what a group has left
        if not left:
            context.fail("A command is missing.")
        name, found, rest = command.resolve_command(context, left)
        if found is None or name is None:
            context.fail("A command is missing.")
        command, context = found, found.make_context(name, rest, parent=context)
