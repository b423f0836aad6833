"""A typed command and its line for the shell do the same: the audit logs of two workspaces tell the same."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from console.commanding.copying import line_of
from console.commanding.grammar import verbs_by_name
from console.registry import GRAMMAR
from engine.cli import main
from engine.core.command import Grammar, parse_command
from engine.registry.model import Stage
from tests.console.commanding.test_typed import say
from tests.console.driver import console
from tests.console.world import World

WHOLE = Grammar(GRAMMAR.resources, verbs_by_name())

COMMANDS = (
    "tag versions churn/1 team=risk",
    """tag versions churn/1 "-odd=it's" """,
    "describe versions churn/1 --owner bob --description 'a b'",
    "alias versions churn/1 champion",
    "unalias models churn champion",
    "create models fraud --owner ops --description '$(x)'",
    "edit models fraud --owner '' --description 'less'",
    "rename models fraud fraud2",
    "tag models fraud2 a=1",
    "tag models fraud2 a=",
    "create experiments night",
    "rename experiments night day",
    "tag experiments day k=v",
    "delete experiments day",
    "restore experiments day",
    "note runs {run} -- '-- a note'",
    "rename runs {run} oak",
    "tag runs {run} {other} k='v w'",
    "delete runs {run} {other}",
    "restore runs {run}",
    "create endpoints live churn --owner ops",
    "tag endpoints live a=b",
    "register external theirs http://127.0.0.1:1/ --protocol v2",
)


def made(path: Path) -> World:
    world = World(path)
    world.promote(world.version(), to=Stage.STAGING)
    return world


def told(world: World, after: int) -> list[tuple[Any, ...]]:
    """What the audit log holds after a record, without times and people."""
    entries = world.engine.audit.page(limit=1_000).items
    return [(each.verb, each.kind, each.key, each.after) for each in entries if each.seq > after]


@pytest.fixture
def worlds(tmp_path: Path) -> tuple[World, World]:
    return made(tmp_path / "one"), made(tmp_path / "other")


async def test_a_command_and_its_line_do_the_same(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = worlds
    names = {}
    for world in worlds:
        names = {"run": world.run("tree"), "other": world.run("bush")}
    monkeypatch.setenv("QUARTERDECK_HOME", str(other.workspace.path))
    async with console(one.engine, size=(160, 45)) as deck:
        for command in COMMANDS:
            text = command.format(**names)
            marks = [world.engine.audit.head().size for world in worlds]
            line = line_of(one.engine, parse_command(text, WHOLE))
            await say(deck, text)
            await deck.until(lambda before=marks[0]: one.engine.audit.head().size > before, text)  # type: ignore[misc]
            for words in line.split(" && "):
                assert main(shlex.split(words)[1:]) == 0, (text, line, capsys.readouterr().err)
            await deck.until(lambda: not deck.app.desk.acting, text)
            assert told(one, marks[0]) == told(other, marks[1]), text
    for world in worlds:
        world.close()
