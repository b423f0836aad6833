"""What the policy file may say of the console, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.access import Role
from engine.core.errors import PolicyInvalid
from engine.policy.console import load_console, parse_console
from engine.policy.console_model import (
    CommandInput,
    ConsoleCommand,
    ConsoleSettings,
    Taken,
    filled,
    placeholders,
    spelled,
)
from engine.policy.file import parse_policy

WHOLE = """
[console.aliases]
prod = ":versions /stage:Production"
[console.hotkeys]
"Shift-F5" = ":runs /failed"
[console.environments]
staging = "/srv/staging"
home = "~/churn"
[console.commands.note-book]
command = ["jupyter", "lab", "--run={run_id}", "{why}"]
resources = ["runs", "versions"]
key = "f8"
about = "Open it."
inputs = [{name = "why", label = "reason", value = "x", required = false, among = ["x", "y"]}]
dangerous = true
background = true
role = "admin"
environment = {MODE = "fast"}
"""


def test_everything_is_read() -> None:
    assert parse_console(WHOLE) == ConsoleSettings(
        {"prod": "versions /stage:Production"},
        {"shift-f5": "runs /failed"},
        {
            "note-book": ConsoleCommand(
                "note-book",
                ("jupyter", "lab", "--run={run_id}", "{why}"),
                ("runs", "versions"),
                "f8",
                "Open it.",
                (CommandInput("why", "reason", "x", required=False, among=("x", "y")),),
                dangerous=True,
                background=True,
                role=Role.ADMIN,
                environment={"MODE": "fast"},
            )
        },
        {"staging": "/srv/staging", "home": "~/churn"},
    )


def test_a_file_that_says_nothing_of_it_sets_nothing(tmp_path: Path) -> None:
    assert parse_console("[defaults]\n") == ConsoleSettings()
    assert load_console(tmp_path / "quarterdeck.toml", Taken()) == ConsoleSettings()
    assert parse_policy("").console is None


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("[console]\nalias = 1", 2, "is not known here"),
        ("[console.aliases]\nOne = 'runs'", 2, "is no word for a command"),
        ("[console.aliases]\none = ''", 2, "must be a text"),
        ("[console]\ntheme = '../dark'", 2, "is no name of a theme"),
        ("[console.aliases]\na = 'b x'\nb = ':a'", 2, "stands for itself"),
        ("[console.aliases]\na = 'a'", 2, "stands for itself"),
        ("[console.hotkeys]\nshft-f5 = 'runs'", 2, "is no key"),
        ("[console.hotkeys]\nf123 = 'runs'", 2, "is no key"),
        ("[console.environments]\nx = 'srv'", 2, "must be the whole path"),
        ("[console.environments]\n1d = '/srv'", 2, "is a moment"),
        ("[console.environments]\ntoday = '/srv'", 2, "is a moment"),
        ("[console.commands.x]\nkey = 'f8'", 1, "needs a program"),
        ("[console.commands.x]\ncommand = 'ls -l'", 2, "must be a list of texts"),
        ("[console.commands.x]\ncommand = ['{name}']\nresources = ['runs']", 2, "must begin with a program"),
        ("[console.commands.x]\ncommand = ['ls', '{name}']", 2, "speaks of {name}"),
        ("[console.commands.x]\nresources = ['models']\ncommand = ['ls',\n '{run_id}']", 4, "speaks of {run_id}"),
        ("[console.commands.x]\nresources = ['runs', 'models']\ncommand = ['ls', '{run_id}']", 3, "speaks of"),
        ("[console.commands.x]\ncommand = ['ls']\nresources = ['run']", 3, "must be one of"),
        ("[console.commands.x]\ncommand = ['ls']\nreads = true\nconfirm = true", 3, "needs no asking"),
        ("[console.commands.x]\ncommand = ['ls']\nrole = 'god'", 3, "must be"),
        ("[console.commands.x]\ncommand = ['ls']\nkey = 'nokey'", 3, "is no key"),
        ("[console.commands.x]\ncommand = ['ls']\ninputs = [{label = 'a'}]", 3, "needs a name"),
        ("[console.commands.x]\ncommand = ['ls']\ninputs = [{name = 'A B'}]", 3, "is no name of an input"),
        ("[console.commands.x]\ncommand = ['ls']\nenvironment = {A = 1}", 3, "must be a text"),
        ("[console.commands.'X y']\ncommand = ['ls']", 1, "has no name that can be typed"),
        ("[console.commands.x]\ncommand = ['ls']\nshell = true", 3, "is not known here"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_console(text)
    assert problem in caught.value.message
    assert caught.value.details["line"] == line


@pytest.mark.parametrize(
    ("key", "same"),
    [("shift-f5", "f17"), ("F5", "f5"), ("Ctrl-T", "ctrl-t"), ("q", "q"), ("Q", "Q"), ("shift-f13", "shift-f13")],
)
def test_keys_are_compared_as_terminals_send_them(key: str, same: str) -> None:
    assert spelled(key) == same


def test_a_command_speaks_of_what_all_its_things_have() -> None:
    one = ConsoleCommand("x", ("p",), ("runs", "versions"), inputs=(CommandInput("why", "why"),))
    assert placeholders(one) == ("why", "name", "run_id", "workspace", "user")


@given(st.text(), st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_what_is_filled_in_is_never_read_again(text: str, values: dict[str, str]) -> None:
    assert filled("{a}" + text.replace("{", "").replace("}", ""), values).startswith(values.get("a", ""))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_console(text)
    except PolicyInvalid as error:
        assert error.message  # noqa: PT017 either way is right
