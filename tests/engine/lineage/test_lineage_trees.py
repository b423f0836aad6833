"""Lineages as trees: both ways, from any of the things, paged, and each thing's branches once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.errors import InvalidInput, NotFound
from engine.lineage.model import ASCII, UNICODE, Branch, Key, Kind, Thing, Tree, lines, parse_key
from engine.tracking.model import DatasetInput
from tests.console.world import HOSTILE, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def _things(branch: Branch | None) -> list[str]:
    """Every thing of a branch but its root, in the order of its lines."""
    if branch is None:
        return []
    return [name for each in branch.branches for name in (str(each.thing.key), *_things(each))]


def test_a_version_came_from_a_run_and_its_data(world: World) -> None:
    version = world.version()
    tree = world.engine.lineages.tree("version", version.key)
    assert _things(tree.up) == [f"run/{version.run_id}", f"dataset/{'d' * 64}"]
    assert _things(tree.down) == []


@pytest.mark.parametrize("name", ["car_loan", "d" * 64, "d" * 12, "car_loan@" + "d" * 64])
def test_data_is_found_by_name_by_digest_or_by_both(world: World, name: str) -> None:
    version = world.version()
    tree = world.engine.lineages.tree("dataset", name, "down")
    assert tree.up is None
    assert _things(tree.down) == [f"run/{version.run_id}", "version/churn/1"]


def test_a_name_that_several_datasets_have_is_refused_with_their_digests(world: World) -> None:
    world.version()
    run = world.engine.runs.start("exp", "other", capture=False, system_metrics_s=0)
    run.log_dataset(DatasetInput("car_loan", "e" * 64, rows=1, context="training"))
    with pytest.raises(InvalidInput, match="Several datasets"):
        world.engine.lineages.tree("dataset", "car_loan")


def test_a_run_is_found_by_the_beginning_of_its_id(world: World) -> None:
    run = world.run("tree")
    assert world.engine.lineages.thing("run", run[:-1]).key.name == run


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_what_is_not_there_is_not_found(world: World, kind: str) -> None:
    with pytest.raises(NotFound, match=f"There is no {kind}"):
        world.engine.lineages.tree(kind, "nothing/99")


@pytest.mark.parametrize("text", ["churn", "version/", "/churn", "lion/7", "", "\x1b[31m/x"])
def test_a_thing_is_written_as_kind_and_name(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_key(text)


def test_alerts_lead_to_what_they_are_about_and_back(world: World) -> None:
    version = world.version()
    _alert(world.engine, version.model, version.version)
    assert _things(world.engine.lineages.tree("version", "churn/1", "down").down) == ["alert/1"]
    up = _things(world.engine.lineages.tree("alert", "1", "up").up)
    assert up == ["version/churn/1", f"run/{version.run_id}", f"dataset/{'d' * 64}"]


def _alert(engine: Engine, model: str, version: int) -> None:
    columns = """monitor, key, state, severity, sentence, next_step, model, version, endpoint, evidence, windows,
        window_start_ms, window_end_ms, opened_ms, updated_ms, owner, escalated, resolved_by, resolution, rule"""
    row = ("m", "k", "open", 2, "It drifts.", "", model, version, "", "{}", 1, 0, 1, 1, 1, "", 0, "", "", "{}")
    with engine.database.transaction(engine.access.actor) as tx:
        tx.execute(f"INSERT INTO alert ({columns}) VALUES ({', '.join('?' * len(row))})", row)


def test_a_great_fan_is_paged_and_says_how_many_more(world: World) -> None:
    parent = world.run("parent")
    for number in range(7):
        world.engine.runs.start("exp", f"child {number}", capture=False, system_metrics_s=0, parent=parent)
    fan = world.engine.lineages.fan("run", parent, "down", skip=5, limit=5)
    assert (len(fan.things), fan.total) == (2, 7)
    tree = world.engine.lineages.tree("run", parent, "down", width=3)
    assert tree.down is not None
    assert (len(tree.down.branches), tree.down.more) == (3, 4)
    assert "... 4 more runs" in "\n".join(lines(tree, ASCII))


def test_pages_of_a_fan_are_the_whole_of_it(world: World) -> None:
    parent = world.run("parent")
    for number in range(7):
        world.engine.runs.start("exp", f"child {number}", capture=False, system_metrics_s=0, parent=parent)
    world.engine.models.register("churn", run_id=parent, artifact_path="model/model.skops")
    whole = world.engine.lineages.fan("run", parent, "down", limit=1_000).things
    pages = [
        each
        for skip in range(0, 9, 3)
        for each in world.engine.lineages.fan("run", parent, "down", skip=skip, limit=3).things
    ]
    assert tuple(pages) == whole


def test_what_stands_twice_has_its_branches_once(world: World) -> None:
    parent = world.run("parent")
    world.engine.runs.start("exp", "child", capture=False, system_metrics_s=0, parent=parent).log_dataset(
        DatasetInput("car_loan", "d" * 64, rows=5000, context="training")
    )
    tree = world.engine.lineages.tree("dataset", "d" * 64, "down")
    text = "\n".join(lines(tree, UNICODE))
    assert text.count("parent of run child") == 1
    assert text.count("(above)") == 1


def test_a_depth_ends_the_tree_and_tells_what_is_left_out(world: World) -> None:
    world.version()
    tree = world.engine.lineages.tree("dataset", "car_loan", "down", depth=1)
    assert tree.down is not None
    assert [each.more for each in tree.down.branches] == [1]


def test_a_hostile_name_reaches_the_text_clean_and_on_one_line() -> None:
    root = Thing(Key(Kind.RUN, "a" * 32), HOSTILE, "finished")
    text = list(lines(Tree(root, Branch(root), None), ASCII))
    assert len(text) == 2
    assert "\x1b" not in "".join(text)


def test_a_lineage_of_the_past_knows_nothing_that_came_later(world: World) -> None:
    version = world.version()
    before = world.engine.audit.head().size
    _alert(world.engine, version.model, version.version)
    world.engine.models.create("later")
    from engine.core.moment import Moment

    then = world.engine.at(Moment(change=before - 1))
    with pytest.raises(NotFound):
        then.lineages.tree("version", "churn/1")


def test_the_tree_is_json_too(world: World) -> None:
    from dataclasses import asdict

    world.version()
    text = json.dumps(asdict(world.engine.lineages.tree("version", "churn/1")))
    assert json.loads(text)["up"]["branches"][0]["thing"]["how"] == "registered from"
