"""Programs that `quarterdeck.toml` lets the console start: their arguments, their surroundings, and what they wrote."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean
from engine.policy.console_model import ConsoleCommand, filled

if TYPE_CHECKING:
    from console.tasks import Progress

LONGEST = 4_000
"""Characters of what a placeholder stands for."""

MOST_BYTES = 1_000_000
"""Of what a program in the background wrote; the rest is let go."""

GIVEN = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLORTERM", "TMPDIR", "TZ",
    "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "EDITOR", "VISUAL", "PAGER", "BROWSER",
)  # fmt: skip
"""What a program gets of the console's own environment; tokens and passwords that stand there are not its business."""

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 2.0

_OF_SUBJECT: Mapping[str, Mapping[str, Callable[[Any], object]]] = {
    "runs": {"name": lambda it: it.name, "run_id": lambda it: it.run_id, "experiment": lambda it: it.experiment},
    "experiments": {"name": lambda it: it.name},
    "models": {"name": lambda it: it.name, "model": lambda it: it.name},
    "versions": {
        "name": lambda it: it.key,
        "model": lambda it: it.model,
        "version": lambda it: it.version,
        "stage": lambda it: it.stage.value.lower(),
        "digest": lambda it: it.digest,
        "run_id": lambda it: it.run_id,
    },
    "endpoints": {
        "name": lambda it: it.endpoint.name,
        "endpoint": lambda it: it.endpoint.name,
        "model": lambda it: it.endpoint.model,
    },
    "external": {
        "name": lambda it: it.endpoint.name,
        "endpoint": lambda it: it.endpoint.name,
        "url": lambda it: it.endpoint.url,
    },
    "alerts": {
        "name": lambda it: it.id,
        "alert": lambda it: it.id,
        "model": lambda it: it.model,
        "version": lambda it: it.version,
        "endpoint": lambda it: it.endpoint,
        "monitor": lambda it: it.monitor,
    },
    "monitors": {"name": lambda it: it.name, "monitor": lambda it: it.name},
    "approvals": {
        "name": lambda it: it.id,
        "request": lambda it: it.id,
        "model": lambda it: it.model,
        "version": lambda it: it.version,
        "stage": lambda it: it.to.value.lower(),
    },
    "audit": {"name": lambda it: it.seq, "seq": lambda it: it.seq},
    "traces": {"name": lambda it: it.trace_id, "trace_id": lambda it: it.trace_id},
    "prompts": {"name": lambda it: it.name, "prompt": lambda it: it.name},
}


@dataclass(frozen=True, slots=True)
class Output:
    """What a program in the background came to.

    Args:
        name: The command's name.
        line: The program with its arguments, as for a shell.
        code: Its exit code; negative for the signal that ended it.
        lines: What it wrote, cleaned.
        cut: Whether it wrote more than is kept.
    """

    name: str
    line: str
    code: int
    lines: tuple[str, ...]
    cut: bool = False


def values_of(resource: str, subject: object) -> dict[str, str]:
    """What placeholders stand for, of a thing.

    Args:
        resource: The list it is in; empty for no thing.
        subject: The thing.

    Returns:
        Texts by placeholder; empty ones for what the thing has not.
    """
    found = {name: read(subject) for name, read in _OF_SUBJECT.get(resource, {}).items()}
    return {name: "" if value is None else str(value) for name, value in found.items()}


def arguments_of(command: ConsoleCommand, values: Mapping[str, str]) -> list[str]:
    """The program and its arguments, each one argument whatever stands in it; no shell reads them.

    Args:
        command: The command.
        values: What its placeholders stand for.

    Raises:
        InvalidInput: a value holds characters that do not print or is too long, or is empty or begins with `-` where it
            is a whole argument: the program would take it for an option.
    """
    optional = {each.name for each in command.inputs if not each.required}
    found = [command.command[0]]
    for argument in command.command[1:]:
        text = filled(argument, values)
        if argument.startswith("{") and text.startswith("-"):
            raise InvalidInput(
                f"{clean(text, limit=60)} would be read as an option by {command.name}.",
                hint=f'Write it as "--name={argument}" in quarterdeck.toml.',
            )
        if not text and argument.strip("{}") not in optional:
            raise InvalidInput(f"There is no {argument.strip('{}')} here for {command.name}.")
        found.append(text)
    for name, value in values.items():
        if len(value) > LONGEST or not (value.isprintable() or name not in _spoken(command)):
            raise InvalidInput(
                f"{name} holds characters that {command.name} must not be given.", hint="Rename the thing first."
            )
    return found


def _spoken(command: ConsoleCommand) -> str:
    return " ".join(command.command)


def environment_of(command: ConsoleCommand, values: Mapping[str, str], workspace: str) -> dict[str, str]:
    """What a program finds around it: little of the console's own, what the file gives, and `QD_` words.

    Args:
        command: The command.
        values: What its placeholders stand for.
        workspace: The workspace's directory, which `qd` works on when the program calls it.
    """
    given = {name: os.environ[name] for name in GIVEN if name in os.environ}
    told = {f"QD_{name.upper()}": value for name, value in values.items() if value.isprintable()}
    return {**given, **command.environment, **told, "QD_WORKSPACE": workspace}


def found_program(arguments: list[str], environment: Mapping[str, str]) -> list[str]:
    """The arguments with the program's whole path.

    Raises:
        NotFound: there is no such program.
    """
    path = shutil.which(arguments[0], path=environment.get("PATH", os.defpath))
    if path is None:
        raise NotFound(
            f"There is no program {clean(arguments[0], limit=100)}.", hint="Install it, or mend [console.commands]."
        )
    return [path, *arguments[1:]]


def run_in_front(
    arguments: list[str], environment: Mapping[str, str], directory: str, *, errors: int | None = None
) -> int:
    """Run a program that has the terminal to itself, and wait for it; where it is stopped, so is this one.

    Args:
        arguments: The program and its arguments.
        environment: All of its environment.
        directory: Where it begins.
        errors: Where its errors go; `None` for the terminal.

    Returns:
        Its exit code; negative for the signal that ended it.

    Raises:
        NotFound: it cannot be started.
    """
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGINT, signal.SIGQUIT)}
    try:  # ctrl-c is the program's meanwhile; a handler, unlike ignoring, is not inherited
        return _wait(subprocess.Popen(arguments, env=dict(environment), cwd=directory, stderr=errors))  # noqa: S603 an administrator named the program; no shell reads it
    except OSError as error:
        raise NotFound(f"{arguments[0]} cannot be started: {error.strerror}.") from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; a program stopped by ctrl-z stops this one with it, so that the shell gets its terminal."""
    while True:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        os.kill(os.getpid(), signal.SIGSTOP)


def run_behind(
    command: ConsoleCommand, arguments: list[str], environment: Mapping[str, str], directory: str, progress: Progress
) -> Output:
    """Run a program while the console goes on. Runs in a task's thread; ended with all it started when given up.

    Args:
        command: The command.
        arguments: The program and its arguments.
        environment: All of its environment.
        directory: Where it begins.
        progress: Takes its newest line.

    Raises:
        NotFound: it cannot be started.
        Cancelled: the operator gave it up.
    """
    from shlex import join

    try:
        process = subprocess.Popen(  # noqa: S603 an administrator named the program; no shell reads it
            arguments,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise NotFound(f"{arguments[0]} cannot be started: {error.strerror}.") from error
    try:
        text, cut = _read_all(process, progress)
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    lines = tuple(clean(line, limit=LONGEST) for line in text.decode("utf-8", "replace").splitlines())
    return Output(command.name, clean(join(arguments), limit=LONGEST), code, lines, cut)


def _read_all(process: subprocess.Popen[bytes], progress: Progress) -> tuple[bytes, bool]:
    """What a program writes until it closes its output."""
    out = process.stdout
    if out is None:
        return b"", False
    kept, cut = bytearray(), False
    with selectors.DefaultSelector() as selector, out:
        selector.register(out, selectors.EVENT_READ)
        while True:
            progress(clean(kept[-200:].decode("utf-8", "replace").strip().rpartition("\n")[2], limit=80))
            if not selector.select(_LOOK_SECONDS):
                continue
            piece = os.read(out.fileno(), 65_536)
            if not piece:
                return bytes(kept), cut
            cut = cut or len(kept) + len(piece) > MOST_BYTES
            kept += piece[: MOST_BYTES - len(kept)]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, gently first."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
            return
