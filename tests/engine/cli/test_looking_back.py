"""`--at` beside the filters of lists, and `qd lineage`."""

from __future__ import annotations

import pytest

from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd


def test_a_list_is_told_as_it_was_after_a_change(qd: Qd, sample: Sample) -> None:
    del sample
    seq = qd("audit", "list", "--limit", "1", "--json").json["items"][0]["seq"]
    qd("models", "create", "later")
    assert "later" in qd("models", "list").out
    assert "later" not in qd("models", "list", "--at", f"#{seq}").out


def test_a_thing_is_told_as_it_was(qd: Qd, sample: Sample) -> None:
    qd("runs", "rename", sample.runs[0], "forest")
    seq = qd("audit", "list", "--limit", "1", "--json").json["items"][0]["seq"]
    assert qd("runs", "show", sample.runs[0], "--json").json["name"] == "forest"
    assert qd("runs", "show", sample.runs[0], "--json", "--at", f"#{seq - 1}").json["name"] == "tree-0"


def test_before_everything_lists_are_empty(qd: Qd, sample: Sample) -> None:
    del sample
    for noun in ("models", "runs", "experiments", "prompts", "endpoints", "alerts", "approvals"):
        assert qd(noun, "list", "--at", "2001-01-01", "--json").json["items"] == []


@pytest.mark.parametrize("text", ["next week", "#0", "#x", "\x1b[31m"])
def test_a_wrong_moment_is_a_usage_error(qd: Qd, sample: Sample, text: str) -> None:
    del sample
    answer = qd("models", "list", "--at", text, code=2)
    assert "--at" in answer.err
    assert "\x1b" not in answer.err


def test_a_change_that_never_was_is_not_found(qd: Qd, sample: Sample) -> None:
    del sample
    assert "There is no change 99999" in qd("models", "list", "--at", "#99999", code=1).err


def test_the_lineage_of_a_version_is_a_tree_of_text(qd: Qd, sample: Sample) -> None:
    del sample
    text = qd("lineage", "version/churn/1").out
    assert "version churn/1" in text.splitlines()[0]
    assert "registered from run tree-0" in text
    assert "read dataset car_loan" in text
    assert "became: nothing known" in text


def test_the_lineage_of_data_goes_down_to_every_version(qd: Qd, sample: Sample) -> None:
    del sample
    down = qd("lineage", "dataset/car_loan", "--direction", "down", "--json").json
    assert down["up"] is None
    runs = down["down"]["branches"]
    assert sorted(each["branches"][0]["thing"]["key"]["name"] for each in runs) == ["churn/1", "churn/2", "churn/3"]
    assert "more" in qd("lineage", "dataset/car_loan", "--depth", "1", "--width", "2").out


def test_what_names_nothing_says_how_things_are_named(qd: Qd, sample: Sample) -> None:
    del sample
    assert "Write KIND/NAME" in qd("lineage", "churn", code=2).err
    assert "There is no endpoint nowhere" in qd("lineage", "endpoint/nowhere", code=1).err
