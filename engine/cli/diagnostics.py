"""The one writer of stderr and the one place that decides exit codes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from engine.core.errors import QuarterdeckError
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session

INTERRUPTED = 130
REFUSED = 4
USAGE = 2
FAILED = 1

COMPLETION_VARIABLE = "_QD_COMPLETE"
"""Set by the script of `qd completion`, to ask for the words that may follow."""

_LINE = 2_000
_BEFORE_THE_NOUN = ("--workspace", "--as", "--readonly")


def narrate(message: str) -> None:
    """Say something to the person, on stderr, in one line without control characters.

    Args:
        message: What to say; may hold logged text.
    """
    click.echo(clean(message, limit=_LINE), err=True)


def run_command(command: click.Command, argv: Sequence[str] | None, session: Session) -> int:
    """Run a command line and turn whatever happens into one line and an exit code.

    Args:
        command: The root command.
        argv: The words after `qd`; the process's own when `None`.
        session: What the verbs share.

    Returns:
        The exit code.
    """
    if sys.stdout is None:
        narrate("qd: stdout is closed, so there is nowhere to answer.")
        return FAILED
    try:
        code = _invoke(command, list(sys.argv[1:] if argv is None else argv), session)
        sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 the edge of every command
        return _explain(error)
    else:
        return code
    finally:
        session.close()


def leave(code: int) -> NoReturn:
    """End the process at once. A verb has written and closed all it has; taking the interpreter apart costs 9 ms more.

    Args:
        code: The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            stream.flush()
    os._exit(code)


def _invoke(command: click.Command, words: list[str], session: Session) -> int:
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(command, {}, "qd", COMPLETION_VARIABLE, instruction)
    try:
        with command.make_context("qd", words, obj=session) as context:
            outcome = command.invoke(context)
    except click.exceptions.Exit as ended:  # how click leaves after --help
        return ended.exit_code
    return outcome if isinstance(outcome, int) else 0


def _stop_writing() -> None:
    # The reader (`| head`) has seen enough. Python would complain again when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: BaseException) -> int:
    """Say what went wrong in one line, and give the exit code for it."""
    if isinstance(error, (KeyboardInterrupt, EOFError, click.Abort)):
        narrate("qd: interrupted")
        return INTERRUPTED
    if isinstance(error, QuarterdeckError):
        return _refusal(error)
    if isinstance(error, click.ClickException):
        return _usage(error)
    return _system_error(error) if isinstance(error, OSError) else _crash(error)


def _refusal(error: QuarterdeckError) -> int:
    narrate(f"qd: {error}")
    blockers = error.details.get("blockers")
    for further in blockers[1:] if isinstance(blockers, list) else ():
        narrate(f"    also: {further}")
    return error.exit_code


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "qd"
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        for line in message.splitlines():
            narrate(line)
    elif isinstance(error, click.NoSuchOption) and error.option_name in _BEFORE_THE_NOUN and path != "qd":
        narrate(f"qd: {error.option_name} stands before the noun: `qd {error.option_name} …{path.removeprefix('qd')}`.")
    else:
        sentence = " ".join(message.split())  # click puts choices on lines of their own
        narrate(f"qd: {sentence}{'' if sentence.endswith(('.', '?', ')')) else '.'} Try `{path} --help`.")
    return error.exit_code if isinstance(error, click.UsageError) else FAILED


def _system_error(error: OSError) -> int:
    where = f"{error.filename}: " if error.filename else ""
    narrate(f"qd: {where}{error.strerror or error}.")
    return FAILED


def _crash(error: BaseException) -> int:
    if os.environ.get("QUARTERDECK_DEBUG"):
        import traceback

        for line in traceback.format_exception(error):
            for part in line.rstrip().splitlines():
                narrate(part)
    narrate(
        f"qd: internal error: {type(error).__name__}: {error}. "
        "Set QUARTERDECK_DEBUG=1 to see where, and report it with the command you ran."
    )
    return FAILED
