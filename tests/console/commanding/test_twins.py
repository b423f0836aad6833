"""Every action and every view has its line for the shell, or a named reason why not; and the shell understands it."""

from __future__ import annotations

import shlex
from importlib import import_module
from types import SimpleNamespace as Thing
from typing import Any

import click
import pytest

from console.actions import Action, Needs
from console.commanding.catalog import KINDS, actions_of
from console.commanding.copying import line_of
from console.commanding.grammar import verbs_by_name
from console.commanding.shell_words import qd, tagged, why
from console.endpoints.standing import Standing
from console.registry import GRAMMAR, RESOURCES
from console.shell import shell_of
from console.views import View
from engine.cli.root import root
from engine.core.command import Grammar, parse_command
from engine.core.command import View as Location
from engine.deployment.model import Kind
from engine.registry.model import Stage
from tests.console.commanding.test_typed import say
from tests.console.driver import console
from tests.console.world import World

WHOLE = Grammar(GRAMMAR.resources, verbs_by_name())

VERSION = Thing(key="churn/1", model="churn", version=1, stage=Stage.STAGING)
ENDPOINT = Thing(name="churn-live", model="churn", url="http://x/", deployments=(), desired=None, desired_routes=())
STANDING = Standing(ENDPOINT)  # type: ignore[arg-type]  # what lines for the shell read of it
THINGS: dict[str, Any] = {
    "runs": Thing(run_id="0" * 32, name="tree"),
    "experiments": Thing(name="churn"),
    "models": Thing(name="churn"),
    "versions": VERSION,
    "promotion": Thing(version=VERSION, to=Stage.PRODUCTION, kind=Kind.PROMOTE, request=Thing(id=3)),
    "endpoints": STANDING,
    "external": Thing(endpoint=Thing(name="theirs")),
    "alerts": Thing(id=4, model="churn", version=1, monitor="m", key="drift"),
    "silences": Thing(id=5),
    "monitors": Thing(name="m"),
    "approvals": Thing(id=3),
    "audit": Thing(seq=12),
    "traces": Thing(trace_id="tr-1"),
    "prompts": Thing(name="greeting"),
    "prompt-versions": Thing(prompt="greeting", version=2, key="greeting/2"),
}

TYPED = {
    "from": "production", "of": "7d", "setting": "window", "value": "2h", "status": "killed", "skip": "yes",
    "version": "7", "share": "canary", "weight": "5", "plan": "shadow 10m -> 100%", "capture": "10", "for": "2h",
    "protocol": "v2", "interval": "30s", "timeout": "2s", "url": "http://x/", "since": "7d", "files": "data.csv",
    "record": "12",
    "target": "endpoint churn-live", "window": "1h", "tests": "drift quality", "artifact": "model", "directory": "/new",
}  # fmt: skip
"""What is filled in, by field; every other field gets a text that attacks the shell."""

HOSTILE = 'it\'s $(rm -rf /) `x` "y" ; -- -x\n'

ACTIONS = {
    (resource, action.name): action
    for resource in KINDS
    for action in actions_of(resource).values()
    if action.changes or action.takes or resource not in THINGS
}

REASONS = {
    ("endpoints", "measure"): "measures what is under the cursor; nothing is deployed to this one",
}
"""Changes whose line is empty for the things above, and why."""


def parsed(line: str) -> list[tuple[str, dict[str, Any]]]:
    """What the real command line makes of a line: the command's path and its parameters, command by command."""
    commands: list[list[str]] = [[]]
    for word in shlex.split(line):
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return [_parsed(words) for words in commands]


def _parsed(words: list[str]) -> tuple[str, dict[str, Any]]:
    assert words.pop(0) == "qd"
    command, context, path = root, click.Context(root, info_name="qd"), []
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, name
        path.append(name)
        inner = isinstance(found, click.Group)
        context = click.Context(found, context, name) if inner else found.make_context(name, words, parent=context)
        command = found  # type: ignore[assignment]  # a group first, a command at last
    return " ".join(path), context.params


def filled(action: Action, thing: object) -> dict[str, str]:
    """Answers for every field of an action."""
    names = action.takes or [field.name for field in action.ask(_Anything())]
    answers = {name: TYPED.get(name, HOSTILE) for name in names}
    return answers | {"3": "10%"} if action.name == "traffic" else answers


class _Anything:
    def __getattr__(self, name: str) -> Any:
        from console.commanding.unknown import Unknown

        return getattr(Unknown(), name)


@pytest.mark.parametrize(("resource", "name"), [key for key in ACTIONS if ACTIONS[key].changes])
def test_every_change_has_a_line_that_the_shell_understands(resource: str, name: str) -> None:
    action, thing = ACTIONS[resource, name], THINGS.get(resource)
    subject = (thing, thing) if action.needs is Needs.MANY else thing
    line = action.twin(subject, filled(action, thing))
    if (resource, name) in REASONS:
        assert line == ""
        return
    assert line
    for _path, parameters in parsed(line):
        for value in parameters.values():
            for text in value if isinstance(value, (tuple, list)) else (value,):
                assert not isinstance(text, str) or HOSTILE.strip() in text or "$(" not in text  # whole or not at all


def _views() -> list[tuple[str, Action]]:
    found = []
    for resource, entry in RESOURCES.items():
        module, _, name = entry.place.partition(":")
        holder = getattr(import_module(module), name)
        if isinstance(holder, type) and issubclass(holder, View):
            found += [(resource, action) for action in holder.actions if action.changes]
    return found


OF_THIS_PROCESS = {
    ("jobs", "cancel"): "a job of this console's own process",
}


@pytest.mark.parametrize(("resource", "action"), _views(), ids=lambda each: getattr(each, "name", each))
def test_no_view_has_a_change_without_a_line(resource: str, action: Action) -> None:
    if (resource, action.name) not in OF_THIS_PROCESS:
        assert action.twin.__module__ != "console.actions", f"{resource}: {action.name} names no line for the shell"


NAMES = {
    "run": "0" * 32, "compare": f"{'0' * 32},{'1' * 32}", "version": "churn/1", "promotion": "churn/1/production",
    "history": "churn", "lineage": "churn/1", "endpoint": "live", "external-endpoint": "theirs", "predictions": "live",
    "alert": "1", "monitor": "m", "result": "1", "record": "1", "trace": "tr-1", "prompt-versions": "greeting",
    "prompt": "greeting/1", "prompt-diff": "greeting/1/2", "output": "1",
}  # fmt: skip


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_view_has_a_line_that_the_shell_understands(world: World, resource: str) -> None:
    world.version()
    line = shell_of(world.engine, Location(resource, NAMES.get(resource, "")))
    [(path, parameters)] = parsed(line)
    if path == "console":
        assert parse_command(("console", *parameters["words"]), GRAMMAR).resource == resource


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("runs /x", "qd runs list"),
        ("tag versions churn/1 team=risk", "qd versions tag churn/1 team=risk"),
        ("tag versions churn 1 --key team --value ''", "qd versions tag churn/1 --remove team"),
        ("delete versions churn/1 --reason 'it is old'", "qd versions delete churn/1 --reason 'it is old' --yes"),
        ("promote churn 1 --to staging --reason x", "qd models promote churn 1 --to staging --reason x"),
        ("archive churn/1", "qd models promote churn 1 --to archived"),
        ("rollback churn --reason x", "qd models rollback churn --reason x"),
        ("alias versions churn/1 champion", "qd models alias churn champion 1"),
        ("create models fraud --owner ops", "qd models create fraud --owner ops"),
        ("backup workspace /new", "qd db backup /new"),
    ],
)
def test_a_command_of_the_console_has_its_line_for_the_shell(world: World, typed: str, line: str) -> None:
    world.version()
    found = line_of(world.engine, parse_command(typed, WHOLE))
    assert found.startswith(line)
    assert parsed(found)


async def test_the_dialog_shows_the_line_before_and_copies_it(world: World) -> None:
    world.version()
    async with console(world.engine, size=(160, 45)) as deck:
        await say(deck, "delete versions churn/1")
        await deck.expect("$ qd versions delete churn/1 --yes")
        await deck.type("old")
        await deck.expect("$ qd versions delete churn/1 --reason old --yes")
        await deck.press("tab", "tab", "c")
        await deck.expect("copied")
        assert deck.app.clipboard == "qd versions delete churn/1 --reason old --yes"


async def test_the_line_of_what_was_done_is_copied_until_another_screen_is_shown(world: World) -> None:
    world.version()
    async with console(world.engine, "versions", size=(160, 45)) as deck:
        await deck.expect("churn/1")
        await say(deck, "tag versions churn/1 team=risk")
        await deck.expect("Tag team of churn/1 set.")
        await say(deck, "copy-cli")
        await deck.expect("Copied: qd versions tag churn/1 team=risk")
        await say(deck, "models")
        await deck.expect("PRODUCTION")
        await say(deck, "copy-cli")
        await deck.expect("Copied: qd models list")


async def test_a_command_is_copied_without_being_done(world: World) -> None:
    world.version()
    async with console(world.engine, size=(160, 45)) as deck:
        await say(deck, "copy-cli tag versions churn/1 team=risk")
        await deck.expect("Copied: qd versions tag churn/1 team=risk")
    assert "team" not in world.engine.models.version("churn", 1).tags


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ({"key": "a", "value": "b"}, "qd runs tag 1 a=b"),
        ({"key": "a", "value": ""}, "qd runs tag 1 --remove a"),
        ({"key": "-a", "value": "b"}, "qd runs tag -- 1 -a=b"),
        ({"key": "-a", "value": ""}, "qd runs tag 1 --remove=-a"),
    ],
)
def test_a_tag_is_written_so_that_no_option_is_read(answers: dict[str, str], line: str) -> None:
    assert qd("runs", "tag", 1, tagged(answers)) == line


def test_words_are_quoted_and_names_stay_names() -> None:
    assert qd("runs", "note", 1, "it's") == "qd runs note 1 'it'\"'\"'s'"
    assert qd("runs", "note", 1, "-x", why({"reason": "--y"})) == "qd runs note --reason=--y -- 1 -x"
