from __future__ import annotations

import os
import subprocess
import sys

import pytest

from console.terminal.capabilities import TRUE_COLOUR, Colours, detect, refusal


@pytest.mark.parametrize(
    ("environ", "unicode"),
    [
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": ""}, True),
    ],
)
def test_the_first_locale_variable_that_is_set_decides(environ: dict[str, str], unicode: bool) -> None:
    assert detect(environ).unicode is unicode


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm"}, 16),
        ({"TERM": "linux"}, 16),
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, TRUE_COLOUR),
        ({"TERM": "xterm-direct"}, TRUE_COLOUR),
        ({"TERM": "xterm-kitty"}, TRUE_COLOUR),
        ({"TERM": "vt100"}, 0),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, 0),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, 256),
    ],
)
def test_colours_follow_the_terminal_and_no_color(environ: dict[str, str], colours: Colours) -> None:
    assert detect(environ).colours == colours


@pytest.mark.parametrize("environ", [{"TERM_PROGRAM": "Apple_Terminal"}, {"TERM": "linux"}, {"TERM": "vt220"}])
def test_a_terminal_that_would_print_the_question_is_not_asked(environ: dict[str, str]) -> None:
    assert not detect(environ).ask_sync


def test_tmux_and_ssh_are_noticed() -> None:
    found = detect({"TMUX": "/tmp/tmux", "SSH_CONNECTION": "a b c d", "TERM": "screen-256color"})  # noqa: S108 - a value, not a file
    assert (found.tmux, found.ssh) == (True, True)
    assert not detect({}).tmux
    assert not detect({}).ssh


def test_a_usable_terminal_is_not_refused() -> None:
    assert refusal({"TERM": "xterm"}, stdin_tty=True, stdout_tty=True) is None


@pytest.mark.parametrize(
    ("term", "stdin_tty", "stdout_tty"),
    [("dumb", True, True), ("", True, True), ("xterm", False, True), ("xterm", True, False)],
)
def test_what_is_no_terminal_is_refused_and_the_headless_way_named(
    term: str, stdin_tty: bool, stdout_tty: bool
) -> None:
    line = refusal({"TERM": term}, stdin_tty=stdin_tty, stdout_tty=stdout_tty)
    assert line is not None
    assert "qd runs list" in line
    assert "\n" not in line


def test_the_locale_is_read_as_the_user_set_it_not_as_python_bends_it() -> None:
    code = (
        "import os; from console.terminal.capabilities import detect, launch_environ;"
        "print(detect(launch_environ(os.environ)).unicode)"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    for lang, expected in (("C", "False"), ("C.UTF-8", "True")):
        done = subprocess.run(
            [sys.executable, "-c", code], env={**environ, "LANG": lang}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected


def test_asking_for_capabilities_loads_no_textual() -> None:
    code = "import sys, console.terminal.capabilities; print([m for m in ('textual', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
