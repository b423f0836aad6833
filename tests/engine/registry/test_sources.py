"""Versions come from runs, logged models and other versions; each owns what its source held at that moment."""

from __future__ import annotations

import pytest

from engine.core.access import Role
from engine.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from engine.prompts.model import NewPrompt
from engine.prompts.service import Prompts
from engine.registry.intake import Intake
from engine.registry.model import Column, Signature, Stage
from engine.registry.sources import CopySource, LoggedSource, RunSource, VersionSource
from engine.tracking.logged_model_model import NewLoggedModel
from engine.tracking.logged_models import LoggedModels
from engine.tracking.model import DatasetInput
from tests.builders import make_access
from tests.engine.registry.desk import Desk

PACKAGE = b"""
flavors: {python_function: {}, sklearn: {serialization_format: skops}}
signature: {inputs: '[{"type": "double", "name": "x"}]'}
"""
PACKAGED = {"model/MLmodel": PACKAGE, "model/model.skops": b"weights"}
SIGNATURE = Signature((Column("x", "float64"),))


@pytest.fixture
def logged(desk: Desk) -> LoggedModels:
    return LoggedModels(desk.database, make_access(), desk.artifacts, desk.clock, desk.ids)


def log_model(desk: Desk, logged: LoggedModels, run_id: str | None, name: str = "trees", data: bytes = b"w") -> str:
    """A logged model with two files; its id."""
    experiment = desk.runs.get(run_id or desk.run()).experiment_id
    made = logged.create(NewLoggedModel(experiment, name, run_id, params={"depth": "9"}))
    logged.files.keep_bytes(made.model_id, PACKAGE, "MLmodel")
    logged.files.keep_bytes(made.model_id, data, "model.skops")
    return made.model_id


def test_a_version_says_what_its_files_say_of_themselves(desk: Desk) -> None:
    version = desk.models.register("churn", run_id=desk.run(PACKAGED))
    assert (version.flavor, version.format, version.signature) == ("sklearn", "skops", SIGNATURE)


def test_the_registering_person_has_the_last_word(desk: Desk) -> None:
    mine = Signature((Column("y", "int64"),))
    version = desk.models.register("churn", run_id=desk.run(PACKAGED), flavor="own", format="raw", signature=mine)
    assert (version.flavor, version.format, version.signature) == ("own", "raw", mine)


def test_a_run_as_a_whole_can_be_registered(desk: Desk) -> None:
    run_id = desk.run({"a.txt": b"a", "b/c.txt": b"c"})
    version = desk.models.register_from("churn", RunSource(run_id, "", "the words"))
    assert [file.path for file in desk.models.files("churn", 1)] == ["a.txt", "b/c.txt"]
    assert (version.artifact_path, version.source) == ("", "the words")
    assert desk.models.check_files("churn", 1) == ()


def test_a_logged_model_brings_its_run_with_it(desk: Desk, logged: LoggedModels) -> None:
    data = DatasetInput("loans", "d1", context="training")
    run_id = desk.run(metrics={"auc": 0.9}, params={"depth": "3"}, inputs=(data,))
    model_id = log_model(desk, logged, run_id)
    version = desk.models.register_from("churn", LoggedSource(model_id, wording="models:/x"))
    assert (version.model_id, version.run_id, version.source) == (model_id, run_id, "models:/x")
    assert (version.metrics, version.params) == ({"auc": 0.9}, {"depth": "3"})
    assert (version.data_name, version.data_digest) == ("loans", "d1")
    assert (version.flavor, version.signature) == ("sklearn", SIGNATURE)
    assert [file.path for file in desk.models.files("churn", 1)] == ["MLmodel", "model.skops"]
    assert desk.models.check_files("churn", 1) == ()


def test_a_logged_model_without_a_run_speaks_for_itself(desk: Desk, logged: LoggedModels) -> None:
    version = desk.models.register_from("churn", LoggedSource(log_model(desk, logged, None)))
    assert (version.run_id, version.params) == (None, {"depth": "9"})


def test_a_path_that_is_none_names_the_model_that_the_run_logged_last(desk: Desk, logged: LoggedModels) -> None:
    run_id = desk.run({})
    log_model(desk, logged, run_id, data=b"first")
    desk.clock.advance(1)
    newest = log_model(desk, logged, run_id, data=b"second")
    assert desk.models.register_from("churn", RunSource(run_id, "trees")).model_id == newest
    with pytest.raises(NotFound):
        desk.models.register_from("churn", RunSource(run_id, "forest"))


def test_files_of_the_run_go_before_a_logged_model_of_that_name(desk: Desk, logged: LoggedModels) -> None:
    run_id = desk.run({"trees/weights.bin": b"w"})
    log_model(desk, logged, run_id)
    assert desk.models.register_from("churn", RunSource(run_id, "trees")).model_id is None


def test_a_copy_is_the_same_bytes_with_the_same_past(desk: Desk) -> None:
    data = DatasetInput("loans", "d1", context="training")
    run_id = desk.run(PACKAGED, metrics={"auc": 0.9}, inputs=(data,))
    original = desk.models.register("churn", run_id=run_id)
    copy = desk.models.register_from("churn-eu", CopySource("churn", 1), Intake(owner="bob"))
    assert (copy.digest, copy.run_id, copy.metrics) == (original.digest, original.run_id, original.metrics)
    assert (copy.data_name, copy.data_digest, copy.signature) == ("loans", "d1", SIGNATURE)
    assert (copy.model, copy.version, copy.owner) == ("churn-eu", 1, "bob")
    assert desk.models.files("churn-eu", 1) == desk.models.files("churn", 1)


def test_what_happens_to_a_logged_model_later_changes_no_version(desk: Desk, logged: LoggedModels) -> None:
    model_id = log_model(desk, logged, desk.run())
    before = desk.models.register_from("churn", LoggedSource(model_id))
    logged.files.keep_bytes(model_id, b"tampered", "model.skops")
    assert desk.models.version("churn", 1) == before
    assert desk.models.check_files("churn", 1) == ()
    assert desk.models.register_from("churn", LoggedSource(model_id)).digest != before.digest


@pytest.mark.parametrize("empty", [True, False])
def test_a_version_without_files_is_taken_only_when_asked_for(desk: Desk, empty: bool) -> None:
    source = RunSource(desk.run({}), "model", may_be_empty=empty)
    if not empty:
        with pytest.raises(NotFound):
            desk.models.register_from("churn", source)
        return
    version = desk.models.register_from("churn", source)
    assert (version.size_bytes, desk.models.files("churn", 1)) == (0, ())
    [problem] = desk.models.check_files("churn", 1)
    assert "registered without any" in problem.problem


@pytest.mark.parametrize(
    "source",
    [
        RunSource("nope"),
        LoggedSource("m-nope"),
        CopySource("nope", 1),
        CopySource("churn", 9),
        RunSource("nope", may_be_empty=True),
        LoggedSource("m-nope", may_be_empty=True),
    ],
    ids=repr,
)
def test_a_source_that_is_not_there_is_refused(desk: Desk, source: VersionSource) -> None:
    desk.register()
    with pytest.raises(NotFound):
        desk.models.register_from("churn", source)
    assert desk.models.get("churn").latest == 1


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "model/../../x", "a\\b", "a\0b"])
def test_a_path_that_leads_out_is_refused(desk: Desk, path: str) -> None:
    with pytest.raises(InvalidInput):
        desk.models.register_from("churn", RunSource(desk.run(), path, may_be_empty=True))


@pytest.mark.parametrize("wording", ["x" * 2_001, "a\0b", "\ud800"])
def test_a_wording_that_cannot_be_stored_is_refused(desk: Desk, wording: str) -> None:
    with pytest.raises(InvalidInput):
        desk.models.register_from("churn", RunSource(desk.run(), wording=wording))


def test_nothing_comes_from_a_deleted_run(desk: Desk) -> None:
    run_id = desk.run()
    desk.runs.delete(run_id)
    with pytest.raises(Conflict, match="was deleted"):
        desk.models.register_from("churn", RunSource(run_id))


def test_a_prompt_keeps_its_name(desk: Desk) -> None:
    prompts = Prompts(desk.database, make_access(Role.WRITER), desk.clock)
    prompts.register("greeting", NewPrompt("Hello"))
    desk.register()
    for take in (
        lambda: desk.models.create("greeting"),
        lambda: desk.models.register("greeting", run_id=desk.run()),
        lambda: desk.models.rename("churn", "greeting"),
    ):
        with pytest.raises(AlreadyExists, match="a prompt greeting already"):
            take()
    with pytest.raises(AlreadyExists, match="a model churn already"):
        prompts.register("churn", NewPrompt("Hello"))


def test_the_newest_version_of_each_stage(desk: Desk) -> None:
    for _ in range(4):
        desk.register()
    desk.register("other")
    desk.models.create("bare")
    desk.move(1, Stage.PRODUCTION)
    desk.move(2, Stage.ARCHIVED)
    desk.move(3, Stage.ARCHIVED)
    found = desk.models.newest(["churn", "other", "bare", "nope"])
    assert {name: [version.version for version in versions] for name, versions in found.items()} == {
        "churn": [1, 3, 4],
        "other": [1],
    }


def test_a_version_is_found_by_the_source_it_was_registered_with(desk: Desk) -> None:
    desk.models.register_from("churn", RunSource(desk.run(), wording="runs:/x/model"))
    desk.register()
    for words, expected in (("source_path = 'runs:/x/model'", [1]), ("source = 'model'", [2])):
        assert [version.version for version in desk.models.versions("churn", words).items] == expected


LEAKED = "AKIAIOSFODNN7EXAMPLE"


def test_secrets_in_tags_are_not_kept(desk: Desk) -> None:
    run_id = desk.run()
    version = desk.models.register("churn", run_id=run_id, tags={"aws_secret_access_key": LEAKED, "team": "red"})
    model = desk.models.set_tag("churn", "password", LEAKED)
    tagged = desk.models.set_version_tag("churn", 1, "api_key", LEAKED)
    made = desk.models.create("other", tags={"token": LEAKED})
    assert version.tags["team"] == "red"
    for tags in (version.tags, model.tags, tagged.tags, made.tags):
        assert LEAKED not in tags.values()
