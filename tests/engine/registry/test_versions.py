from __future__ import annotations

import math

import pytest

from engine.artifacts.model import ManifestEntry
from engine.core.access import Actor
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.registry.model import Column, Signature, Stage
from engine.tracking.model import DatasetInput
from tests.engine.registry.desk import Desk

SIGNATURE = Signature((Column("age", "int64"), Column("image", "float32", (-1, 28, 28))), (Column("score", "float64"),))


def test_a_version_owns_what_its_run_had_when_it_was_registered(desk: Desk) -> None:
    metrics = {"auc": 0.9, "nan": math.nan, "inf": math.inf, "big": 1e300}
    data = DatasetInput("clients", "sha256:1", context="training")
    run_id = desk.run(metrics=metrics, params={"depth": "8", "note": "[/nope]"}, inputs=(data,))
    made = desk.models.register(
        "churn", run_id=run_id, flavor="sklearn", format="skops",
        signature=SIGNATURE, owner="ada", description="A tree.", tags={"recipe": "tree"},
    )  # fmt: skip
    assert (made.model, made.version, made.key, made.stage) == ("churn", 1, "churn/1", Stage.REGISTERED)
    assert (made.run_id, made.artifact_path, made.size_bytes) == (run_id, "model", 9)
    assert (made.data_name, made.data_digest) == ("clients", "sha256:1")
    assert made.digest == desk.runs.artifact_manifest(run_id, "model").digest
    assert made.params == {"depth": "8", "note": "[/nope]"}
    assert math.isnan(made.metrics["nan"])
    assert {key: value for key, value in made.metrics.items() if key != "nan"} == {
        "auc": 0.9,
        "inf": math.inf,
        "big": 1e300,
    }
    assert (made.signature, made.flavor, made.format, made.owner) == (SIGNATURE, "sklearn", "skops", "ada")
    assert (made.tags, made.created_by, made.created_ms) == ({"recipe": "tree"}, "ada", desk.clock.now_ms())
    stored = desk.models.version("churn", 1)
    assert repr(stored) == repr(made)


def test_how_busy_the_machine_was_says_nothing_about_a_version(desk: Desk) -> None:
    run_id = desk.run(metrics={"auc": 0.9, "system/cpu_utilization_percentage": 99.0})
    assert desk.models.register("churn", run_id=run_id).metrics == {"auc": 0.9}


def test_registering_creates_the_model_and_both_are_audited(desk: Desk) -> None:
    desk.register()
    desk.register()
    assert desk.audited() == [
        ("create", "model", "churn"),
        ("register", "version", "churn/1"),
        ("register", "version", "churn/2"),
    ]
    assert desk.news() == [
        ("model", "created", "churn"),
        ("version", "created", "churn/1"),
        ("version", "created", "churn/2"),
        ("model", "changed", "churn"),
    ]


def test_what_the_run_logs_later_does_not_change_the_version(desk: Desk) -> None:
    run_id = desk.run(metrics={"auc": 0.9})
    made = desk.models.register("churn", run_id=run_id)
    files = desk.models.files("churn", 1)
    desk.runs.log_batch(run_id, metrics=[("auc", 0.1, 9, desk.clock.now_ms())], params={"later": "1"})
    desk.runs.log_bytes(run_id, b"more", "model/later.bin")
    assert desk.models.version("churn", 1) == made
    assert desk.models.files("churn", 1) == files
    assert desk.models.check_files("churn", 1) == ()


def test_a_single_file_can_be_a_version(desk: Desk) -> None:
    run_id = desk.run({"deep/model.onnx": b"graph"})
    made = desk.models.register("churn", run_id=run_id, artifact_path="deep/model.onnx")
    (entry,) = desk.models.files("churn", 1)
    assert (entry.path, entry.size_bytes, entry.digest) == ("model.onnx", 5, made.digest)
    assert desk.models.check_files("churn", 1) == ()


def test_the_files_are_those_of_the_artifact_path_alone(desk: Desk) -> None:
    run_id = desk.run({"model/a": b"1", "model2/b": b"2", "other": b"3"})
    desk.models.register("churn", run_id=run_id)
    assert [entry.path for entry in desk.models.files("churn", 1)] == ["a"]


@pytest.mark.parametrize("path", ["../model", "/model", "a//b", "a\\b", "a\0b", "x" * 2_000])
def test_an_unsafe_path_is_refused(desk: Desk, path: str) -> None:
    with pytest.raises(InvalidInput):
        desk.models.register("churn", run_id=desk.run(), artifact_path=path)
    assert desk.audited() == []


def test_a_run_or_an_artifact_that_is_not_there_creates_nothing(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.models.register("churn", run_id="f" * 32)
    with pytest.raises(NotFound):
        desk.models.register("churn", run_id=desk.run(), artifact_path="nothing")
    with pytest.raises(NotFound):
        desk.models.get("churn")


def test_a_deleted_run_makes_no_version(desk: Desk) -> None:
    run_id = desk.run()
    desk.runs.delete(run_id)
    with pytest.raises(Conflict, match="was deleted"):
        desk.models.register("churn", run_id=run_id)


TRAIN = DatasetInput("train", "d1", context="training")
TEST = DatasetInput("test", "d2", context="test")
PLAIN = DatasetInput("plain", "d3")


@pytest.mark.parametrize(
    ("inputs", "said", "expected"),
    [
        ((), None, ("", "")),
        ((PLAIN,), None, ("plain", "d3")),
        ((TEST, TRAIN), None, ("train", "d1")),
        ((TEST, PLAIN), None, ("", "")),
        ((TEST, TRAIN), "d2", ("test", "d2")),
        ((TRAIN,), "elsewhere", ("", "elsewhere")),
        ((TRAIN,), "", ("", "")),
    ],
)
def test_the_training_data_is_what_was_said_else_the_runs_training_input(
    desk: Desk, inputs: tuple[DatasetInput, ...], said: str | None, expected: tuple[str, str]
) -> None:
    made = desk.models.register("churn", run_id=desk.run(inputs=inputs), data_digest=said)
    assert (made.data_name, made.data_digest) == expected


def test_a_signature_with_two_columns_of_one_name_is_refused(desk: Desk) -> None:
    twice = Signature((Column("a", "int64"), Column("a", "int64")))
    with pytest.raises(InvalidInput, match="same name"):
        desk.register(signature=twice)


def test_texts_and_tags_of_a_version_change(desk: Desk) -> None:
    desk.register(owner="ada")
    assert desk.models.update_version("churn", 1, description="A tree.").owner == "ada"
    assert desk.models.update_version("churn", 1, owner="bob").description == "A tree."
    assert desk.models.set_version_tag("churn", 1, "k", "v").tags == {"k": "v"}
    assert desk.models.set_version_tag("churn", 1, "k", None).tags == {}
    desk.models.set_version_tag("churn", 1, "k", None)
    assert [verb for verb, _, _ in desk.audited()][2:] == ["update", "update", "tag", "tag"]


def test_a_missing_version_names_the_newest(desk: Desk) -> None:
    desk.register()
    desk.register()
    for number in (3, 0, -1, 2**70):
        with pytest.raises(NotFound, match="newest version is 2"):
            desk.models.version("churn", number)
    desk.models.create("empty")
    with pytest.raises(NotFound, match="has no versions"):
        desk.models.version("empty", 1)


def test_a_changed_byte_is_found(desk: Desk) -> None:
    desk.register()
    entry = next(each for each in desk.models.files("churn", 1) if each.path == "weights.bin")
    path = desk.artifacts.path_of(entry.digest)
    path.chmod(0o600)
    path.write_bytes(b"Weights")
    (problem,) = desk.models.check_files("churn", 1)
    assert (problem.path, problem.digest, problem.problem) == ("weights.bin", entry.digest, "its bytes have changed")


def test_a_missing_file_is_found(desk: Desk) -> None:
    desk.register()
    entry = desk.models.files("churn", 1)[0]
    desk.artifacts.path_of(entry.digest).unlink()
    (problem,) = desk.models.check_files("churn", 1)
    assert (problem.path, problem.problem) == (entry.path, "is missing")


@pytest.mark.parametrize(
    "tamper",
    [
        "DELETE FROM version_file WHERE path = 'weights.bin'",
        "DELETE FROM version_file",
        "UPDATE version_file SET path = 'other' WHERE path = 'weights.bin'",
        "UPDATE version_file SET size_bytes = 1 WHERE path = 'weights.bin'",
        "UPDATE version_file SET digest = (SELECT digest FROM version_file WHERE path = 'config/a.json')",
        "UPDATE model_version SET digest = 'x'",
    ],
)
def test_a_list_of_files_that_no_longer_has_the_approved_digest_is_found(desk: Desk, tamper: str) -> None:
    desk.register()
    with desk.database.transaction(Actor("mallory")) as tx:
        tx.execute(tamper)
    assert "the list of its files has changed" in [each.problem for each in desk.models.check_files("churn", 1)]


def test_files_are_manifest_entries_by_path(desk: Desk) -> None:
    desk.register()
    found = desk.models.files("churn", 1)
    assert [entry.path for entry in found] == ["config/a.json", "weights.bin"]
    assert all(isinstance(entry, ManifestEntry) for entry in found)
