"""Whole conversations over pipes, in this process; the end of every kind is tried in `test_ends.py`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from console.location import Location
from console.plain.app import PlainApp
from console.plain.run import converse
from console.plain.stream import Ends
from engine.core.access import Role
from engine.registry.model import Stage
from tests.console.world import GUARDED, HOSTILE, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.api import Engine


class Outcome(NamedTuple):
    """How a conversation went."""

    code: int
    said: list[str]
    errors: str

    @property
    def text(self) -> str:
        return "\n".join(self.said)


async def talk(engine: Engine, folder: Path, *lines: str, start: str = "pulse") -> Outcome:
    script, said, errors = folder / "script", folder / "said", folder / "errors"
    script.write_text("".join(f"{line}\n" for line in lines))
    opened = [
        os.open(script, os.O_RDONLY),
        *(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY) for path in (said, errors)),
    ]
    app = PlainApp(engine, Location(start))
    try:
        code = await asyncio.wait_for(converse(app, Ends(*opened)), 30)
    finally:
        for each in opened:
            os.close(each)
    return Outcome(code, said.read_text().splitlines(), errors.read_text())


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, GUARDED)
    yield world
    world.close()


async def test_lists_are_numbered_labelled_lines_and_a_number_opens(world: World, tmp_path: Path) -> None:
    for place in range(25):
        world.run(f"tree{place}", auc=0.5 + place / 100)
    heard = await talk(world.engine, tmp_path, "runs sort:-auc", "next", "21", "back")
    assert heard.code == 0, heard.errors
    rows = [line for line in heard.said if line.startswith("1. tree24; ")]
    assert rows
    assert "experiment churn; state finished" in rows[0]
    assert "Rows 1 to 20 of 25; next says more." in heard.said
    assert any(line.startswith("21. tree4; ") for line in heard.said)
    assert any(line.startswith("auc: latest 0.54") for line in heard.said)
    assert not heard.errors


async def test_a_filter_narrows_and_the_numbers_are_those_that_were_said(world: World, tmp_path: Path) -> None:
    for name in ("oak", "elm", "ash"):
        world.run(name)
    heard = await talk(world.engine, tmp_path, "runs", "/elm", "1", "back", "/")
    assert heard.code == 0, heard.errors
    assert "runs: /elm; 1 run" in heard.said
    assert any("elm; finished" in line for line in heard.said)


async def test_a_script_stops_at_the_first_line_that_fails_with_its_code(world: World, tmp_path: Path) -> None:
    heard = await talk(world.engine, tmp_path, "models", "nonsense", "create --name late")
    assert heard.code == 2
    assert "nonsense" in heard.errors
    assert not world.engine.models.page().items


@pytest.mark.parametrize(
    "line",
    [
        "99",
        "rename 1",
        "rename",
        "create --nmae x",
        "next",
        "watch x",
        "versions 'x",
        "/auc>>1",
        "models sort:nope",
    ],
)
async def test_what_cannot_be_done_is_told_on_standard_error(world: World, tmp_path: Path, line: str) -> None:
    heard = await talk(world.engine, tmp_path, "models", line)
    assert heard.code != 0
    assert heard.errors.count("\n") == 1


async def test_a_screen_of_something_that_is_not_there_is_a_failure(world: World, tmp_path: Path) -> None:
    heard = await talk(world.engine, tmp_path, "version nope/1")
    assert heard.code != 0


async def test_fields_are_asked_as_lines_or_given_with_options(world: World, tmp_path: Path) -> None:
    heard = await talk(world.engine, tmp_path, "models", "create", "churn", "ada", "", "create --name boat", "models")
    assert heard.code == 0, heard.errors
    assert {model.name: model.owner for model in world.engine.models.page().items} == {"churn": "ada", "boat": ""}
    assert "name: " in heard.said
    assert "models: 2 models" in heard.said


async def test_what_was_done_is_undone_by_a_word(world: World, tmp_path: Path) -> None:
    world.engine.models.create("churn")
    heard = await talk(world.engine, tmp_path, "models", "rename 1 --name boat", "undo", "because", "models")
    assert heard.code == 0, (heard.said, heard.errors)
    assert any("Type redo to do it again." in line for line in heard.said)
    assert [model.name for model in world.engine.models.page().items] == ["churn"]


async def test_what_cannot_be_undone_asks_for_the_name_and_for_a_yes(world: World, tmp_path: Path) -> None:
    world.engine.models.create("churn")
    wrong = await talk(world.engine, tmp_path, "models", "delete 1 --reason old", "chrun", "y")
    assert wrong.code != 0
    assert world.engine.models.page().items
    assert "type churn: " in wrong.said
    right = await talk(world.engine, tmp_path, "models", "delete 1 --reason old", "churn", "y")
    assert right.code == 0, right.errors
    assert not world.engine.models.page().items


async def test_the_end_of_input_in_a_question_changes_nothing(world: World, tmp_path: Path) -> None:
    world.engine.models.create("churn")
    heard = await talk(world.engine, tmp_path, "models", "delete 1 --reason old", "churn")
    assert heard.code != 0
    assert world.engine.models.page().items


async def test_roles_and_read_only_hold(guarded: World, tmp_path: Path) -> None:
    guarded.engine.models.create("churn")
    operator = await talk(guarded.as_("bo"), tmp_path, "models", "delete 1 --reason x --confirm churn --yes")
    assert operator.code != 0
    assert "needs the role admin" in operator.errors
    looker = await talk(guarded.as_("ada", Role.ADMIN, read_only=True), tmp_path, "models", "create --name x")
    assert looker.code != 0
    assert "read-only" in looker.errors


async def test_production_is_promoted_to_by_words(world: World, tmp_path: Path) -> None:
    version = world.version()
    world.promote(version, to=Stage.STAGING)
    heard = await talk(world.engine, tmp_path, "promote churn 1 --to production", "actions")
    assert heard.code == 0, heard.errors
    assert any("churn" in line and "roduction" in line for line in heard.said)


async def test_hostile_names_are_said_clean(world: World, tmp_path: Path) -> None:
    world.run(HOSTILE)
    heard = await talk(world.engine, tmp_path, "runs", "1")
    assert heard.code == 0, heard.errors
    assert "\x1b" not in heard.text
    assert "\u202e" not in heard.text


async def test_news_is_told_when_asked(world: World, tmp_path: Path) -> None:
    heard = await talk(world.engine, tmp_path, "models", "create --name churn", "watch 1", "what is new")
    assert heard.code == 0, heard.errors
    assert "model churn created" in heard.said
    assert heard.said[-1] == "Nothing is new."


async def test_help_and_actions_say_what_can_be_typed(world: World, tmp_path: Path) -> None:
    world.engine.models.create("churn")
    heard = await talk(world.engine, tmp_path, "help", "models", "actions")
    assert "rename NUMBER: Rename the model." in heard.said
    assert "create: Make a model." in heard.said
    assert any(line.startswith("Resources: pulse, runs") for line in heard.said)
