"""The one writer of stderr and the one place that decides exit codes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from engine.core.errors import QuarterdeckError
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session

INTERRUPTED = 130
USAGE = 2
FAILED = 1

_LINE = 2_000


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
    try:
        outcome = command.main(
            args=None if argv is None else list(argv), prog_name="qd", standalone_mode=False, obj=session
        )
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, click.Abort):
        narrate("qd: interrupted")
        return INTERRUPTED
    except QuarterdeckError as error:
        narrate(f"qd: {error}")
        return error.exit_code
    except click.ClickException as error:
        return _usage(error)
    except Exception as error:  # noqa: BLE001 the edge of every command: a crash is still one line and a code
        return _crash(error)
    finally:
        session.close()
    return outcome if isinstance(outcome, int) else 0


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "qd"
    narrate(f"qd: {error.format_message()} Try `{path} --help`.")
    return error.exit_code if isinstance(error, click.UsageError) else FAILED


def _crash(error: Exception) -> int:
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
