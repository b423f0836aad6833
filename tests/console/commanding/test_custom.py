"""What quarterdeck.toml adds: short words, keys and programs; read again when the file changes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from console.commanding.programs import arguments_of, environment_of, values_of
from console.commanding.taken import taken
from console.theme import dress
from console.theming.built_in import BUILT_IN
from engine.core.access import Role
from engine.core.errors import InvalidInput, PolicyInvalid
from engine.policy.console import load_console
from engine.policy.console_model import PLACEHOLDERS, CommandInput, ConsoleCommand
from tests.console.commanding.test_typed import say
from tests.console.driver import Console, console
from tests.console.world import World

WRITE = "import sys, os; print('|'.join(sys.argv[1:]), os.environ.get('QD_RUN_ID', ''), os.environ.get('SECRET', ''))"


def policy(more: str = "", command: str = "jot") -> str:
    """A file with one of each."""
    return f"""
[console.aliases]
mine = ":runs user_id=ada"
yours = "mine sort:-start_time"
[console.hotkeys]
f9 = ":models"
[console.commands.{command}]
command = [{sys.executable!r}, "-c", {WRITE!r}, "--run={{run_id}}", "{{why}}"]
resources = ["runs"]
background = true
about = "Write a note."
inputs = [{{name = "why", label = "reason"}}]
{more}
"""


async def follows(deck: Console) -> None:
    """Wait until the file has been read."""
    deck.app.custom.look()
    await deck.until(lambda: bool(deck.app.custom.settings.aliases), "the settings")


async def test_an_alias_stands_for_what_follows_too(world: World) -> None:
    world.write_policy(policy())
    async with console(world.engine, size=(160, 45)) as deck:
        await follows(deck)
        await say(deck, "yours /tree")
        await deck.until(lambda: deck.app.navigator.here.resource == "runs", "the list")
        here = deck.app.navigator.here
        assert (here.terms, here.sort) == (("user_id=ada", "tree"), "-start_time")


async def test_the_workspace_says_how_it_looks_to_whoever_chose_nothing(world: World) -> None:
    world.write_policy('[console]\ntheme = "dark"\n')
    try:
        async with console(world.engine, "models") as running:
            running.app.custom.look()
            await running.until(lambda: bool(running.app.palette), "the theme")
            assert running.app.palette == BUILT_IN["dark"].palette
    finally:
        dress({}, themed=False)  # one terminal, one theme: that of the next test is its own


async def test_a_hotkey_goes_where_it_says(world: World) -> None:
    world.write_policy(policy())
    async with console(world.engine) as deck:
        await follows(deck)
        await deck.press("f9")
        await deck.expect("No registered models yet.")


async def test_a_program_gets_what_is_under_the_cursor_and_no_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    world.write_policy(policy('key = "f8"'))
    run = world.run("tree")
    async with console(world.engine, "runs", (160, 45)) as deck:
        await follows(deck)
        await deck.expect("1 run")
        await deck.press("f8")
        await deck.expect("reason")
        await deck.type("because")
        await deck.press("enter")
        await deck.expect(":output 1 shows what it wrote")
        await say(deck, "output 1")
        await deck.expect(f"--run={run}|because {run}", "ended with code 0")
        assert "hunter2" not in deck.text()


async def test_a_program_is_started_by_its_word_for_a_named_thing(world: World) -> None:
    world.write_policy(policy())
    run = world.run("tree")
    async with console(world.engine, size=(160, 45)) as deck:
        await follows(deck)
        await say(deck, f"jot runs {run[:8]} --why 'a b; rm -rf /'")
        await deck.expect(":output 1 shows what it wrote")
        assert f"--run={run}|a b; rm -rf /" in deck.app.custom.outputs[1].lines[0]


async def test_care_is_as_the_file_asks(world: World) -> None:
    world.write_policy(policy("dangerous = true"))
    run = world.run("oak")
    async with console(world.engine, size=(160, 45)) as deck:
        await follows(deck)
        await say(deck, f"jot runs {run[:8]} --why x")
        await deck.expect("A PROGRAM OF quarterdeck.toml", "type oak", f"--run={run}")


@pytest.mark.parametrize(("more", "said"), [("", "read-only"), ("reads = true", ":output 1")])
async def test_a_read_only_session_starts_what_only_reads(world: World, more: str, said: str) -> None:
    world.write_policy(policy(more))
    run = world.run("tree")
    async with console(world.as_("ada", Role.ADMIN, read_only=True), size=(160, 45)) as deck:
        await follows(deck)
        await say(deck, f"jot runs {run[:8]} --why x")
        await deck.expect(said)


async def test_a_role_is_asked_for(world: World) -> None:
    world.write_policy(policy('role = "admin"'))
    run = world.run("tree")
    async with console(world.as_("bob", Role.OPERATOR), size=(160, 45)) as deck:
        await follows(deck)
        await say(deck, f"jot runs {run[:8]} --why x")
        await deck.expect("needs the role admin")


async def test_a_file_that_becomes_wrong_is_told_and_the_last_good_one_holds(world: World) -> None:
    world.write_policy(policy())
    async with console(world.engine, size=(160, 45)) as deck:
        await follows(deck)
        world.write_policy(policy().replace("f9", "q"))
        deck.app.custom.look()
        await deck.expect("line 6, console.hotkeys.q: takes a key that is taken: quit, in every screen.")
        assert "f9" in deck.app.custom.settings.hotkeys
        world.write_policy(policy().replace("f9", "f10"))
        deck.app.custom.look()
        await deck.until(lambda: "f10" in deck.app.custom.settings.hotkeys, "the new key")


async def test_help_and_palette_tell_of_them(world: World) -> None:
    world.write_policy(policy('key = "f8"'))
    async with console(world.engine, "runs", (160, 45)) as deck:
        await follows(deck)
        await deck.press("ctrl+p")
        await deck.type("jot")
        await deck.expect_line("jot", "f8", "Write a note.")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("name", "--help", "would be read as an option"),
        ("name", "", "There is no name"),
        ("name", "a\nb", "characters"),
        ("name", "a\0b", "characters"),
        ("name", "x" * 5_000, "characters"),
    ],
)
def test_a_hostile_name_is_no_argument(name: str, value: str, problem: str) -> None:
    command = ConsoleCommand("x", ("prog", "{name}"), ("models",))
    with pytest.raises(InvalidInput, match=problem):
        arguments_of(command, {name: value})


def test_what_is_filled_in_is_not_read_again() -> None:
    command = ConsoleCommand("x", ("prog", "--a={name}", "{why}"), ("models",), inputs=(CommandInput("why", "why"),))
    values = {"name": "$(rm) {why} `x`; 'y'", "why": "{name}"}
    assert arguments_of(command, values) == ["prog", "--a=$(rm) {why} `x`; 'y'", "{name}"]


def test_the_environment_is_given_explicitly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    command = ConsoleCommand("x", ("prog",), environment={"MODE": "fast"})
    found = environment_of(command, {"run_id": "r1", "name": "a\nb"}, "/w")
    assert (found["MODE"], found["QD_RUN_ID"], found["QD_WORKSPACE"]) == ("fast", "r1", "/w")
    assert not {"AWS_SECRET_ACCESS_KEY", "QD_NAME"} & set(found)


def test_every_placeholder_has_a_value(world: World) -> None:
    version = world.version()
    run = world.engine.runs.get(world.run("tree"))
    for resource, thing in (("versions", version), ("runs", run), ("models", world.engine.models.get("churn"))):
        assert set(values_of(resource, thing)) == set(PLACEHOLDERS[resource])


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('[console.aliases]\nruns = "models"', 2, "is a resource already"),
        ('[console.aliases]\ntag = "models"', 2, "is a verb already"),
        ('[console.hotkeys]\nq = "models"', 2, "quit, in every screen"),
        ('[console.hotkeys]\nj = "models"', 2, "moving"),
        ('[console.hotkeys]\nD = "models"', 2, "taken: "),
        ('[console.commands.x]\ncommand = ["p"]\nresources = ["runs"]\nkey = "R"', 4, "register, in runs"),
        (
            '[console.hotkeys]\nf9 = "models"\n[console.commands.x]\ncommand = ["p"]\nkey = "F9"',
            5,
            "console.hotkeys.f9",
        ),
    ],
)
def test_a_key_or_word_that_the_console_has_is_refused_with_what_has_it(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    (tmp_path / "quarterdeck.toml").write_text(text)
    with pytest.raises(PolicyInvalid) as caught:
        load_console(tmp_path / "quarterdeck.toml", taken())
    assert caught.value.details["line"] == line
    assert problem in caught.value.message
