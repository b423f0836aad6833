"""`qd models` and `qd versions`: the registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd


def test_models_are_listed_with_what_serves(qd: Qd, sample: Sample) -> None:
    [model] = qd("models", "list", "--json").json["items"]
    assert (model["name"], model["versions"], model["latest"], model["production"]) == ("churn", 3, 3, [])
    assert qd("models", "list", "--filter", "name = 'other'", "--json").json["items"] == []
    assert qd("models", "list").out.splitlines()[1].split()[:4] == ["churn", "3", "3", "-"]


def test_a_model_is_made_changed_and_renamed(qd: Qd, sample: Sample) -> None:
    made = qd("models", "create", "fraud", "--owner", "ada", "--tag", "team=risk", "--json").json
    assert (made["name"], made["owner"], made["tags"], made["versions"]) == ("fraud", "ada", {"team": "risk"}, 0)
    assert qd("models", "update", "fraud", "--description", "cards", "--json").json["owner"] == "ada"
    assert qd("models", "tag", "fraud", "a=1", "--remove", "team", "--json").json["tags"] == {"a": "1"}
    assert qd("models", "rename", "fraud", "cards", "--json").json["description"] == "cards"
    assert "Did you mean cards?" in qd("models", "show", "card", code=1).err


def test_people_see_a_model_with_its_newest_versions(qd: Qd, sample: Sample) -> None:
    lines = qd("models", "show", "churn").out.splitlines()
    assert "newest versions" in lines
    assert [line.split()[1] for line in lines if line.startswith("churn ")] == ["3", "2", "1"]


def test_registering_takes_facts_from_the_run_and_from_the_words(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    signature = {"inputs": [{"name": "age", "dtype": "int64"}], "outputs": [{"name": "p", "dtype": "float64"}]}
    (tmp_path / "signature.json").write_text(json.dumps(signature))
    words = ["--run", sample.runs[1], "--path", "report.csv", "--signature", str(tmp_path / "signature.json")]
    facts = ["--owner", "bob", "--flavor", "sklearn", "--format", "csv", "--tag", "a=1", "--description", "d"]
    made = qd("models", "register", "scores", *words, *facts, "--json").json
    assert made["key"] == "scores/1"
    assert (made["owner"], made["tags"], made["data_digest"], made["stage"]) == ("bob", {"a": "1"}, "d1", "Registered")
    assert made["signature"]["inputs"][0]["name"] == "age"
    assert made["metrics"]["auc"] == 0.86


@pytest.mark.parametrize("text", ["not json", "[]", '{"inputs": 1}', "[" * 3_000])
def test_a_signature_that_is_none_is_refused(qd: Qd, sample: Sample, tmp_path: Path, text: str) -> None:
    (tmp_path / "s").write_text(text)
    answer = qd("models", "register", "x", "--run", sample.runs[0], "--signature", tmp_path / "s", code=2)
    assert "signature" in answer.err.lower()
    assert qd("models", "list", "--json").json["items"][0]["name"] == "churn"


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["churn/2"], 2),
        (["churn", "2"], 2),
        (["churn/latest"], 3),
        (["churn@best"], 1),
        (["churn@production"], 2),
        (["churn"], 2),
    ],
)
def test_a_version_has_many_names(qd: Qd, sample: Sample, words: list[str], number: int) -> None:
    qd("models", "alias", "churn", "best", "1")
    qd("models", "promote", "churn", "2", "--to", "production", "--reason", "go")
    assert qd("versions", "show", *words, "--json").json["version"] == number


def test_versions_are_filtered_and_ordered(qd: Qd, sample: Sample) -> None:
    words = ["--filter", "metrics.auc > 0.82", "--order-by", "metrics.auc asc", "--json"]
    found = qd("versions", "list", "churn", *words).json
    assert [version["key"] for version in found["items"]] == ["churn/2", "churn/3"]
    assert [row[1] for row in qd("versions", "list", "--csv").rows] == ["version", "3", "2", "1"]


def test_a_version_is_changed_tagged_and_deleted(qd: Qd, sample: Sample) -> None:
    assert qd("versions", "update", "churn", "1", "--owner", "bob", "--json").json["owner"] == "bob"
    assert qd("versions", "tag", "churn/1", "a=1", "--json").json["tags"] == {"a": "1"}
    assert qd("versions", "tag", "churn/1", "--remove", "a", "--json").json["tags"] == {}
    qd("versions", "delete", "churn/1", "--reason", "old", "--yes")
    assert "no version 1" in qd("versions", "show", "churn", "1", code=1).err


def test_files_of_a_version_are_listed_and_read_again(qd: Qd, sample: Sample) -> None:
    found = qd("versions", "files", "churn/1", "--check", "--json").json
    assert [file["path"] for file in found["items"]] == ["weights.bin"]
    assert found["problems"] == []
    for file in (sample.path / "artifacts" / "objects").rglob("*"):
        if file.is_file() and file.read_bytes() == b"weights 0":
            file.chmod(0o600)
            file.write_bytes(b"weights X")
    answer = qd("versions", "files", "churn/1", "--check", "--json", code=1)
    assert answer.json["problems"][0]["path"] == "weights.bin"
    assert "weights.bin" in answer.err


def test_aliases_move_and_go(qd: Qd, sample: Sample) -> None:
    assert qd("models", "alias", "churn", "best", "1", "--json").json["aliases"] == ["best"]
    assert qd("models", "alias", "churn", "best", "2", "--json").json["key"] == "churn/2"
    assert qd("models", "show", "churn", "--json").json["aliases"] == {"best": 2}
    assert qd("models", "unalias", "churn", "best", "--json").json["aliases"] == {}
    assert "protected" in qd("models", "alias", "churn", "production", "1", code=4).err


def test_the_lineage_of_a_version_and_of_a_dataset(qd: Qd, sample: Sample) -> None:
    text = qd("models", "lineage", "churn", "1").out
    assert "dataset car_loan d1" in text
    assert "registered as" in text
    found = qd("models", "lineage", "--dataset", "d1", "--json").json
    assert {node["id"]["key"] for node in found["nodes"] if node["id"]["kind"] == "version"} == {
        "churn/1",
        "churn/2",
        "churn/3",
    }
    assert qd("versions", "lineage", "churn/1", "--csv").rows[0] == [
        "source_kind",
        "source",
        "edge",
        "target_kind",
        "target",
    ]
    assert "Name a model" in qd("models", "lineage", code=2).err


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["models", "delete", "churn", "--reason", "old"], "churn"),
        (["versions", "delete", "churn/1", "--reason", "old"], "churn/1"),
    ],
)
def test_without_a_terminal_what_cannot_be_undone_needs_yes(
    qd: Qd, sample: Sample, words: list[str], name: str
) -> None:
    answer = qd(*words, code=2)
    assert "--yes" in answer.err
    assert name in answer.err
    assert qd("models", "show", "churn", "--json").json["versions"] == 3
    qd(*words, "--yes")


def test_a_model_that_serves_is_not_deleted(qd: Qd, sample: Sample) -> None:
    qd("models", "promote", "churn", "1", "--to", "staging", "--reason", "try")
    assert "Archive it first" in qd("models", "delete", "churn", "--reason", "old", "--yes", code=1).err


@pytest.mark.parametrize("number", ["0", "-1", "seven", "9" * 30, "１"])  # noqa: RUF001 digits of another script
def test_a_version_number_is_a_number_from_1(qd: Qd, sample: Sample, number: str) -> None:
    qd("models", "check", "churn", "--to", "staging", "--", number, code=2)
