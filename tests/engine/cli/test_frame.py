"""What every verb keeps to: exit codes, streams, help, suggestions, hostile environments."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
import pytest

from engine.cli.root import root
from engine.core.errors import (
    Busy,
    InvalidInput,
    NotAcknowledged,
    Overloaded,
    PolicyInvalid,
    QuarterdeckError,
    Refused,
    RowRefused,
    Stopped,
    Unauthenticated,
    Unreachable,
    WorkspaceMissing,
    WorkspaceReplaced,
)
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import COMMAND, Qd, run_process, terminal


def _commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _commands(found, (*words, name))
    else:
        yield words, command


COMMANDS = dict(_commands(root, ()))
LISTS = [words for words in COMMANDS if words[-1] in ("list", "history")]
SHOWN_AS_THEY_ARE = {
    ("completion",): "a script",
    ("console",): "a screen",
    ("web",): "a screen in a browser",
    ("jobs", "check"): "one sentence, and an exit code",
    ("jobs", "forget"): "nothing is left to show",
    ("jobs", "log"): "what a command printed, as it was printed",
    ("drift", "report"): "a page of HTML, and `drift check` says the same in JSON",
    ("endpoints", "delete"): "nothing is left to show",
    ("endpoints", "export"): "a manifest, in the words of the cluster",
    ("endpoints", "unregister"): "nothing is left to show",
    ("models", "allow-pickle"): "one sentence, and an exit code",
    ("models", "forbid-pickle"): "same",
    ("models", "delete"): "nothing is left to show",
    ("monitors", "delete"): "nothing is left to show",
    ("prompts", "delete"): "nothing is left to show",
    ("runs", "artifacts", "get"): "the bytes of a file",
    ("traces", "delete"): "nothing is left to show",
    ("versions", "delete"): "nothing is left to show",
    ("serve",): "answers until it is told to end",
    ("server", "stop"): "nothing is left to show",
    ("up", "logs"): "the lines of a log",
    ("up", "stop"): "nothing is left to show",
    ("webhooks", "delete"): "nothing is left to show",
    ("webhooks", "events"): "words, one a line",
    ("webhooks", "test"): "one sentence, and an exit code",
}


def _options(words: tuple[str, ...]) -> set[str]:
    return {option for param in COMMANDS[words].params for option in param.opts}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_verb_explains_itself(qd: Qd, words: tuple[str, ...]) -> None:
    answer = qd(*words, "--help")
    assert answer.out.startswith(f"Usage: qd {' '.join(words)}")
    assert COMMANDS[words].get_short_help_str()
    for param in COMMANDS[words].params:
        assert isinstance(param, click.Argument) or getattr(param, "help", None), f"{param.name} has no help"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_verb_answers_programs_too(words: tuple[str, ...]) -> None:
    assert {"--json", "--csv"} <= _options(words) or words in SHOWN_AS_THEY_ARE


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_every_list_is_cut_into_pages(words: tuple[str, ...]) -> None:
    if words != ("runs", "artifacts", "list"):  # one folder, whole
        assert {"--limit", "--page-token"} <= _options(words)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_every_list_has_the_same_shape(qd: Qd, sample: Sample, words: tuple[str, ...]) -> None:
    more = [sample.runs[0]] if "artifacts" in words else []
    if words == ("endpoints", "history"):
        qd("endpoints", "create", "churn", "churn")
        more = ["churn"]
    page = qd(*words, *more, "--json").json
    assert set(page) == {"items", "next_page_token"}


def test_help_names_every_noun_without_a_workspace(qd: Qd, tmp_path: Path) -> None:
    text = qd("--workspace", tmp_path / "none", "--help").out
    assert all(f"  {noun} " in text for noun in ("approvals", "audit", "db", "demo", "experiments", "models", "runs"))
    assert "promote" in qd("models", "--help").out
    assert qd("runs", "-h").out.startswith("Usage: qd runs")


def test_the_version_is_printed(qd: Qd) -> None:
    assert qd("--version").out.startswith("qd 0.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["modles", "list"], "Did you mean models?"),
        (["models", "promot"], "Did you mean promote?"),
        (["runs", "artifacts", "lst"], "Did you mean list?"),
        (["runs", "list", "--jsn"], "--json"),
        (["runs", "list", "--readonly"], "`qd --readonly … runs list`"),
        (["models", "promote", "churn", "1", "--to", "prod", "--reason", "x"], "Did you mean Production?"),
        (["zzzzzz"], "No such command"),
        (["runs", "show"], "RUN"),
        (["runs"], "\n  show "),
    ],
)
def test_what_is_nearly_right_gets_a_suggestion_and_exit_code_2(
    qd: Qd, workspace: Path, words: list[str], said: str
) -> None:
    answer = qd(*words, code=2)
    assert said in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("prepare", "code", "said"),
    [
        (shutil.rmtree, 3, "qd init"),
        (lambda path: (path / "control.db").write_bytes(b"x" * 9_000), 1, "not a Quarterdeck database"),
        (lambda path: _set_schema(path, 999), 1, "Install the Quarterdeck that wrote it"),
    ],
    ids=["missing", "damaged", "too new"],
)
def test_a_workspace_that_cannot_be_used_is_one_sentence(
    qd: Qd, workspace: Path, prepare: object, code: int, said: str
) -> None:
    assert callable(prepare)
    prepare(workspace)
    answer = qd("runs", "list", "--json", code=code)
    assert said in answer.err
    assert (answer.out, answer.err.count("\n")) == ("", 1)


def _set_schema(path: Path, version: int) -> None:
    connection = sqlite3.connect(path / "control.db")
    connection.execute(f"PRAGMA user_version={version:d}")
    connection.close()


def test_read_only_refuses_every_change_and_shows_everything(qd: Qd, sample: Sample) -> None:
    assert len(qd("--readonly", "runs", "list", "--json").json["items"]) == 3
    assert "read-only" in qd("--readonly", "runs", "rename", sample.runs[0], "x", code=4).err


def test_json_is_one_line_in_a_pipe_and_ascii(sample: Sample, qd: Qd) -> None:
    qd("runs", "rename", sample.runs[0], "größe")
    answer = run_process("runs", "list", "--json")
    assert answer.out.count("\n") == 1
    assert answer.out.isascii()
    assert answer.err == ""


def test_json_is_indented_on_a_terminal(sample: Sample) -> None:
    with terminal("models", "show", "churn", "--json") as session:
        assert session.wait() == 0
        text = session.output.decode()
    assert text.splitlines()[1].startswith('  "name"')
    assert json.loads(text)["name"] == "churn"


def test_narration_never_mixes_with_data(sample: Sample) -> None:
    answer = run_process("runs", "delete", sample.runs[0], "--json")
    assert json.loads(answer.out)["items"][0]["lifecycle"] == "deleted"
    assert "Undo" in answer.err


def test_a_reader_that_has_seen_enough_is_no_error(sample: Sample) -> None:
    script = f"{' '.join(COMMAND)} runs metrics {sample.runs[0]} loss --raw | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[0].split() == ["key", "step", "time", "value"]
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("redirect", "said"),
    [(">&-", "stdout is closed"), pytest.param(">/dev/full", "No space left", id="full disk")],
)
def test_an_answer_that_cannot_be_written_is_a_failure(sample: Sample, redirect: str, said: str) -> None:
    script = f"{' '.join(COMMAND)} runs list {redirect}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_our_letters_gets_others(sample: Sample, encoding: str) -> None:
    words = ("models", "promote", "churn", "1", "--to", "staging", "--reason", "größe")
    answer = run_process(*words, env={"PYTHONIOENCODING": encoding})
    assert (answer.code, answer.out) == (0, "churn/1  Registered -> Staging\n")


def test_ctrl_c_is_130_and_leaves_nothing_half_written(workspace: Path, qd: Qd) -> None:
    run = qd("runs", "start").out.strip()
    with subprocess.Popen(
        [*COMMAND, "runs", "log", run, "--points", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write('{"key": "loss", "value": 1}\n' * 100)
        process.stdin.flush()
        _until_all_is_read(process.stdin)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "qd: interrupted\n")
    assert qd("runs", "metrics", run, "--json").json == {"metrics": {}}
    assert qd("db", "check", "--json").json["ok"] is True


def _until_all_is_read(pipe: IO[str]) -> None:
    """Wait until the program has taken everything out of its stdin."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        unread = fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4)
        if unread == b"\0" * 4:
            return
        os.sched_yield()
    raise AssertionError("it never read its stdin")


CODES = {
    NotAcknowledged: 5,
    RowRefused: 2,
    Stopped: 130,
    InvalidInput: 2,
    PolicyInvalid: 2,
    Busy: 3,
    Overloaded: 3,
    Unreachable: 3,
    Unauthenticated: 4,
    WorkspaceMissing: 3,
    WorkspaceReplaced: 3,
    Refused: 4,
    QuarterdeckError: 1,
}


def _errors(kind: type[QuarterdeckError]) -> Iterator[type[QuarterdeckError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _errors(child)


@pytest.mark.parametrize("error", sorted(set(_errors(QuarterdeckError)), key=str))
def test_every_error_has_its_exit_code_and_one_line(
    qd: Qd, monkeypatch: pytest.MonkeyPatch, error: type[QuarterdeckError]
) -> None:
    def fail() -> None:
        raise error("It is so.", hint="Do this.", details={"blockers": ["It is so. Do this.", "And so."]})

    monkeypatch.setitem(root.commands, "fail", click.Command("fail", callback=fail))
    expected = next(code for kind, code in CODES.items() if issubclass(error, kind))
    assert qd("fail", code=expected).err == "qd: It is so. Do this.\n    also: And so.\n"


def test_a_secret_crash_is_one_line_and_a_code(qd: Qd, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_ctx: click.Context, **_options: object) -> None:
        raise ZeroDivisionError("boom")

    crashing = click.Command("crash", callback=click.pass_context(broken))
    monkeypatch.setitem(root.commands, "crash", crashing)
    assert "internal error: ZeroDivisionError: boom" in qd("crash", code=1).err
    monkeypatch.setenv("QUARTERDECK_DEBUG", "1")
    assert "in broken" in qd("crash", code=1).err
