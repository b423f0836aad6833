"""The kit holds what it promises: every text in every field, every screen and noun among the places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import engine
from console.registry import RESOURCES
from engine.api import Engine
from engine.cli.root import root
from engine.core.errors import InvalidInput
from engine.prompts.model import NewPrompt
from engine.registry.model import Stage
from engine.tracking.logged_model_model import NewLoggedModel
from engine.tracking.model import DatasetInput
from tests.hostile.places import COMMANDS, NOT_SWEPT, SCREENS
from tests.hostile.planters import KEY, VALUE, WORD
from tests.hostile.texts import HOSTILE, REFUSED
from tests.hostile.workspace import Workspace, make_hostile


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_hostile(tmp_path_factory.mktemp("hostile") / "workspace")


def test_every_screen_of_the_console_has_a_place() -> None:
    assert set(RESOURCES) <= {screen.resource for screen in SCREENS}


def test_every_noun_of_the_command_line_has_a_place_or_a_reason() -> None:
    nouns = set(root.list_commands(root.make_context("qd", [], resilient_parsing=True)))
    swept = {command.words.split()[0] for command in COMMANDS}
    assert nouns - swept - set(NOT_SWEPT) == set()
    assert not swept & set(NOT_SWEPT)


def test_what_was_planted_is_stored_as_it_was_logged(hostile: Workspace) -> None:
    with engine.open(hostile.path, read_only=True) as opened:
        for name, names in hostile.planted.items():
            text = HOSTILE[name]
            run, version = opened.runs.get(names["run"]), opened.models.version(names["model"], 1)
            assert (run.params["depth"], run.tags["team"], run.note) == (text[:VALUE], text[:VALUE], text)
            assert text[:KEY] in run.metrics
            assert (version.owner, version.description) == (text[:WORD], text)
            assert version.stage is Stage.PRODUCTION
            assert opened.approvals.get(int(names["request"])).reason == names["reason"].strip()


HOOK, EVENTS = "https://hooks.example/", ("promotion.made",)

FIELDS: dict[str, Callable[[Engine, str, str], object]] = {
    "experiment": lambda opened, _run, text: opened.experiments.create(text),
    "experiment tag": lambda opened, _run, text: opened.experiments.set_tag("e", "k", text),
    "experiment tag key": lambda opened, _run, text: opened.experiments.set_tag("e", text, "v"),
    "run": lambda opened, _run, text: opened.runs.start("e", text, capture=False),
    "note": lambda opened, run, text: opened.runs.set_note(run, text),
    "data": lambda opened, run, text: opened.runs.log_input(run, DatasetInput(text, "d")),
    "schema": lambda opened, run, text: opened.runs.log_input(run, DatasetInput("d", "d", schema=text)),
    "file": lambda opened, run, text: opened.runs.log_bytes(run, b"x", text),
    "model": lambda opened, _run, text: opened.models.create(text),
    "description": lambda opened, _run, text: opened.models.create("m", text),
    "owner": lambda opened, _run, text: opened.models.create("m", owner=text),
    "model tag": lambda opened, _run, text: opened.models.create("m", tags={"k": text}),
    "flavor": lambda opened, run, text: opened.models.register("m", run_id=run, flavor=text),
    "reason": lambda opened, _run, text: opened.models.delete_version("n", 1, reason=text),
    "token": lambda opened, _run, text: opened.tokens.create(text),
    "token's user": lambda opened, _run, text: opened.tokens.create("t", user=text),
    "logged model": lambda opened, _run, text: opened.logged_models.create(NewLoggedModel(1, text)),
    "logged model's type": lambda opened, _run, text: opened.logged_models.create(NewLoggedModel(1, "m", None, text)),
    "logged model's param": lambda opened, _run, text: opened.logged_models.create(
        NewLoggedModel(1, "m", params={"k": text})
    ),
    "prompt": lambda opened, _run, text: opened.prompts.create(text),
    "prompt's description": lambda opened, _run, text: opened.prompts.create("p", text),
    "template": lambda opened, _run, text: opened.prompts.register("p", NewPrompt(text)),
    "commit message": lambda opened, _run, text: opened.prompts.register("p", NewPrompt("t", commit_message=text)),
    "trace's tag": lambda opened, _run, text: opened.traces.start(1, 1, {"k": text}, {}),
    "trace's metadata": lambda opened, _run, text: opened.traces.start(1, 1, {}, {"k": text}),
    "trace's name": lambda opened, _run, text: opened.traces.rename(opened.traces.start(1, 1, {}, {}), text),
    "webhook": lambda opened, _run, text: opened.webhooks.create(text, HOOK, EVENTS),
    "webhook's address": lambda opened, _run, text: opened.webhooks.create("w", HOOK + text, EVENTS),
    "webhook's description": lambda opened, _run, text: opened.webhooks.create("w", HOOK, EVENTS, description=text),
    "webhook's secret": lambda opened, _run, text: opened.webhooks.create("w", HOOK, EVENTS, secret=text),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=ascii)
@pytest.mark.parametrize("field", FIELDS)
def test_what_no_field_can_hold_is_refused_by_each(tmp_path: Path, field: str, text: str) -> None:
    engine.create(tmp_path / "workspace")
    with engine.open(tmp_path / "workspace") as opened:
        run = opened.runs.start("e", "r", capture=False)
        run.log_bytes(b"x", "model/x")
        opened.models.register("n", run_id=run.id)
        with pytest.raises(InvalidInput):
            FIELDS[field](opened, run.id, text)
