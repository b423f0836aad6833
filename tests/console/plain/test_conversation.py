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
from tests.console.served import Served
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


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    world = Served(tmp_path)
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


async def test_several_are_changed_by_one_question_and_undone_one_by_one(world: World, tmp_path: Path) -> None:
    for name in ("oak", "elm", "ash"):
        world.run(name)
    lines = ("runs", "tag 1-2 --key team --value risk", "undo --reason no", "runs tags.team=risk")
    heard = await talk(world.engine, tmp_path, *lines)
    assert heard.code == 0, heard.errors
    assert "Tag: 2 of 2" in heard.said
    assert any(line.startswith("Tag: 2 done. Type undo to undo them one by one") for line in heard.said)
    assert "runs: /tags.team=risk; 1 run" in heard.said


async def test_several_that_cannot_be_undone_ask_and_without_an_answer_stay(world: World, tmp_path: Path) -> None:
    for _ in range(2):
        world.version()
    given_up = await talk(world.engine, tmp_path, "versions", "delete 1,2 --reason old")
    assert given_up.code != 0
    assert len(world.engine.models.versions().items) == 2


async def test_a_job_is_begun_listed_and_its_log_read(world: World, tmp_path: Path) -> None:
    begun = await talk(world.engine, tmp_path, "start db check")
    assert begun.code == 0, begun.errors
    assert any(line.startswith("Job 1 began: db check.") for line in begun.said)
    while not world.engine.jobs.get(1).state.over:  # noqa: ASYNC110 another process ends it, by no event of ours
        await asyncio.sleep(0.01)
    heard = await talk(world.engine, tmp_path, "jobs", "1")
    assert any("done; db check" in line for line in heard.said)
    assert "exit code; 0" in heard.said
    assert any("sound" in line for line in heard.said)


async def test_undo_on_an_endpoints_screen_is_of_the_newest_change(served: Served, tmp_path: Path) -> None:
    served.engine.models.create("boat")
    heard = await talk(served.engine, tmp_path, "endpoint churn", "undo --reason no --yes")
    assert heard.code == 0, heard.errors
    assert [model.name for model in served.engine.models.page().items] == ["churn"]


HOSTILE_LINES = (
    "runs \x00\x1b[31mred\u202e",
    "//(x+)+y/",
    "runs /(x+)+y/",
    "tag 1-99999999 --key a --value b",
    "tag 1 --key",
    "start nope",
    "start models list; rm -rf /",
    "undo 99999999999999999999999",
    "a" * 30_000,
    "'",
    "\\",
    "--",
    "home --x y",
    "open 99999999999999999999",
    "1" * 5_000,
)


@pytest.mark.parametrize("line", HOSTILE_LINES)
async def test_a_hostile_line_is_refused_in_one_clean_short_line(world: World, tmp_path: Path, line: str) -> None:
    world.run("oak")
    heard = await talk(world.engine, tmp_path, "runs", line)
    assert heard.code != 0
    assert heard.errors.count("\n") == 1
    assert len(heard.errors) < 1_000
    assert not set("\x1b\x00\u202e") & set(heard.errors + heard.text)
